"""The state of a run: a fold over its events.

`RunState.apply` is the only way that it changes, and it is a function of the events alone, so any process that
reads the same journal holds the same state. Besides the statuses it keeps what `decide` and the executor ask
for often (which steps became free, which are ready, which fall due), so that a whole run costs time linear in
steps plus edges plus events.

    pending ──enqueued──▶ queued ──started──▶ running ──finished──▶ succeeded | failed
       │                   ▲  ▲ │                │ ├─retry_scheduled──▶ queued (due later)
       │        granted ───┘  │ │                │ └─interrupted──▶ queued (rerun) or waiting
       │                      │ └─requested─▶ waiting ──rejected──▶ failed, ──waived──▶ skipped
       └──skipped──▶ skipped  └──reset──  any ended step ──reset──▶ pending

`run.rolled_back` is the one event that a state cannot take in from itself: it is `outdated` then, and is folded anew
from all events (see `domain.rollback`).
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from nofx_cli.clock import parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.active_time import ActiveTime
from nofx_cli.domain.effects import Done, Intent, KnownEffect
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.reservations import Spending
from nofx_cli.domain.step_state import BESIDE, Approval, StepState, StepStatus


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


REPLAY = "replay"
"""The kind of a run's origin that changes nothing outside, and whose models are never asked."""
ENDED_RUN = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})


