"""One run in the hands of this process: what has ended becomes a batch, with what follows and what starts next.

Whatever has ended when the deciding thread looks is committed as one batch together with all that follows from it
and with the claims of the steps that start next, so that a chain of steps costs one durable write a step.

Crash points: before a batch is durable, its steps have not been claimed and its results are not there, and the steps
count as cut off; after it, they are committed. Nothing is started before its claim is durable.
"""

from collections.abc import Sequence

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.attempt import STORE, AttemptResult, conclude
from nofx_cli.engine.open_run import Batch, Builder, OpenRun
from nofx_cli.engine.prepare import Claimed, prepare
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.ports.liveness import Hold
from nofx_cli.worker.attempts import Append, Attempts
from nofx_cli.worker.observer import Observer
from nofx_cli.worker.recovery import give_up


class Execution:
    """The batches of one run.

    Args:
        facts: this process, as `run.started` and `run.resumed` tell it.

    Attributes:
        running: how many attempts of it run in this process.
        offered: the keys of the jobs that this process put for it and that have not been seen gone.
    """

    def __init__(self, open_run: OpenRun, attempts: Attempts, *, observer: Observer, facts: JsonObject) -> None:
        self.open_run, self.results = open_run, list[AttemptResult]()
        self.stale = False
        self.running = 0
        self.offered: set[str] = set()
        self._services, self._attempts, self._observer = open_run.services, attempts, observer
        self._facts = facts
        self._claimed: list[Claimed] = []
        self._told_seq = open_run.seq

    def commit(self, build: Builder, *, hold: Hold | None = None) -> list[ev.Event]:
        """Append what a builder makes of the results that are in, tell it, and start what it claimed.

        Args:
            hold: that of the run, where it is shared: then others append often.
        """
        self._claimed = []
        if hold is None:
            events = self.open_run.commit(build)
        else:
            with hold.turn():
                self.look()
                events = self.open_run.commit(build)
        self.results = []
        self.stale = self.stale or any(isinstance(event.payload, ev.ApprovalStale) for event in events)
        try:
            self.tell(events)
        finally:
            for claimed in self._claimed:
                self.running += 1
                self._attempts.start(self._services, claimed)
        return events

    def append(self, message: Append, *, hold: Hold | None = None) -> None:
        """Append what a running attempt has to have on record, and answer it.

        Raises:
            errors.StoreFailure: it could not be written; the attempt has been told.
        """
        try:
            if hold is None:
                events = self.open_run.commit(message.build)
            else:
                with hold.turn():
                    self.look()
                    events = self.open_run.commit(message.build)
        except BaseException as exc:
            message.answer(exc)
            if isinstance(exc, errors.StoreFailure) or not isinstance(exc, errors.NofxError | StepCancelled):
                raise
            return
        message.answer(events)
        self.tell(events)

    def take(self, result: AttemptResult) -> None:
        """Take in what came of an attempt, for the next batch."""
        self.running -= 1
        self.results.append(result)

    def fill(self, batch: Batch, *, room: int | None = None) -> None:
        """Build the next batch: results, what follows, and claims, until nothing more does.

        Args:
            room: how many steps may start; None leaves it to the run's own concurrency.
        """
        self._claimed = []
        if batch.state.status is RunStatus.QUEUED:
            if room == 0:
                return
            batch.add(ev.RunStarted(self._facts))
        self.conclude(batch)
        while not batch.state.ended and (room is None or len(self._claimed) < room) and self._claim_next(batch):
            batch.settle()

    def conclude(self, batch: Batch) -> None:
        """Add what has ended and what follows from that; an answered run goes on in this process, whoever waited."""
        state = batch.state
        if state.status is RunStatus.WAITING and (state.answered or state.counts[StepStatus.QUEUED]):
            batch.add(ev.RunResumed("answered", self._facts))
        for result in self.results:
            if not result.stopped:
                conclude(self._services, batch, result)
            elif result.stopped == STORE and isinstance(result.outcome, Failed):
                reason = self._services.mask_text(result.outcome.error.message)
                give_up(self.open_run, batch, step=result.step, attempt=result.attempt, reason=reason)
        batch.settle()

    def _claim_next(self, batch: Batch) -> bool:
        if not self.may_start():
            return False
        step = batch.state.next_ready(self._services.clock.now_us())
        if step is None:
            return False
        try:
            prepared = prepare(self._services, self.open_run.plan, batch.state, self.open_run.renderer, step)
        except errors.StoreFailure:
            if not batch.drafts:
                raise
            return False  # what has ended is committed first; the failure comes up again at the next turn
        batch.extend(prepared.drafts)
        if prepared.claimed is not None:
            self._claimed.append(prepared.claimed)
        return True

    def may_start(self) -> bool:
        """Whether the run's concurrency leaves room for one more step."""
        return self.open_run.state.counts[StepStatus.RUNNING] < self.open_run.plan.concurrency

    def tell(self, events: Sequence[ev.Event]) -> None:
        """Tell the observer of what is new: of these events and, where others appended in between, of theirs too."""
        last = self.open_run.seq
        if last - self._told_seq != len(events):
            since = self._services.store.read(self.open_run.run, after_seq=self._told_seq)
            events = [event for event in since if event.seq <= last]
        if events:
            self._told_seq = last
            self._observer.events(events)

    def look(self) -> bool:
        """Take in, and tell, what others appended; whether there was anything."""
        if not self.open_run.changed_by_others():
            return False
        self.tell(self.open_run.refresh())
        return True
