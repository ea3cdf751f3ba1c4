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
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from nofx_cli.clock import parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Plan


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


ENDED_RUN = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
ENDED_STEP = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED})


@dataclass(slots=True)
class Approval:
    """What a person was asked about a step, and what was answered (`decision` None: not yet)."""

    digest: str
    question: str
    reason: ev.AskReason
    path: str
    decision: str | None = None
    by: ev.Actor | None = None
    at: str = ""
    note: str = ""


@dataclass(slots=True, eq=False, repr=False, match_args=False)
class StepState:
    """Where a step stands. `attempt` is the last one started (0: none); `taint` the failed step that spoils it."""

    name: StepName
    place: int
    open_needs: int
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    failures: int = 0
    due_us: int = 0
    outputs: JsonObject = field(default_factory=dict)
    error: StepError | None = None
    approval: Approval | None = None
    gate: ev.GateEvaluated | None = None
    artifacts: list[ev.ArtifactCreated] = field(default_factory=list)
    taint: StepName | None = None
    cause: str = ""
    skip_reason: ev.SkipReason | None = None
    started_at: str = ""
    ended_at: str = ""
    duration_ms: int = 0
    inputs_digest: str = ""
    worker: str = ""

    @property
    def ended(self) -> bool:
        return self.status in ENDED_STEP


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
        self.told_waiting: tuple[str, ...] = ()
        self.steps: dict[StepName, StepState] = {
            step.name: StepState(step.name, place, len(step.needs)) for place, step in enumerate(plan.steps)
        }
        self.counts: dict[StepStatus, int] = dict.fromkeys(StepStatus, 0)
        self.counts[StepStatus.PENDING] = len(plan.steps)
        self.free: dict[StepName, None] = {s.name: None for s in plan.steps if not s.needs}
        self.answered: dict[StepName, None] = {}
        self.blocking_failures: dict[StepName, None] = {}
        self._ready: list[tuple[int, int]] = []

    @property
    def ended(self) -> bool:
        return self.status in ENDED_RUN

    @property
    def duration_ms(self) -> int:
        """From the first start to the end, 0 while the run goes on."""
        if not (self.started_at and self.ended_at):
            return 0
        return (parse_at(self.ended_at) - parse_at(self.started_at)) // 1000

    def in_status(self, status: StepStatus) -> list[StepState]:
        """The steps with that status, in the order of the plan."""
        if not self.counts[status]:
            return []
        return [step for step in self.steps.values() if step.status is status]

    def next_ready(self, now_us: int) -> StepState | None:
        """The queued step that is due and stands first: by due time, then by place in the plan."""
        step = self._peek()
        return step if step and step.due_us <= now_us else None

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
            return
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
        self.free.pop(step.name, None)
        self.answered.pop(step.name, None)
        if status is StepStatus.QUEUED:
            heapq.heappush(self._ready, (step.due_us, step.place))
        if was_ended:
            self._count_up(step)
        if step.ended:
            self._count_down(step)
        if status is StepStatus.PENDING and step.open_needs == 0:
            self.free[step.name] = None

    def _count_down(self, step: StepState) -> None:
        if step.status is StepStatus.CANCELLED or (
            step.status is StepStatus.FAILED and self.plan.steps[step.place].blocks
        ):
            step.taint = step.name
            self.blocking_failures[step.name] = None
        elif step.taint is None:
            step.taint = self.tainted_need(step.name)
        for name in self.plan.dependants[step.name]:
            dependant = self.steps[name]
            dependant.open_needs -= 1
            if dependant.open_needs == 0 and dependant.status is StepStatus.PENDING:
                self.free[name] = None

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


def fold(plan: Plan, events: Iterable[ev.Event]) -> RunState:
    """The state after `events`."""
    state = RunState(plan)
    for event in events:
        state.run = event.run
        state.apply(event, at=event.at, actor=event.actor)
    return state


def _run_created(state: RunState, payload: ev.RunCreated, at: str) -> None:
    state.created, state.created_at = payload, at


def _run_goes_on(state: RunState, payload: ev.RunStarted | ev.RunResumed, at: str) -> None:
    state.status, state.told_waiting, state.ended_at, state.failure = RunStatus.RUNNING, (), "", None
    state.cancel_reason = ""
    state.started_at = state.started_at or at
    if payload.executor:
        state.executor = payload.executor


def _run_waiting(state: RunState, payload: ev.RunWaiting, at: str) -> None:
    state.status, state.told_waiting = RunStatus.WAITING, payload.steps


def _run_succeeded(state: RunState, payload: ev.RunSucceeded, at: str) -> None:
    state.status, state.ended_at = RunStatus.SUCCEEDED, at