class RunState:
    """A run as its events tell it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.run: RunId | None = None
        self.status = RunStatus.QUEUED
        self.created: ev.RunCreated | None = None
        self.created_at = ""
        self.started_at = ""
        self.ended_at = ""
        self.failure: ev.RunFailed | None = None
        self.cancel_reason = ""
        self.executor: JsonObject = {}
        self.snapshot: ev.SnapshotTaken | None = None
        self.tree = ""
        """The newest tree of the run's worktree that is kept, at first that of its commit; empty in place."""
        self.told_waiting: tuple[str, ...] = ()
        self.rules = ""
        """What its steps began with of the project's rules; empty where a person may have changed them since."""
        self.steps: dict[StepName, StepState] = {
            step.name: StepState(step.name, place, len(step.needs)) for place, step in enumerate(plan.steps)
        }
        self.counts: dict[StepStatus, int] = dict.fromkeys(StepStatus, 0)
        self.counts[StepStatus.PENDING] = len(plan.steps)
        self.free: dict[StepName, None] = {s.name: None for s in plan.steps if not s.needs}
        self.answered: dict[StepName, None] = {}
        self.blocking_failures: dict[StepName, None] = {}
        self.to_repair: dict[StepName, None] = {}
        """The failed gates that a repair may follow."""
        self.spending = Spending()
        self.raised: dict[str, str] = {}
        """Limits that people raised: the new ones, by budget (`run.usd`, `step.usd@notes`)."""
        self.active = ActiveTime()
        self.outdated = False
        """Whether a rollback was applied that is not taken in: the state is that before it."""
        self.set_back = False
        """Whether it was rolled back, and nobody has gone on with it since."""
        self.tree_is_due = False
        """Whether its worktree may not have `tree` yet: the run was rolled back, and its files perhaps were not."""
        self._ready: list[tuple[int, int]] = []

    @property
    def ended(self) -> bool:
        return self.status in ENDED_RUN

    @property
    def priority(self) -> int:
        """Among queued runs, those of higher priority go first."""
        return self.created.priority if self.created else 0

    @property
    def duration_ms(self) -> int:
        """From the first start to the end, 0 while the run goes on."""
        if not (self.started_at and self.ended_at):
            return 0
        return (parse_at(self.ended_at) - parse_at(self.started_at)) // 1000

    def active_ms(self, now_us: int) -> int:
        """How long it has been executed so far: waiting for people, and lying there after a crash, do not count."""
        return self.active.ms(now_us if self.status is RunStatus.RUNNING else 0)

    def in_status(self, status: StepStatus) -> list[StepState]:
        """The steps with that status, in the order of the plan."""
        if not self.counts[status]:
            return []
        return [step for step in self.steps.values() if step.status is status]

    def next_ready(self, now_us: int) -> StepState | None:
        """The queued step that is due and stands first: by due time, then by place in the plan."""
        step = self._peek()
        return step if step and step.is_due(now_us) else None

    def ready(self, now_us: int, *, limit: int) -> list[StepState]:
        """The first `limit` queued steps that are due, in the order in which they would be run."""
        taken: list[tuple[int, int]] = []
        found: list[StepState] = []
        while len(found) < limit and (step := self.next_ready(now_us)) is not None:
            found.append(step)
            taken.append(heapq.heappop(self._ready))
            while self._ready and self._ready[0] == taken[-1]:
                heapq.heappop(self._ready)
        for entry in taken:
            heapq.heappush(self._ready, entry)
        return found

    def next_due_us(self) -> int | None:
        """When the next queued step falls due; None when none is queued."""
        step = self._peek()
        return step.due_us if step else None

    def _peek(self) -> StepState | None:
        while self._ready:
            due_us, place = self._ready[0]
            step = self.steps[self.plan.steps[place].name]
            if step.status is StepStatus.QUEUED and step.due_us == due_us:
                return step
            heapq.heappop(self._ready)
        return None

    def apply(self, event: "ev.Event | ev.Draft", *, at: str, actor: ev.Actor | None = None) -> None:
        """Take one event in. Events for steps the plan does not have, and unknown ones, change nothing."""
        change = _RUN_CHANGES.get(type(event.payload))
        if change is not None:
            change(self, event.payload, at)
            self.active.last_at = at
            return
        self.active.last_at = at
        step_change = _STEP_CHANGES.get(type(event.payload))
        step = self.steps.get(event.step) if event.step is not None else None
        if step_change is not None and step is not None:
            step_change(self, step, event.payload, _Context(event.attempt or step.attempt, at, actor))

    def set_status(self, step: StepState, status: StepStatus) -> None:
        """Move a step, and keep every index true. Only for the changes below."""
        was_ended, step_status = step.ended, step.status
        self.counts[step_status] -= 1
        self.counts[status] += 1
        step.status = status
        step.dead_letter = ""
        self.free.pop(step.name, None)
        self.answered.pop(step.name, None)
        self.to_repair.pop(step.name, None)
        if status is StepStatus.QUEUED:
            heapq.heappush(self._ready, (step.due_us, step.place))
        if was_ended:
            self._count_up(step)
        if step.ended:
            self._count_down(step)
        if status is StepStatus.PENDING and step.open_needs == 0:
            self.free[step.name] = None

    def _count_down(self, step: StepState) -> None:
        if step.status is StepStatus.CANCELLED or (step.status is StepStatus.FAILED and self.blocks(step)):
            step.taint = step.name
            self.blocking_failures[step.name] = None
        elif step.taint is None:
            step.taint = self.tainted_need(step.name)
        for name in self.plan.dependants[step.name]:
            dependant = self.steps[name]
            dependant.open_needs -= 1
            if dependant.open_needs == 0 and dependant.status is StepStatus.PENDING:
                self.free[name] = None

    def blocks(self, step: StepState) -> bool:
        """Whether the failure of a step fails the run and what needs it."""
        return self.plan.steps[step.place].blocks_with(step.error.code if step.error else "")

    def _count_up(self, step: StepState) -> None:
        step.taint = None
        self.blocking_failures.pop(step.name, None)
        for name in self.plan.dependants[step.name]:
            self.steps[name].open_needs += 1
            self.free.pop(name, None)

    def tainted_need(self, name: StepName) -> StepName | None:
        """The failed step that spoils one of its needs, if any."""
        for need in self.plan.step(name).needs:
            if self.steps[need].taint is not None:
                return self.steps[need].taint
        return None


class _Context(NamedTuple):  # made for every event: the quickest there is
    attempt: int
    at: str
    actor: ev.Actor | None


def is_replay(state: RunState) -> bool:
    """Whether the run repeats another one, from what is on record of that."""
    return state.created is not None and state.created.origin.get("kind") == REPLAY


def fold(plan: Plan, events: Iterable[ev.Event]) -> RunState:
    """The state after `events`, which are all of the run from its first one on."""
    events = list(events)
    if any(type(event.payload) is ev.RunRolledBack for event in events):
        from nofx_cli.domain.rollback import fold_back

        return fold_back(plan, events)
    state = RunState(plan)
    for event in events:
        state.run = event.run
        state.apply(event, at=event.at, actor=event.actor)
    return state


