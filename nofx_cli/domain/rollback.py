"""Rollbacks: which events of a run count, and what stays true of those that count no more. Pure.

    1 ─ 2 ─ 3 ─ 4 ─ 5 ─ 6 ─ run.rolled_back to 3 ─ 8 ─ 9          1 2 3 8 9 count
                                                      └─ run.rolled_back to 6 ─ 11    1 2 3 4 5 6 11 count

No event is ever taken away: a rollback at event s to event t says that the state after s is the state after t. So the
events that count are found from the last one backwards, with a jump at each rollback that is met on the way, in time
linear in the journal; and a rollback is undone by one to the event before it.

What counts no more still happened. Of the events that were left out these things stay true:

- what models cost and how long steps took is spent: budgets count it;
- the number of an attempt is used: no other attempt ever has it, nor its log, its artifacts or its claim;
- an effect that was open when the run was rolled back is still open, and is reconciled before its step goes on; one
  that was intended before the point and made after it was made.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TypeAlias

from nofx_cli.domain import events as ev
from nofx_cli.domain.effects import Done, Intent, KnownEffect
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepState, StepStatus


class Part(Enum):
    """What part an event has in the state after the last one."""

    COUNTS = "counts"
    TURN = "turn"
    """A rollback that holds: what lies between it and its point was left out."""
    LEFT_OUT = "left out"


def parts_of(events: Sequence[ev.Event]) -> list[Part]:
    """The part of each event of a run in the state after the last of them."""
    parts = [Part.LEFT_OUT] * len(events)
    up_to = events[-1].seq if events else 0
    for place in range(len(events) - 1, -1, -1):
        event = events[place]
        if event.seq > up_to:
            continue
        if isinstance(event.payload, ev.RunRolledBack):
            parts[place] = Part.TURN
            up_to = max(1, min(event.payload.to_seq, event.seq - 1))  # the run was created, whatever it says
        else:
            parts[place] = Part.COUNTS
    return parts


def counting(events: Iterable[ev.Event]) -> list[ev.Event]:
    """The events that the state after the last of them rests on; all of them where the run was never rolled back."""
    events = list(events)
    if not any(type(event.payload) is ev.RunRolledBack for event in events):
        return events
    return [event for event, part in zip(events, parts_of(events), strict=True) if part is Part.COUNTS]


def fold_back(plan: Plan, events: Sequence[ev.Event]) -> RunState:
    """The state after `events`, which are all of a run that was rolled back."""
    state = RunState(plan)
    left_out = _LeftOut(state)
    for event, part in zip(events, parts_of(events), strict=True):
        state.run = event.run
        if part is Part.COUNTS:
            state.apply(event, at=event.at, actor=event.actor)
        elif part is Part.LEFT_OUT:
            left_out.take_in(event)
        else:
            left_out.settle()
            _set_back(state)
        state.active.last_at = event.at
    return state


def _set_back(state: RunState) -> None:
    """Nobody executes it now: what was running at that point counts as cut off, whoever it was and still lives."""
    for step in state.in_status(StepStatus.RUNNING):
        step.worker, step.abandoned = "", True
    state.rules = ""
    state.set_back = True
    state.tree_is_due = bool(state.tree)


EffectName: TypeAlias = tuple[StepName, str, str]


class _LeftOut:
    """Keeps in a state what stays true of events that count no more."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._effects: dict[EffectName, KnownEffect] = {}

    def take_in(self, event: ev.Event) -> None:
        active = self._state.active
        match event.payload:
            case ev.RunStarted() | ev.RunResumed():
                active.begin(event.at)
            case ev.RunWaiting() | ev.RunSucceeded() | ev.RunFailed() | ev.RunCancelled():
                active.end(event.at)
            case _ if event.step is not None and event.step in self._state.steps:
                self._take_in_step(event, self._state.steps[event.step])

    def _take_in_step(self, event: ev.Event, step: StepState) -> None:
        attempt = event.attempt or 0
        match event.payload:
            case ev.StepStarted():
                step.last_attempt = max(step.last_attempt, attempt)
            case ev.StepFinished(duration_ms=ms) | ev.StepRetryScheduled(duration_ms=ms):
                step.spent_ms += ms
            case ev.LlmRequested() as asked:
                self._state.spending.requested((step.name, attempt, asked.call), asked)
            case ev.LlmResponded() as told:
                self._state.spending.responded((step.name, attempt, told.call), told)
            case ev.EffectIntended() | ev.EffectDone() | ev.EffectUnknown() as told:
                self._take_in_effect(step, told, attempt)
            case _:
                pass

    def _take_in_effect(
        self, step: StepState, told: ev.EffectIntended | ev.EffectDone | ev.EffectUnknown, attempt: int
    ) -> None:
        name = (step.name, told.kind, told.target)
        if isinstance(told, ev.EffectIntended):
            self._effects[name] = KnownEffect(Intent(told.kind, told.target, told.digest, attempt))
            return
        known = self._effects.get(name) or step.effects.get((told.kind, told.target))
        if known is None:
            return
        if isinstance(told, ev.EffectDone):
            self._effects[name] = KnownEffect(known.intent, Done(told.result))
        elif known.is_open:
            self._effects[name] = KnownEffect(known.intent, unclear=told.known or "nothing")

    def settle(self) -> None:
        """The run is rolled back here: what is open stays open, what was open at that point may have been made."""
        self._state.active.end(self._state.active.last_at)
        for (step, *target), effect in self._effects.items():
            known = self._state.steps[step].effects
            name = (target[0], target[1])
            before = known.get(name)
            if effect.is_open:
                known.pop(name, None)
                known[name] = effect
            elif before is not None and before.is_open:
                known[name] = effect  # made as it was intended last, which may be another content
        self._effects = {}


@record
class OutsideEffect:
    """A change outside that a rollback does not undo.

    `made` is False where it was intended, and nobody knows yet whether it was made: that is found out before its step
    goes on.
    """

    seq: int
    step: StepName
    attempt: int
    intent: Intent
    done: Done | None = None

    @property
    def made(self) -> bool:
        return self.done is not None


def left_outside(events: Sequence[ev.Event], to_seq: int) -> list[OutsideEffect]:
    """What was changed outside by the events that count now and would not after a rollback to `to_seq`.

    In the order in which it was told last.
    """
    kept = {event.seq for event in counting([event for event in events if event.seq <= to_seq])}
    intents: dict[EffectName, Intent] = {}
    found: dict[EffectName, OutsideEffect] = {}
    for event in counting(events):
        payload, step = event.payload, event.step
        if step is None or not isinstance(payload, ev.EffectIntended | ev.EffectDone):
            continue
        name = (step, payload.kind, payload.target)
        if isinstance(payload, ev.EffectIntended):
            intents[name] = Intent(payload.kind, payload.target, payload.digest, event.attempt or 0)
        if event.seq in kept:
            continue
        intent = intents.get(name) or Intent(payload.kind, payload.target, payload.digest, event.attempt or 0)
        done = Done(payload.result) if isinstance(payload, ev.EffectDone) else None
        found.pop(name, None)
        found[name] = OutsideEffect(event.seq, step, intent.attempt, intent, done)
    return list(found.values())
