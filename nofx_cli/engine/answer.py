"""A person's answer to a waiting step: approve, reject or waive.

An answer counts for exactly what was shown. It is checked here against the world as it is now; if that differs,
nothing is granted, the question is asked anew, and the answer ends in a conflict. Of two answers at the same time
one append wins; the other finds it: the same answer is simply told again, a different one is refused.
"""

from typing import Literal, TypeAlias

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record
from nofx_cli.domain.state import Approval, StepStatus
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.prepare import find_handler, request
from nofx_cli.engine.subject import Subject, subject_of
from nofx_cli.ports.rendering import RenderFailed

Decision: TypeAlias = Literal["granted", "rejected", "waived"]

_PAYLOADS: dict[Decision, type[ev.ApprovalGranted | ev.ApprovalRejected | ev.ApprovalWaived]] = {
    "granted": ev.ApprovalGranted,
    "rejected": ev.ApprovalRejected,
    "waived": ev.ApprovalWaived,
}


@record
class Answered:
    """The answer on record. `new` is False when it had been given before."""

    approval: Approval
    new: bool


def answer(open_run: OpenRun, step: StepName, decision: Decision, *, note: str = "", digest: str = "") -> Answered:
    """Record a decision on a waiting step.

    Args:
        digest: of what the person saw; empty takes what was asked last.

    Raises:
        errors.NotFound: the plan has no such step.
        errors.Conflict: the step is not waiting (`not-waiting`), was answered otherwise (`answered-already`), or
            what would run is not what was shown (`approval-stale`; it has been asked anew).
        errors.InvalidInput: what would run cannot be told here (code `render`); nothing was recorded.
    """
    if step not in open_run.state.steps:
        raise errors.NotFound(
            f"run {open_run.run} has no step {step!r}", code="step-not-found", hint=f"nofx show {open_run.run}"
        )
    stale: list[Subject] = []

    def build(batch: Batch) -> None:
        stale.clear()
        approval = _open_question(batch, step, decision)
        if approval is None:
            return
        now = _shown_now(open_run, step, approval)
        if now is not None and now.digest != (digest or approval.digest):
            stale.append(now)
            _ask_anew(open_run, batch, step, approval, now)
            return
        batch.add(_PAYLOADS[decision](approval.digest, open_run.services.mask_text(note)), step)

    events = open_run.commit(build)
    if stale:
        raise _stale(open_run, step)
    found = open_run.state.steps[step].approval
    assert found is not None
    return Answered(found, bool(events))


def shown_now(open_run: OpenRun, step: StepName) -> Subject | None:
    """What a person would decide on now; None for a question that the handler asked by itself."""
    approval = open_run.state.steps[step].approval
    return None if approval is None else _shown_now(open_run, step, approval)


def waiting_steps(open_run: OpenRun) -> list[StepName]:
    """The steps that wait for an answer, in the order of the plan."""
    return [
        step.name
        for step in open_run.state.in_status(StepStatus.WAITING)
        if step.approval is not None and step.approval.decision is None
    ]


def _open_question(batch: Batch, step: StepName, decision: Decision) -> Approval | None:
    """The question to answer; None when it was answered just so before."""
    state = batch.state.steps[step]
    approval = state.approval
    if approval is not None and approval.decision is not None:
        if approval.decision == decision:
            return None
        who = approval.by.id if approval.by else "somebody"
        raise errors.Conflict(
            f"step {step} of run {batch.state.run} was {approval.decision} by {who} at {approval.at}",
            code="answered-already",
            hint=f"to have it asked again: nofx retry {batch.state.run} --from {step}",
        )
    if approval is None or state.status is not StepStatus.WAITING:
        raise errors.Conflict(
            f"step {step} of run {batch.state.run} is {state.status}, it does not wait for an answer",
            code="not-waiting",
            hint=f"nofx show {batch.state.run}",
        )
    return approval


def _shown_now(open_run: OpenRun, step: StepName, approval: Approval) -> Subject | None:
    if approval.reason is ev.AskReason.ASKED:
        return None
    state, spec = open_run.state, open_run.plan.step(step)
    try:
        inputs, env = open_run.renderer.inputs(spec, state), open_run.renderer.env(spec, state)
    except RenderFailed as exc:
        raise errors.InvalidInput(
            f"what step {step} of run {open_run.run} would do cannot be told here: {exc}",
            code="render",
            hint="answer with the environment that the run was started with",
        ) from exc
    attempt = state.steps[step].attempt + 1
    ctx = EngineContext(open_run.services, open_run.plan, state, spec, attempt=attempt, inputs=inputs, env=env)
    return subject_of(open_run.services, spec, state, find_handler(open_run.services, spec), ctx)


def _ask_anew(open_run: OpenRun, batch: Batch, step: StepName, approval: Approval, now: Subject) -> None:
    if now.digest == approval.digest:
        return  # the person saw an older question than the one that is open
    spec = open_run.plan.step(step)
    asked = request(open_run.services, spec, batch.state, now)
    batch.add(ev.ApprovalStale(approval.digest, now.digest), step)
    batch.add(asked.payload, step)


def _stale(open_run: OpenRun, step: StepName) -> errors.Conflict:
    return errors.Conflict(
        f"what step {step} of run {open_run.run} would do has changed since it was shown; it was asked anew",
        code="approval-stale",
        hint=f"look at it again: nofx approve {step} --run {open_run.run}",
        context={"run": open_run.run, "step": step},
    )