def advance(state: RunState, events: Iterable[ev.Event], history: Callable[[], Iterable[ev.Event]]) -> RunState:
    """The state after `events` as well; they follow those that it was folded from.

    Args:
        history: gives all events of the run, for where one of these sets it back.
    """
    last = 0
    for event in events:
        state.run, last = event.run, event.seq
        state.apply(event, at=event.at, actor=event.actor)
    return fold(state.plan, (event for event in history() if event.seq <= last)) if state.outdated else state


def _run_created(state: RunState, payload: ev.RunCreated, at: str) -> None:
    state.created, state.created_at = payload, at
    state.tree = str(payload.workspace.get("base", ""))


def _run_goes_on(state: RunState, payload: ev.RunStarted | ev.RunResumed, at: str) -> None:
    state.status, state.told_waiting, state.ended_at, state.failure = RunStatus.RUNNING, (), "", None
    state.cancel_reason = ""
    state.started_at = state.started_at or at
    state.set_back = False
    state.active.begin(at)
    if payload.executor:
        state.executor = payload.executor


def _snapshot_taken(state: RunState, payload: ev.SnapshotTaken, at: str) -> None:
    if payload.path and state.snapshot is None:  # what gates rest on is that of the run's creation
        state.snapshot = payload
    state.tree = payload.tree or state.tree
    state.tree_is_due = state.tree_is_due and not payload.tree


def _run_waiting(state: RunState, payload: ev.RunWaiting, at: str) -> None:
    state.status, state.told_waiting = RunStatus.WAITING, payload.steps
    state.active.end(at)
    cut_off = any(step.asked_because(ev.AskReason.INTERRUPTED) for step in state.in_status(StepStatus.WAITING))
    if not cut_off:  # nothing runs, and all that ran was judged
        state.rules = ""


def _run_succeeded(state: RunState, payload: ev.RunSucceeded, at: str) -> None:
    state.status, state.ended_at = RunStatus.SUCCEEDED, at
    state.active.end(at)


def _run_failed(state: RunState, payload: ev.RunFailed, at: str) -> None:
    state.status, state.ended_at, state.failure = RunStatus.FAILED, at, payload
    state.active.end(at)


def _run_cancelled(state: RunState, payload: ev.RunCancelled, at: str) -> None:
    state.status, state.ended_at, state.cancel_reason = RunStatus.CANCELLED, at, payload.reason
    state.active.end(at)
    for step in state.steps.values():
        if not step.ended:
            step.ended_at = at
            state.set_status(step, StepStatus.CANCELLED)


def _rolled_back(state: RunState, payload: ev.RunRolledBack, at: str) -> None:
    state.outdated = True


def _enqueued(state: RunState, step: StepState, payload: ev.StepEnqueued, ctx: _Context) -> None:
    step.due_us = step.delayed_us = 0
    state.set_status(step, StepStatus.QUEUED)


def _started(state: RunState, step: StepState, payload: ev.StepStarted, ctx: _Context) -> None:
    step.attempt, step.started_at, step.ended_at = ctx.attempt, ctx.at, ""
    step.last_attempt, step.abandoned = max(step.last_attempt, ctx.attempt), False
    state.tree_is_due = False
    step.inputs_digest, step.worker = payload.inputs_digest, payload.worker
    state.rules = payload.rules or state.rules
    step.tried_since = step.tried_since or ctx.at
    state.set_status(step, StepStatus.RUNNING)


def _come_to_an_end(step: StepState, *, failed: bool) -> None:
    """Answers that led to a failure are not taken again from the archive: the next attempt would fail alike."""
    if failed and step.answers:
        step.refused |= frozenset(step.answers.values())
    step.answers, step.tried_since = {}, ""


def _finished(state: RunState, step: StepState, payload: ev.StepFinished, ctx: _Context) -> None:
    _come_to_an_end(step, failed=payload.status == "failed")
    step.outputs, step.error = payload.outputs, payload.error
    step.ended_at, step.duration_ms = ctx.at, payload.duration_ms
    step.tree = state.tree
    step.spent_ms += payload.duration_ms
    state.set_status(step, StepStatus(payload.status))
    if step.status is StepStatus.FAILED and state.plan.steps[step.place].repair is not None:
        state.to_repair[step.name] = None


def _skipped(state: RunState, step: StepState, payload: ev.StepSkipped, ctx: _Context) -> None:
    step.skip_reason, step.cause, step.ended_at = payload.reason, payload.cause, ctx.at
    if payload.reason is ev.SkipReason.NEED_FAILED:
        step.taint = StepName(payload.cause)
    state.set_status(step, StepStatus.SKIPPED)


