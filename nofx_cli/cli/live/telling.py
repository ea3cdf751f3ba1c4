"""The words in which every view tells of steps and of the end of a run. Plain text; what is foreign is neutralised."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nofx_cli.cli.output import safe
from nofx_cli.domain.events import GateEvaluated, SkipReason
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepState, StepStatus

if TYPE_CHECKING:
    from nofx_cli.domain.findings import Finding

LogPath: TypeAlias = Callable[[StepName, int], Path]

LOG_LINES = 10
_TAIL_BYTES = 16 * 1024
_FINDING_LIMIT = 400


def counts_words(counts: Mapping[str, int]) -> str:
    """Such as `120 files, 0 findings`."""
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def gate_words(gate: GateEvaluated) -> str:
    """What a gate found, with its counts."""
    return safe(gate.summary) or safe(counts_words(gate.counts))


def verdict_word(gate: GateEvaluated) -> str:
    return safe(gate.verdict).replace("_", " ")


def skip_words(reason: SkipReason | None, cause: str) -> str:
    """Why a step did not run."""
    cause = safe(cause)
    if reason is SkipReason.WAIVED:
        return cause or "waived"
    if reason is SkipReason.NEED_FAILED:
        return f"{cause} failed"
    return "nothing failed" if cause == "failure" else f"not {cause}"


def error_words(error: StepError | None) -> str:
    """Why a step failed, on one line."""
    if error is None:
        return ""
    return safe(error.message.strip().split("\n")[0]) or safe(error.code)


def attempt_words(step: StepState, plan: Plan) -> str:
    """Such as `attempt 2 of 3`; empty for a first attempt."""
    if step.attempt < 2 and not step.failures:
        return ""
    most = plan.steps[step.place].retry.max_attempts
    return f"attempt {step.attempt} of {most}" if step.attempt <= most else f"attempt {step.attempt}"


def approve_command(run: RunId, step: StepName | str) -> str:
    return f"nofx approve {step} --run {run}"


def waiting_steps(state: RunState) -> list[StepState]:
    """The steps that wait for an answer, in the order of the plan."""
    return [
        step
        for step in state.in_status(StepStatus.WAITING)
        if step.approval is not None and step.approval.decision is None
    ]


def failures(state: RunState) -> list[StepState]:
    """The failed steps that block, the one that the run names first, then in the order they failed."""
    found = [state.steps[name] for name in state.blocking_failures]
    return [step for step in found if step.status is StepStatus.FAILED]


def warnings(state: RunState) -> list[StepState]:
    """The steps that failed without blocking: told as what they were, also where the run succeeded."""
    return [step for step in state.in_status(StepStatus.FAILED) if not state.blocks(step)]


def headline(state: RunState, took: str, *, why: str = "") -> str:
    """How the run ended, or how it was left, on one line without its id; `why` where the failure was told before."""
    match state.status:
        case RunStatus.SUCCEEDED:
            return f"succeeded in {took}"
        case RunStatus.FAILED:
            told = state.failure
            why = why or (f"{safe(told.step)}: {error_words(told.error)}" if told else "")
            return f"failed in {took}: {why}"
        case RunStatus.CANCELLED:
            return f"cancelled after {took}" + (f": {safe(state.cancel_reason)}" if state.cancel_reason else "")
        case RunStatus.WAITING:
            return f"waits for a person: {safe(', '.join(state.told_waiting))}"
        case _:
            return "was stopped before its end"


def next_commands(state: RunState, run: RunId) -> list[str]:
    """What to type next; after a success only where it left something to look at and to apply."""
    match state.status:
        case RunStatus.SUCCEEDED:
            return [f"nofx diff {run}", f"nofx apply {run}"] if changed_worktree(state) else []
        case RunStatus.FAILED:
            again = safe(state.failure.next) if state.failure and state.failure.next else f"nofx retry {run}"
            return [again, f"nofx diff {run}"] if changed_worktree(state) else [again]
        case RunStatus.CANCELLED:
            return [f"nofx retry {run}"]
        case RunStatus.WAITING:
            return [approve_command(run, step.name) for step in waiting_steps(state)] or [f"nofx resume {run}"]
        case _:
            return [f"nofx resume {run}"]


def changed_worktree(state: RunState) -> bool:
    """Whether something was kept that is not in the commit which the run's worktree began from."""
    return state.created is not None and state.tree != state.created.workspace.get("base", "")


def log_tail(log_path: LogPath, step: StepState) -> list[str]:
    """The last lines of a step's log, neutralised; none where there is no log."""
    try:
        with open(log_path(step.name, step.attempt), "rb") as log:
            size = os.fstat(log.fileno()).st_size
            log.seek(max(size - _TAIL_BYTES, 0))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return []
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if size > _TAIL_BYTES and len(lines) > 1:
        del lines[0]  # it was cut in the middle
    return [safe(newest(line)) for line in lines[-LOG_LINES:]]


def findings_lines(findings: "Sequence[Finding]", run: RunId, *, limit: int = LOG_LINES) -> list[str]:
    """The worst findings of a gate, a line each, and how many more there are; neutralised."""
    if not findings:
        return []
    from nofx_cli.domain.findings import findings_words

    told = findings_words(findings, limit, more=f"nofx gates report {run}")
    return [line[:_FINDING_LIMIT] for line in map(safe, told)]


def newest(line: str) -> str:
    """What a line shows after its carriage returns: the last state of a progress bar."""
    return line.rstrip("\r\n").rpartition("\r")[2]
