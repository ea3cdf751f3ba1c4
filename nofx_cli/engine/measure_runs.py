"""Numbers over all runs of a store, from their journals alone: no plan is read and no process is asked.

The time is linear in the journals. What the fold in `domain.state` knows from the plan is not needed here: how many
steps a run has stands in `run.created`, and a step that no event names is pending.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import DamagedLine, decode_line, whole_batches
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.state import ENDED_RUN, RunStatus
from nofx_cli.domain.step_state import ENDED_STEP, StepStatus
from nofx_cli.ports.journal import RunStore

BOUNDS_MS = (
    5, 10, 25, 50, 100, 250, 500,
    1_000, 2_500, 5_000, 10_000, 30_000,
    60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
)  # fmt: skip
"""Up to which duration an attempt is counted in each bucket of a histogram; one more takes the longer ones."""


@dataclass(slots=True)
class Durations:
    """How long attempts took. `buckets` counts each attempt once, in the first bucket that it fits in."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))
    sum_ms: int = 0

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def add(self, duration_ms: int) -> None:
        self.buckets[bisect_left(BOUNDS_MS, duration_ms)] += 1
        self.sum_ms += duration_ms


@dataclass(slots=True)
class RunMeasures:
    """What all runs come to.

    Attributes:
        damaged: journals that cannot be read; they are counted nowhere else.
        durations: of the attempts that came to their end, whatever came of them, by tool.
        retries: attempts that failed and were followed by another one.
        interruptions: attempts that were cut off because the process that executed them was gone or was stopped.
    """

    runs: Counter[RunStatus] = field(default_factory=Counter)
    steps: Counter[StepStatus] = field(default_factory=Counter)
    damaged: int = 0
    durations: dict[str, Durations] = field(default_factory=dict)
    retries: int = 0
    interruptions: int = 0


def measure_runs(store: RunStore) -> RunMeasures:
    """Read every journal of the store once."""
    measures = RunMeasures()
    for run in store.runs():
        try:
            events = _events(store, run)
        except errors.NotFound:  # taken away since it was listed
            continue
        except (DamagedLine, errors.StoreFailure, OSError):
            measures.damaged += 1
            continue
        measure_run(events, into=measures)
    return measures


def measure_run(events: Iterable[ev.Event], *, into: RunMeasures) -> None:
    """Add what one run comes to."""
    events = list(events)
    fold = _fold(events, into)
    if any(isinstance(event.payload, ev.RunRolledBack) for event in events):
        from nofx_cli.domain.rollback import counting

        fold = _fold(counting(events), RunMeasures())  # attempts were made; how all stands is told by what counts
    into.runs[fold.status] += 1
    into.steps.update(step.status for step in fold.steps.values())
    into.steps[fold.unnamed_status] += max(fold.total_steps - len(fold.steps), 0)


def _fold(events: Iterable[ev.Event], measures: RunMeasures) -> "_Fold":
    fold = _Fold(measures)
    for event in events:
        fold.apply(event)
    return fold


def _events(store: RunStore, run: RunId) -> list[ev.Event]:
    """The committed events, without the chain being checked: that is for `verify`.

    Raises:
        DamagedLine: one of them cannot be read, or the journal does not begin as it should.
    """
    data = b"\n".join(store.lines(run)) + b"\n"
    events = [decode_line(line) for line in data[: whole_batches(data)].split(b"\n")[:-1]]
    if not events or not isinstance(events[0].payload, ev.RunCreated):
        raise DamagedLine("it does not begin with run.created")
    return events


@dataclass(slots=True, eq=False)
class _Step:
    """`asked` is the digest of a question that has not been answered."""

    status: StepStatus = StepStatus.PENDING
    tool: str = ""
    asked: str | None = None


