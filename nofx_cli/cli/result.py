"""How a run stands, for people in a line or two and for programs as one object."""

from nofx_cli.cli.output import out, paint
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.events import GateEvaluated, RunFailed
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.exit_codes import exit_code_of

_COLOURS = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.FAILED: "red",
    RunStatus.CANCELLED: "red",
    RunStatus.WAITING: "yellow",
}


def as_json(state: RunState, exit_code: int | None = None) -> dict[str, JsonValue]:
    """The fields that scripts rely on; `tests/cli` pins them."""
    failure = state.failure
    return {
        "run": state.run,
        "status": state.status.value,
        "exit_code": int(exit_code_of(state) if exit_code is None else exit_code),
        "duration_ms": state.duration_ms,
        "steps": [_step(step) for step in state.steps.values()],
        "waiting": [_waiting(state, step) for step in state.in_status(StepStatus.WAITING)],
        "failure": None if failure is None else _failure(failure),
    }


def _failure(failure: RunFailed) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"step": failure.step, "attempt": failure.attempt, "next": failure.next}
    return {**told, **_error(failure.error)}


def _error(error: StepError) -> dict[str, JsonValue]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _gate(gate: GateEvaluated) -> dict[str, JsonValue]:
    return {"verdict": gate.verdict, "summary": gate.summary, "counts": dict(gate.counts), "digest": gate.digest}


def _step(step: StepState) -> dict[str, JsonValue]:
    error = step.error if step.status is StepStatus.FAILED else None
    return {
        "name": step.name,
        "status": step.status.value,
        "attempt": step.attempt,
        "duration_ms": step.duration_ms,
        "outputs": step.outputs,
        "error": None if error is None else _error(error),
        "gate": None if step.gate is None else _gate(step.gate),
        "cause": step.cause,
    }


def _waiting(state: RunState, step: StepState) -> dict[str, JsonValue]:
    asked = step.approval
    return {
        "step": step.name,
        "question": asked.question if asked else "",
        "reason": asked.reason.value if asked else "",
        "digest": asked.digest if asked else "",
        "approve": f"nofx approve {step.name} --run {state.run}",
    }


def tell(state: RunState) -> None:
    """The result of a run, as a person reads it; why it ended so was told by the view."""
    status = state.status
    if status is RunStatus.RUNNING:  # a signal ended this process, not the run
        out(f"run {state.run} {paint('interrupted', 'yellow', 'bold')}; go on with: nofx resume {state.run}")
        return
    took = f" in {format_duration(state.duration_ms)}" if state.duration_ms else ""
    colour = _COLOURS.get(status)
    out(f"run {state.run} {paint(status.value, *([colour, 'bold'] if colour else []))}{took}")