def _run_failed(state: RunState, payload: ev.RunFailed, at: str) -> None:
    state.status, state.ended_at, state.failure = RunStatus.FAILED, at, payload


def _run_cancelled(state: RunState, payload: ev.RunCancelled, at: str) -> None:
    state.status, state.ended_at, state.cancel_reason = RunStatus.CANCELLED, at, payload.reason
    for step in state.steps.values():
        if not step.ended:
            step.ended_at = at
            state.set_status(step, StepStatus.CANCELLED)


def _enqueued(state: RunState, step: StepState, payload: ev.StepEnqueued, ctx: _Context) -> None:
    step.due_us = 0
    state.set_status(step, StepStatus.QUEUED)


def _started(state: RunState, step: StepState, payload: ev.StepStarted, ctx: _Context) -> None:
    step.attempt, step.started_at, step.ended_at = ctx.attempt, ctx.at, ""
    step.inputs_digest, step.worker = payload.inputs_digest, payload.worker
    state.set_status(step, StepStatus.RUNNING)


def _finished(state: RunState, step: StepState, payload: ev.StepFinished, ctx: _Context) -> None:
    step.outputs, step.error = payload.outputs, payload.error
    step.ended_at, step.duration_ms = ctx.at, payload.duration_ms
    state.set_status(step, StepStatus(payload.status))


def _skipped(state: RunState, step: StepState, payload: ev.StepSkipped, ctx: _Context) -> None:
    step.skip_reason, step.cause, step.ended_at = payload.reason, payload.cause, ctx.at
    if payload.reason is ev.SkipReason.NEED_FAILED:
        step.taint = StepName(payload.cause)
    state.set_status(step, StepStatus.SKIPPED)


def _retry_scheduled(state: RunState, step: StepState, payload: ev.StepRetryScheduled, ctx: _Context) -> None:
    step.failures += 1
    step.error, step.due_us, step.duration_ms = payload.error, parse_at(payload.due_at), payload.duration_ms
    state.set_status(step, StepStatus.QUEUED)


def _interrupted(state: RunState, step: StepState, payload: ev.StepInterrupted, ctx: _Context) -> None:
    step.due_us = 0
    state.set_status(step, StepStatus.QUEUED if payload.rerun else StepStatus.WAITING)


def _reset(state: RunState, step: StepState, payload: ev.StepReset, ctx: _Context) -> None:
    step.failures, step.due_us, step.duration_ms = 0, 0, 0
    step.outputs, step.error, step.approval, step.gate = {}, None, None, None
    step.skip_reason, step.cause, step.ended_at = None, "", ""
    step.artifacts = []
    state.set_status(step, StepStatus.PENDING)
    if state.ended:
        state.status, state.ended_at, state.failure, state.cancel_reason = RunStatus.RUNNING, "", None, ""


def _requested(state: RunState, step: StepState, payload: ev.ApprovalRequested, ctx: _Context) -> None:
    step.approval = Approval(payload.digest, payload.question, payload.reason, payload.path)
    state.set_status(step, StepStatus.WAITING)


def _answer(decision: str) -> Callable[[RunState, StepState, Any, _Context], None]:
    def answered(state: RunState, step: StepState, payload: Any, ctx: _Context) -> None:
        approval = step.approval
        if approval is None or approval.decision is not None or approval.digest != payload.digest:
            return  # nothing was asked, it was answered before, or this answers another question
        if step.status is not StepStatus.WAITING:
            return
        approval.decision, approval.by, approval.at, approval.note = decision, ctx.actor, ctx.at, payload.note
        if decision == "granted":
            step.due_us = 0
            state.set_status(step, StepStatus.QUEUED)
        else:
            state.answered[step.name] = None

    return answered


def _stale(state: RunState, step: StepState, payload: ev.ApprovalStale, ctx: _Context) -> None:
    step.approval = None
    state.set_status(step, StepStatus.WAITING)


def _gate(state: RunState, step: StepState, payload: ev.GateEvaluated, ctx: _Context) -> None:
    step.gate = payload


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
}
_STEP_CHANGES: Mapping[type[ev.Payload], Callable[[RunState, StepState, Any, _Context], None]] = {
    ev.StepEnqueued: _enqueued,
    ev.StepStarted: _started,
    ev.StepFinished: _finished,
    ev.StepSkipped: _skipped,
    ev.StepRetryScheduled: _retry_scheduled,
    ev.StepInterrupted: _interrupted,
    ev.StepReset: _reset,
    ev.ApprovalRequested: _requested,
    ev.ApprovalGranted: _answer("granted"),
    ev.ApprovalRejected: _answer("rejected"),
    ev.ApprovalWaived: _answer("waived"),
    ev.ApprovalStale: _stale,
    ev.GateEvaluated: _gate,
    ev.ArtifactCreated: _artifact,
}