class _Fold:
    """One run. Attempts are added to the measures as their ends come by."""

    def __init__(self, measures: RunMeasures) -> None:
        self._measures = measures
        self.status = RunStatus.QUEUED
        self.total_steps = 0
        self.steps: dict[str, _Step] = {}
        self.unnamed_status = StepStatus.PENDING

    def apply(self, event: ev.Event) -> None:
        """Take one event in; of those that are not known here nothing follows."""
        payload = event.payload
        kind = type(payload)
        if kind in _STEP_CHANGES and event.step is not None:
            step = self.steps.setdefault(event.step, _Step(self.unnamed_status))
            step.status = _STEP_CHANGES[kind](self, step, payload)
        elif kind in _RUN_STATUS:
            self.status = _RUN_STATUS[kind]
            if kind is ev.RunCancelled:
                self._cancel()
        elif isinstance(payload, ev.RunCreated):
            self.total_steps = payload.steps

    def _cancel(self) -> None:
        self.unnamed_status = StepStatus.CANCELLED
        for step in self.steps.values():
            if step.status not in ENDED_STEP:
                step.status = StepStatus.CANCELLED

    def _started(self, step: _Step, payload: ev.StepStarted) -> StepStatus:
        step.tool = payload.tool
        return StepStatus.RUNNING

    def _finished(self, step: _Step, payload: ev.StepFinished) -> StepStatus:
        self._end_attempt(step, payload.duration_ms)
        return StepStatus(payload.status)

    def _retry_scheduled(self, step: _Step, payload: ev.StepRetryScheduled) -> StepStatus:
        self._measures.retries += 1
        self._end_attempt(step, payload.duration_ms)
        return StepStatus.QUEUED

    def _end_attempt(self, step: _Step, duration_ms: int) -> None:
        if step.status is StepStatus.RUNNING:  # else it was rejected, or its condition could not be judged
            self._measures.durations.setdefault(step.tool, Durations()).add(duration_ms)

    def _interrupted(self, step: _Step, payload: ev.StepInterrupted) -> StepStatus:
        self._measures.interruptions += 1
        return StepStatus.QUEUED if payload.rerun else StepStatus.WAITING

    def _reset(self, step: _Step, payload: ev.StepReset) -> StepStatus:
        step.asked = None
        if self.status in ENDED_RUN:
            self.status = RunStatus.RUNNING
        return StepStatus.PENDING

    def _requested(self, step: _Step, payload: ev.ApprovalRequested) -> StepStatus:
        step.asked = payload.digest
        return StepStatus.WAITING

    def _stale(self, step: _Step, payload: ev.ApprovalStale) -> StepStatus:
        step.asked = None
        return StepStatus.WAITING

    def _answered(
        self, step: _Step, payload: ev.ApprovalGranted | ev.ApprovalRejected | ev.ApprovalWaived
    ) -> StepStatus:
        """Only a yes moves the step; what follows from a no is on record."""
        if step.status is not StepStatus.WAITING or step.asked != payload.digest:
            return step.status
        step.asked = None
        return StepStatus.QUEUED if isinstance(payload, ev.ApprovalGranted) else StepStatus.WAITING

    def _moved(self, step: _Step, payload: ev.StepEnqueued | ev.StepSkipped) -> StepStatus:
        return StepStatus.SKIPPED if isinstance(payload, ev.StepSkipped) else StepStatus.QUEUED


_RUN_STATUS: Mapping[type[ev.Payload], RunStatus] = {
    ev.RunStarted: RunStatus.RUNNING,
    ev.RunResumed: RunStatus.RUNNING,
    ev.RunWaiting: RunStatus.WAITING,
    ev.RunSucceeded: RunStatus.SUCCEEDED,
    ev.RunFailed: RunStatus.FAILED,
    ev.RunCancelled: RunStatus.CANCELLED,
}
_STEP_CHANGES: Mapping[type[ev.Payload], Callable[[_Fold, _Step, Any], StepStatus]] = {
    ev.StepEnqueued: _Fold._moved,
    ev.StepStarted: _Fold._started,
    ev.StepFinished: _Fold._finished,
    ev.StepSkipped: _Fold._moved,
    ev.StepRetryScheduled: _Fold._retry_scheduled,
    ev.StepInterrupted: _Fold._interrupted,
    ev.StepReset: _Fold._reset,
    ev.ApprovalRequested: _Fold._requested,
    ev.ApprovalGranted: _Fold._answered,
    ev.ApprovalRejected: _Fold._answered,
    ev.ApprovalWaived: _Fold._answered,
    ev.ApprovalStale: _Fold._stale,
}
"""What each event of a step does, and the status that the step has afterwards."""