def _retry_scheduled(state: RunState, step: StepState, payload: ev.StepRetryScheduled, ctx: _Context) -> None:
    _come_to_an_end(step, failed=True)
    step.failures += 1
    step.interruptions = 0
    step.error, step.duration_ms = payload.error, payload.duration_ms
    step.tree = state.tree
    step.spent_ms += payload.duration_ms
    step.due_us = parse_at(payload.due_at)
    step.delayed_us = step.due_us - payload.delay_ms * 1000
    state.set_status(step, StepStatus.QUEUED)


def _interrupted(state: RunState, step: StepState, payload: ev.StepInterrupted, ctx: _Context) -> None:
    step.interruptions += 1
    step.abandoned = False
    step.due_us = step.delayed_us = 0
    state.set_status(step, StepStatus.QUEUED if payload.rerun else StepStatus.WAITING)


def _dead_lettered(state: RunState, step: StepState, payload: ev.StepDeadLettered, ctx: _Context) -> None:
    if step.status is StepStatus.QUEUED or (step.status is StepStatus.PENDING and state.status is RunStatus.QUEUED):
        step.dead_letter = payload.reason


def _reset(state: RunState, step: StepState, payload: ev.StepReset, ctx: _Context) -> None:
    step.failures = step.interruptions = step.duration_ms = 0
    step.due_us = step.delayed_us = 0
    step.outputs, step.error, step.approval, step.gate = {}, None, None, None
    step.skip_reason, step.cause, step.ended_at = None, "", ""
    step.artifacts = []
    step.answers, step.tried_since, step.exceeded = {}, "", None
    step.effects = {name: effect for name, effect in step.effects.items() if effect.is_open}
    step.feedback = payload.repair
    if not payload.repair:
        step.rounds = []
    state.rules, state.set_back = "", False
    state.set_status(step, StepStatus.PENDING)
    if state.ended:
        state.active.begin(ctx.at)
        state.status, state.ended_at, state.failure, state.cancel_reason = RunStatus.RUNNING, "", None, ""


def _requested(state: RunState, step: StepState, payload: ev.ApprovalRequested, ctx: _Context) -> None:
    before = step.standing_approval if payload.reason in BESIDE else None
    asked = Approval(payload.digest, payload.question, payload.reason, payload.path, before=before)
    asked.attempt, step.approval = step.last_attempt, asked
    state.set_status(step, StepStatus.WAITING)


def _answer(decision: str) -> Callable[[RunState, StepState, Any, _Context], None]:
    def answered(state: RunState, step: StepState, payload: Any, ctx: _Context) -> None:
        approval = step.approval
        if approval is None or approval.decision is not None or approval.digest != payload.digest:
            return  # nothing was asked, it was answered before, or this answers another question
        if step.status is not StepStatus.WAITING:
            return
        approval.decision, approval.by, approval.at, approval.note = decision, ctx.actor, ctx.at, payload.note
        step.interruptions, state.set_back = 0, False
        if decision == "granted":
            if approval.reason is ev.AskReason.BUDGET and step.exceeded is not None:
                _raise(state, step.name, step.exceeded)
            if approval.reason is ev.AskReason.EFFECT:  # it is to be made, also where it was made before
                step.effects = {name: effect for name, effect in step.effects.items() if not effect.unclear}
            step.due_us = step.delayed_us = 0
            state.set_status(step, StepStatus.QUEUED)
        else:
            state.answered[step.name] = None

    return answered


def _raise(state: RunState, step: StepName, exceeded: ev.BudgetExceeded) -> None:
    """A budget was raised: who else waits for that of the run tries again, and asks again where it is not enough."""
    of_step = exceeded.budget.startswith("step.")
    key = f"{exceeded.budget}@{step}" if of_step else exceeded.budget
    if _is_more(exceeded.raise_to, state.raised.get(key, "")):
        state.raised[key] = exceeded.raise_to
    if of_step:
        return
    for other in state.in_status(StepStatus.WAITING):
        asked = other.approval
        if other.name == step or asked is None or asked.decision or asked.reason is not ev.AskReason.BUDGET:
            continue
        if other.exceeded is not None and other.exceeded.budget == exceeded.budget:
            other.approval = asked.before
            other.due_us = other.delayed_us = 0
            state.set_status(other, StepStatus.QUEUED)


