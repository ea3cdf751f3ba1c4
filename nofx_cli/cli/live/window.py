"""Which steps are shown when the plan is longer than the room there is for it."""

from collections.abc import Iterable

from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepState, StepStatus

_WORDS = {
    StepStatus.RUNNING: "running",
    StepStatus.WAITING: "waiting",
    StepStatus.FAILED: "failed",
    StepStatus.SUCCEEDED: "done",
    StepStatus.SKIPPED: "skipped",
    StepStatus.CANCELLED: "cancelled",
    StepStatus.QUEUED: "ready",
    StepStatus.PENDING: "to go",
}


def window(state: RunState, room: int) -> tuple[list[StepState], str]:
    """Choose at most `room` lines: steps in the order of the plan, and words for those that are not among them.

    What runs, waits or failed comes first, then what is tried again; half of what is left goes to the steps that
    ended last, the other half to those that come next. The words take a line; they are empty when all are shown.
    """
    steps = list(state.steps.values())
    if len(steps) <= room:
        return steps, ""
    groups = _grouped(steps)
    chosen = _chosen(groups, max(room - 1, 0))
    hidden = {status: len(group) - sum(1 for step in group if step.name in chosen) for status, group in groups.items()}
    return [step for step in steps if step.name in chosen], _words(hidden)


def _grouped(steps: Iterable[StepState]) -> dict[StepStatus, list[StepState]]:
    groups: dict[StepStatus, list[StepState]] = {status: [] for status in _WORDS}
    for step in steps:
        groups[step.status].append(step)
    return groups


def _chosen(groups: dict[StepStatus, list[StepState]], room: int) -> set[str]:
    queued = sorted(groups[StepStatus.QUEUED], key=lambda step: not step.failures)
    first = [*groups[StepStatus.RUNNING], *groups[StepStatus.WAITING], *groups[StepStatus.FAILED]]
    first += [step for step in queued if step.failures]
    left = max(room - len(first), 0)
    ended = [step for status in _ENDED_QUIETLY for step in groups[status]]
    ended.sort(key=lambda step: step.ended_at, reverse=True)
    ahead = [*(step for step in queued if not step.failures), *groups[StepStatus.PENDING]]
    of_ended = max(left // 2, left - len(ahead))
    rest = ended[:of_ended]
    rest += ahead[: left - len(rest)]
    return {step.name for step in [*first[:room], *rest]}


_ENDED_QUIETLY = (StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.CANCELLED)


def _words(hidden: dict[StepStatus, int]) -> str:
    told = [f"{number} more {_WORDS[status]}" for status, number in hidden.items() if number]
    if len(told) > 1:
        told[1:] = [words.replace(" more", "", 1) for words in told[1:]]
    return "… " + ", ".join(told)
