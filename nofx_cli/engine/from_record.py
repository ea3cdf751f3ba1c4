"""What a step came to that is not run again: in a replay, the steps that change the world outside.

A replay changes nothing outside and reaches no network, so a step whose tool does comes to what it came to before, with
the artifacts that it left.
"""

from nofx_cli import errors
from nofx_cli.domain.events import SkipReason
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.replayed import replayed_run
from nofx_cli.engine.services import Services
from nofx_cli.engine.view_run import view_run
from nofx_cli.ports.handler import StepContext, StepHandler, handler_reconciles


class FromRecord:
    """Stands in for the handler of a step that changes the world outside, where the run is a replay."""

    def __init__(self, services: Services, run: RunId, was: StepState) -> None:
        self._services, self._run, self._was = services, run, was

    @property
    def waived(self) -> str:
        """Who waived the step; empty where nobody did."""
        return self._was.cause if self._was.skip_reason is SkipReason.WAIVED else ""

    def match(self, tool: str) -> bool:
        return True

    def run(self, ctx: StepContext) -> Outcome:
        if self._was.status not in {StepStatus.SUCCEEDED, StepStatus.FAILED}:
            said = f"it is not run again in a replay, and in run {self._run} it was {self._was.status}"
            return Failed(StepError("not-replayed", said, f"nofx show {self._run}"))
        ctx.log(f"a replay changes nothing outside: this is what the step came to in run {self._run}")
        for kept in self._was.artifacts:
            with self._services.artifacts.open(self._run, kept) as file:
                ctx.put_artifact(kept.name, file.read())
        if self._was.error is not None:
            return Failed(self._was.error, outputs=self._was.outputs)
        return Succeeded(dict(self._was.outputs))


def from_record(services: Services, state: RunState, step: StepState, handler: StepHandler) -> FromRecord | None:
    """What takes the handler's place; None where the step is run."""
    run = replayed_run(state)
    if run is None or not handler_reconciles(handler):
        return None
    return FromRecord(services, run, view_run(services, run).state.steps[step.name])


def refuse_effect(state: RunState, kind: str, target: str) -> None:
    """A replay changes nothing outside, whatever its steps try.

    Raises:
        errors.Denied: it is a replay (code `effect-in-replay`).
    """
    run = replayed_run(state)
    if run is not None:
        raise errors.Denied(
            f"a replay changes nothing outside: {kind} on {target} was not made",
            code="effect-in-replay",
            hint=f"to make it anew, run the plan anew: nofx rerun {run}",
        )
