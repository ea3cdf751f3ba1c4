"""What follows from the state of a run: pure, no I/O, no clock.

`decide` looks only at the steps that just became free or were just answered, so that over a whole run its
cost is linear in steps plus edges. It returns drafts in the order they are to be appended; it is called again
after they were applied, until it returns none.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from nofx_cli.clock import parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import POLICY_DENIED, When
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepStatus

Condition: TypeAlias = Callable[[str, RunState, StepName], bool]
"""Judge an expression of `when` for a step whose needs have ended. Raises ValueError when it cannot be judged."""


def decide(state: RunState, now: str, condition: Condition) -> list[ev.Draft]:
    """Say what follows: steps that are enqueued or skipped, answers that take effect, the run's wait or end.

    Args:
        state: the run so far; it is not changed.
        now: the instant as `clock.format_at` writes it, for durations.
        condition: judges `when` expressions.
    """
    if state.ended or state.status is RunStatus.QUEUED:
        return []
    if state.status is RunStatus.WAITING and (state.answered or state.counts[StepStatus.QUEUED]):
        return [ev.Draft(ev.RunResumed("answered"))]
    drafts = [_take_answer(state, name) for name in state.answered]
    drafts = drafts or _repairs(state)
    if drafts:
        return drafts
    if not state.free and (state.counts[StepStatus.RUNNING] or state.counts[StepStatus.QUEUED]):
        return []
    drafts = _free_steps(state, condition)
    if any(isinstance(draft.payload, ev.StepEnqueued | ev.StepFinished) for draft in drafts):
        return drafts
    ended = sum(state.counts[status] for status in _ENDED) + len(drafts)
    if ended == len(state.steps):
        return [*drafts, _end(state, now, skipped_now=len(drafts))]
    if not drafts and not state.counts[StepStatus.RUNNING] and not state.counts[StepStatus.QUEUED]:
        waiting = tuple(step.name for step in state.in_status(StepStatus.WAITING))
        if waiting and waiting != state.told_waiting:
            return [ev.Draft(ev.RunWaiting(waiting))]
    return drafts


def _repairs(state: RunState) -> list[ev.Draft]:
    """The next round of the first gate that has one."""
    if not state.to_repair:
        return []
    from nofx_cli.domain.repair import next_round

    return next(filter(None, (next_round(state, state.steps[name]) for name in state.to_repair)), [])


_ENDED_AS = {StepStatus.FAILED: "failed", StepStatus.CANCELLED: "was cancelled"}
_ENDED = (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)


def _take_answer(state: RunState, name: StepName) -> ev.Draft:
    step = state.steps[name]
    approval = step.approval
    assert approval is not None
    who = approval.by.id if approval.by else "somebody"
    note = f": {approval.note}" if approval.note else ""
    if approval.decision == "waived":
        return ev.Draft(ev.StepSkipped(ev.SkipReason.WAIVED, f"waived by {who}{note}"), name)
    error = StepError("rejected", f"rejected by {who}{note}", f"nofx retry {state.run} --from {name}")
    return ev.Draft(ev.StepFinished("failed", error=error), name, step.attempt or None)


def _free_steps(state: RunState, condition: Condition) -> list[ev.Draft]:
    """Enqueue or skip what became free; a skip frees what needs it, at once."""
    drafts: list[ev.Draft] = []
    taints: dict[StepName, StepName | None] = {}
    still_open: dict[StepName, int] = {}
    held_back = _held_back(state)
    free = deque(sorted(state.free.keys() - held_back, key=state.plan.index.__getitem__))
    while free:
        name = free.popleft()
        taint = _taint_of(state, name, taints)
        payload = _judge(state, name, taint, condition)
        drafts.append(ev.Draft(payload, name))
        if not isinstance(payload, ev.StepSkipped):
            continue
        taints[name] = taint
        for dependant in state.plan.dependants[name]:
            left = still_open.get(dependant, state.steps[dependant].open_needs) - 1
            still_open[dependant] = left
            if left == 0 and dependant not in held_back:
                free.append(dependant)
    return drafts


def _held_back(state: RunState) -> frozenset[StepName]:
    """What a repair will do again as soon as nothing of it runs."""
    if not state.to_repair:
        return frozenset()
    from nofx_cli.domain.repair import held_back

    return held_back(state)


def _taint_of(state: RunState, name: StepName, taints: dict[StepName, StepName | None]) -> StepName | None:
    for need in state.plan.step(name).needs:
        taint = taints[need] if need in taints else state.steps[need].taint
        if taint is not None:
            return taint
    return None


def _judge(state: RunState, name: StepName, taint: StepName | None, condition: Condition) -> ev.Payload:
    when = state.plan.step(name).when
    if when == When.SUCCESS:
        return ev.StepSkipped(ev.SkipReason.NEED_FAILED, taint) if taint else ev.StepEnqueued()
    if when == When.ALWAYS:
        return ev.StepEnqueued()
    if when == When.FAILURE:
        return ev.StepEnqueued() if taint else ev.StepSkipped(ev.SkipReason.CONDITION, "failure")
    try:
        holds = condition(when, state, name)
    except ValueError as exc:
        return ev.StepFinished("failed", error=StepError("when", f"`when: {when}` cannot be judged: {exc}"))
    return ev.StepEnqueued() if holds else ev.StepSkipped(ev.SkipReason.CONDITION, when)


def _told_first(state: RunState) -> StepName:
    """The failure that the run is said to have failed with: a denial, wherever there is one, else the first one."""
    denied = (name for name in state.blocking_failures if _is_denial(state.steps[name].error))
    return next(denied, next(iter(state.blocking_failures)))


def _is_denial(error: StepError | None) -> bool:
    return error is not None and error.code == POLICY_DENIED


def _end(state: RunState, now: str, *, skipped_now: int) -> ev.Draft:
    took_ms = (parse_at(now) - parse_at(state.started_at or now)) // 1000
    counts = {status.value: state.counts[status] for status in _ENDED if state.counts[status]}
    if skipped_now:
        counts["skipped"] = counts.get("skipped", 0) + skipped_now
    if not state.blocking_failures:
        return ev.Draft(ev.RunSucceeded(took_ms, counts))
    first = state.steps[_told_first(state)]
    error = first.error or StepError(first.status.value, f"the step {_ENDED_AS[first.status]}")
    then = f"nofx retry {state.run} --from {first.name}"
    return ev.Draft(ev.RunFailed(first.name, first.attempt, error, then, took_ms, counts))
