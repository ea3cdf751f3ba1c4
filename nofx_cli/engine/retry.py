"""Do a part of a run again that has ended or waits, in the same run and on the record."""

from collections import deque

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.open_run import Batch, OpenRun

_REDONE = frozenset({StepStatus.FAILED, StepStatus.CANCELLED})


def retry(open_run: OpenRun, *, start: StepName | None = None) -> list[StepName]:
    """Reset `start` and all that needs it, or else every failed or cancelled step and all that needs those.

    Returns the steps that were reset, in the order of the plan.

    Raises:
        errors.NotFound: the plan has no such step.
        errors.Conflict: a living process executes the run (`run-is-held`), it has not ended and does not wait
            (`run-not-ended`), or there is nothing to do again (`nothing-to-retry`).
    """
    if start is not None and start not in open_run.state.steps:
        raise errors.NotFound(
            f"run {open_run.run} has no step {start!r}", code="step-not-found", hint=f"nofx show {open_run.run}"
        )
    reset: list[StepName] = []

    def build(batch: Batch) -> None:
        if not batch.state.ended and batch.state.status is not RunStatus.WAITING:
            raise errors.Conflict(
                f"run {open_run.run} is {batch.state.status}; only a run that has ended, or waits, can be retried",
                code="run-not-ended",
                hint=f"nofx resume {open_run.run}",
            )
        reset[:] = _affected(open_run, start)
        if not reset:
            how = f"has {batch.state.status}" if batch.state.ended else "waits"
            raise errors.Conflict(
                f"run {open_run.run} {how}: there is nothing to do again",
                code="nothing-to-retry",
                hint=f"do a part of it again with --from STEP, or all of it with: nofx rerun {open_run.run}",
            )
        batch.add(ev.RunResumed(reason=f"retry from {start}" if start else "retry"))
        for name in reset:
            batch.add(ev.StepReset("retry"), name)

    with open_run.services.liveness.hold(open_run.run):
        open_run.refresh()
        open_run.commit(build)
    return reset


def _affected(open_run: OpenRun, start: StepName | None) -> list[StepName]:
    steps = open_run.state.steps
    found = {start} if start is not None else {name for name, step in steps.items() if step.status in _REDONE}
    ahead = deque(found)
    while ahead:
        for name in open_run.plan.dependants[ahead.popleft()]:
            if name not in found and steps[name].status is not StepStatus.PENDING:
                found.add(name)
                ahead.append(name)
    return sorted(found, key=open_run.plan.index.__getitem__)
