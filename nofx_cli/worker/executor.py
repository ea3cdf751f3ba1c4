"""Execute one run in this process, to its end or to where it waits for a person.

The executor holds the run (see `ports.liveness`) and is the only one that starts its steps, but not the only one
that appends: people answer and cancel from other terminals. One thread decides and appends; handlers run in threads
of their own and report into the inbox. Whatever has ended when the thread looks is committed as one batch together
with all that follows from it and with the claims of the steps that start next, so that a chain of steps costs one
durable write a step.

Crash points: before a batch is durable, its steps have not been claimed and its results are not there, and the steps
count as cut off; after it, they are committed. Nothing is started before its claim is durable.
"""

import queue
from collections.abc import Sequence

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState, RunStatus, StepStatus
from nofx_cli.engine.attempt import AttemptResult, conclude
from nofx_cli.engine.open_run import Batch, Builder, OpenRun
from nofx_cli.engine.prepare import Claimed, prepare
from nofx_cli.ports.liveness import Hold
from nofx_cli.worker.attempts import Attempts, Changed, Inbox, Message, Stop
from nofx_cli.worker.observer import Observer
from nofx_cli.worker.recovery import executor_facts, recover
from nofx_cli.worker.watcher import JournalWatcher

_LOOK_MS = 100  # how soon a cancellation by another process is seen while steps run


@record
class Ending:
    """How the execution ended: the state it left, the signal that stopped it, and whether an approval was stale."""

    state: RunState
    signal: str = ""
    stale: bool = False


