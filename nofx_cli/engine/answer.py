"""A person's answer to a waiting step: approve, reject or waive.

An answer counts for exactly what was shown. It is checked here against the world as it is now; if that differs,
nothing is granted, the question is asked anew, and the answer ends in a conflict. Of two answers at the same time
one append wins; the other finds it: the same answer is simply told again, a different one is refused.
"""

from typing import Literal, TypeAlias

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import Digest, StepName
from nofx_cli.domain.record import record
from nofx_cli.domain.step_state import Approval, StepStatus
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.prepare import find_handler, request
from nofx_cli.engine.shown_text import kept_text
from nofx_cli.engine.subject import Subject, subject_of
from nofx_cli.engine.worktree import ensure_worktree
from nofx_cli.ports.rendering import RenderFailed

Decision: TypeAlias = Literal["granted", "rejected", "waived"]

_PAYLOADS: dict[Decision, type[ev.ApprovalGranted | ev.ApprovalRejected | ev.ApprovalWaived]] = {
    "granted": ev.ApprovalGranted,
    "rejected": ev.ApprovalRejected,
    "waived": ev.ApprovalWaived,
}

_SHOWN_AS_KEPT = frozenset({ev.AskReason.ASKED, ev.AskReason.BUDGET, ev.AskReason.EFFECT})
"""Questions about what was kept when it was asked, and not about what the step would do now."""


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
        errors.Denied: it is a step of this very run that answers (code `answered-by-step`).
    """
    _refuse_steps(open_run)
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
        now = _bound_to(open_run, step, approval, decision)
        if now.digest != (digest or approval.digest):
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


def _refuse_steps(open_run: OpenRun) -> None:
    """Whoever wrote a plan must not approve it by it. A step that hides whose it is can: it is the same user."""
    environ = open_run.services.environ
    if environ.get("NOFX_RUN_ID") == open_run.run:
        raise errors.Denied(
            f"step {environ.get('NOFX_STEP')} cannot answer for its own run {open_run.run}",
            code="answered-by-step",
            hint="let a person answer, outside of the run",
        )


def shown_now(open_run: OpenRun, step: StepName) -> Subject | None:
    """What a person would decide on now; None where nothing is asked.

    Raises:
        errors.Conflict: the handler asked by itself, and what it showed is not there as it was kept (code
            `shown-changed`).
    """
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


def _kept_subject(open_run: OpenRun, step: StepName, approval: Approval) -> Subject:
    """What a handler showed when it asked by itself; it will compare the answer with what it would ask then.

    Raises:
        errors.Conflict: it is not there as it was kept (code `shown-changed`).
    """
    file = ev.ArtifactCreated(name="what was asked", path=approval.path, digest=approval.digest)
    text = kept_text(open_run.services, open_run.run, file)
    if text is None:
        raise errors.Conflict(
            f"what step {step} of run {open_run.run} asked about is not there as it was kept",
            code="shown-changed",
            hint=f"see what happened: nofx verify {open_run.run}; then say no, and have it asked anew: nofx retry",
        )
    return Subject(text, Digest(approval.digest), approval.question, approval.reason)


def _shown_now(open_run: OpenRun, step: StepName, approval: Approval) -> Subject:
    if approval.reason in _SHOWN_AS_KEPT:
        return _kept_subject(open_run, step, approval)
    state, spec = open_run.state, open_run.plan.step(step)
    ensure_worktree(open_run.services, state)
    try:
        inputs, env = open_run.renderer.inputs(spec, state), open_run.renderer.env(spec, state)
    except RenderFailed as exc:
        raise errors.InvalidInput(
            f"what step {step} of run {open_run.run} would do cannot be told here: {exc}",
            code="render",
            hint="answer with the environment that the run was started with",
        ) from exc
    attempt = state.steps[step].next_attempt
    ctx = EngineContext(open_run.services, open_run.plan, state, spec, attempt=attempt, inputs=inputs, env=env)
    return subject_of(open_run.services, spec, state, find_handler(open_run.services, spec), ctx)


def _bound_to(open_run: OpenRun, step: StepName, approval: Approval, decision: Decision) -> Subject:
    if approval.reason in _SHOWN_AS_KEPT and decision != "granted":
        # One can say no without what was shown.
        return Subject("", Digest(approval.digest), approval.question, approval.reason)
    return _shown_now(open_run, step, approval)


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