def _is_more(raise_to: str, before: str) -> bool:
    """Whether a raise goes beyond the one before; it was asked for before that one was granted where it does not."""
    from decimal import Decimal

    return bool(raise_to) and (not before or Decimal(raise_to) > Decimal(before))


def _exceeded(state: RunState, step: StepState, payload: ev.BudgetExceeded, ctx: _Context) -> None:
    step.exceeded = payload


def _llm_requested(state: RunState, step: StepState, payload: ev.LlmRequested, ctx: _Context) -> None:
    state.spending.requested((step.name, ctx.attempt, payload.call), payload)


def _llm_responded(state: RunState, step: StepState, payload: ev.LlmResponded, ctx: _Context) -> None:
    state.spending.responded((step.name, ctx.attempt, payload.call), payload)
    if payload.answer:
        step.answers[payload.digest] = payload.answer


def _intended(state: RunState, step: StepState, payload: ev.EffectIntended, ctx: _Context) -> None:
    intent = Intent(payload.kind, payload.target, payload.digest, ctx.attempt)
    step.effects.pop((payload.kind, payload.target), None)
    step.effects[payload.kind, payload.target] = KnownEffect(intent)


def _effect_done(state: RunState, step: StepState, payload: ev.EffectDone, ctx: _Context) -> None:
    known = step.effects.get((payload.kind, payload.target))
    if known is not None:
        step.effects[payload.kind, payload.target] = KnownEffect(known.intent, Done(payload.result))


def _effect_unknown(state: RunState, step: StepState, payload: ev.EffectUnknown, ctx: _Context) -> None:
    known = step.effects.get((payload.kind, payload.target))
    if known is None or not known.is_open:
        return
    for name, effect in step.effects.items():
        if effect.unclear:  # it was asked about before; the question that comes now is not about it
            step.effects[name] = KnownEffect(effect.intent)
    step.effects[payload.kind, payload.target] = KnownEffect(known.intent, unclear=payload.known or "nothing")


def _stale(state: RunState, step: StepState, payload: ev.ApprovalStale, ctx: _Context) -> None:
    step.approval = None
    state.set_status(step, StepStatus.WAITING)


def _gate(state: RunState, step: StepState, payload: ev.GateEvaluated, ctx: _Context) -> None:
    step.gate = payload
    if state.plan.steps[step.place].repair is not None:
        from nofx_cli.domain.repair import Round

        step.rounds.append(Round(ctx.attempt, payload.found, state.tree))


def _artifact(state: RunState, step: StepState, payload: ev.ArtifactCreated, ctx: _Context) -> None:
    step.artifacts.append(payload)


_RUN_CHANGES: Mapping[type[ev.Payload], Callable[[RunState, Any, str], None]] = {
    ev.RunCreated: _run_created,
    ev.RunStarted: _run_goes_on,
    ev.RunResumed: _run_goes_on,
    ev.RunWaiting: _run_waiting,
    ev.RunSucceeded: _run_succeeded,
    ev.RunFailed: _run_failed,
    ev.RunCancelled: _run_cancelled,
    ev.RunRolledBack: _rolled_back,
    ev.SnapshotTaken: _snapshot_taken,
}
_STEP_CHANGES: Mapping[type[ev.Payload], Callable[[RunState, StepState, Any, _Context], None]] = {
    ev.StepEnqueued: _enqueued,
    ev.StepStarted: _started,
    ev.StepFinished: _finished,
    ev.StepSkipped: _skipped,
    ev.StepRetryScheduled: _retry_scheduled,
    ev.StepInterrupted: _interrupted,
    ev.StepDeadLettered: _dead_lettered,
    ev.StepReset: _reset,
    ev.ApprovalRequested: _requested,
    ev.ApprovalGranted: _answer("granted"),
    ev.ApprovalRejected: _answer("rejected"),
    ev.ApprovalWaived: _answer("waived"),
    ev.ApprovalStale: _stale,
    ev.EffectIntended: _intended,
    ev.EffectDone: _effect_done,
    ev.EffectUnknown: _effect_unknown,
    ev.GateEvaluated: _gate,
    ev.ArtifactCreated: _artifact,
    ev.BudgetExceeded: _exceeded,
    ev.LlmRequested: _llm_requested,
    ev.LlmResponded: _llm_responded,
}