class Executor:
    """The loop. `stay` keeps it waiting for answers; else it returns where only a person can go on."""

    def __init__(
        self, open_run: OpenRun, hold: Hold, *, observer: Observer, inbox: Inbox | None = None, stay: bool = False
    ) -> None:
        self.open_run, self._hold, self._observer, self._stay = open_run, hold, observer, stay
        self.inbox: Inbox = queue.SimpleQueue() if inbox is None else inbox
        self._services = open_run.services
        self._attempts = Attempts(self._services, self.inbox, observer)
        self._watcher = JournalWatcher(open_run, self.inbox)
        self._results: list[AttemptResult] = []
        self._claimed: list[Claimed] = []
        self._told_seq = open_run.seq
        self._signal = ""
        self._stale = False

    def execute(self, *, rerun_interrupted: bool = False) -> Ending:
        """Run to the end, to a wait, or until told to stop.

        Args:
            rerun_interrupted: run every step that was cut off again, without asking.

        Raises:
            errors.StoreFailure: the journal cannot be written; what was committed stays, running steps are ended.
        """
        try:
            recover(self.open_run, rerun=rerun_interrupted)
            self._begin()
            while self._advance():
                self._receive()
            self._end_attempts("cancelled")
        finally:
            self._end_attempts("killed")
            self._attempts.close()
            if not len(self._attempts):
                self._services.artifacts.clear_scratch(self.open_run.run)
            self._watcher.close()
            self._hold.release()
        return Ending(self.open_run.state, self._signal, self._stale)

    def _begin(self) -> None:
        def build(batch: Batch) -> None:
            if batch.state.status is RunStatus.QUEUED:
                batch.add(ev.RunStarted(executor_facts()))
                self._fill(batch)

        self._commit(build)

    def _advance(self) -> bool:
        """Commit what has ended and what follows, start what was claimed; False when there is nothing to wait for."""
        if self._signal:
            self._stop_by_signal()
            return False
        self._results += self._attempts.enforce()
        self._commit(self._fill)
        state = self.open_run.state
        if state.ended:
            return False
        return bool(len(self._attempts) or state.counts[StepStatus.QUEUED] or self._stay)

    def _commit(self, build: Builder) -> None:
        """Append what a builder makes of the results that are in, tell it, and start what it claimed."""
        self._claimed = []
        events = self.open_run.commit(build)
        self._results = []
        self._stale = self._stale or any(isinstance(event.payload, ev.ApprovalStale) for event in events)
        self._tell(events)
        for claimed in self._claimed:
            self._attempts.start(claimed)

    def _fill(self, batch: Batch) -> None:
        """Build the next batch: results, what follows, and claims, until nothing more does."""
        self._claimed = []
        self._conclude(batch)
        while not batch.state.ended and self._claim_next(batch):
            batch.settle()

    def _conclude(self, batch: Batch) -> None:
        """Add what has ended and what follows from that; an answered run goes on in this process, whoever waited."""
        state = batch.state
        if state.status is RunStatus.WAITING and (state.answered or state.counts[StepStatus.QUEUED]):
            batch.add(ev.RunResumed("answered", executor_facts()))
        for result in self._results:
            if not result.stopped:
                conclude(self._services, batch, result)
        batch.settle()

    def _claim_next(self, batch: Batch) -> bool:
        busy = batch.state.counts[StepStatus.RUNNING]
        if busy >= self.open_run.plan.concurrency:
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

    def _receive(self) -> None:
        """Wait for a message, and take in all that have come; look for changes by others."""
        idle = not len(self._attempts)
        if idle:
            self._watcher.start()
        message = self._services.clock.receive(self.inbox, timeout_ms=self._pause_ms(idle=idle), idle=idle)
        while message is not None:
            self._take(message)
            message = None if self.inbox.empty() else self.inbox.get()
        if self.open_run.changed_by_others():
            self._tell(self.open_run.refresh())

    def _take(self, message: Message) -> None:
        if isinstance(message, AttemptResult):
            if self._attempts.take(message):
                self._results.append(message)
        elif isinstance(message, Stop):
            self._attempts.stop("killed" if self._signal else _reason(message.signal))
            if not self._signal and message.signal.startswith("SIG"):
                self._observer.stopping()
            self._signal = self._signal or message.signal
        elif isinstance(message, Changed):
            pass  # it only had to wake us

    def _pause_ms(self, *, idle: bool) -> float | None:
        due = []
        next_due_us = self.open_run.state.next_due_us()
        if next_due_us is not None and self._may_start():
            due.append((next_due_us - self._services.clock.now_us()) / 1000)
        deadline_ms = self._attempts.next_deadline_ms()
        if deadline_ms is not None:
            due.append(deadline_ms - self._services.clock.monotonic_ms())
        if not idle:
            due.append(_LOOK_MS)
        return max(min(due), 0) if due else None

    def _may_start(self) -> bool:
        return self.open_run.state.counts[StepStatus.RUNNING] < self.open_run.plan.concurrency

    def _stop_by_signal(self) -> None:
        """Ctrl-C cancels what runs; any other signal leaves it to be resumed. A waiting run is left waiting.

        What had ended by then counts, and so does what still comes to its own end; nothing new is claimed.
        """
        if self.open_run.state.status is RunStatus.WAITING and not len(self._attempts):
            return

        def build(batch: Batch) -> None:
            self._conclude(batch)
            if self._signal == "SIGINT" and not batch.state.ended:
                batch.add(ev.RunCancelled("stopped with Ctrl-C"))

        self._commit(build)
        self._end_attempts(_reason(self._signal))
        self._commit(self._conclude)

    def _end_attempts(self, reason: str) -> None:
        """Stop all attempts and wait until they have ended; a second signal cuts the wait short."""
        self._attempts.stop(reason)
        give_up_ms = self._services.clock.monotonic_ms() + 2 * self._services.limits.grace_ms + 1_000
        while len(self._attempts):
            left_ms = give_up_ms - self._services.clock.monotonic_ms()
            if left_ms <= 0:
                return
            message = self._services.clock.receive(self.inbox, timeout_ms=left_ms, idle=False)
            if isinstance(message, Stop):
                self._attempts.stop("killed")
            elif isinstance(message, AttemptResult) and self._attempts.take(message):
                self._results.append(message)

    def _tell(self, events: Sequence[ev.Event]) -> None:
        """Tell the observer of what is new: of these events and, where others appended in between, of theirs too."""
        last = self.open_run.seq
        if last - self._told_seq != len(events):
            since = self._services.store.read(self.open_run.run, after_seq=self._told_seq)
            events = [event for event in since if event.seq <= last]
        if events:
            self._told_seq = last
            self._observer.events(events)


def _reason(signal: str) -> str:
    return "cancelled" if signal == "SIGINT" else "interrupted"
