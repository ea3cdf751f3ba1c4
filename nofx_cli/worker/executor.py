"""Execute one run in this process, to its end or to where it waits for a person.

The executor holds the run (see `ports.liveness`) and is the only one that starts its steps, but not the only one
that appends: people answer and cancel from other terminals. One thread decides and appends (see `execution`);
handlers run in threads of their own and report into the inbox.
"""

from nofx_cli.domain import events as ev
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.attempt import AttemptResult
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.ports.liveness import Hold
from nofx_cli.worker.attempts import Append, Attempts, Inbox, Message, Stop
from nofx_cli.worker.execution import Execution
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
    """The loop. `stay` keeps it waiting for answers; else it returns where only a person can go on.

    `patience_ms` is how long it stays each time; None: until there is an answer.
    """

    def __init__(
        self,
        open_run: OpenRun,
        hold: Hold,
        *,
        observer: Observer,
        inbox: Inbox | None = None,
        stay: bool = False,
        patience_ms: float | None = None,
    ) -> None:
        self.open_run, self._hold, self._observer, self._stay = open_run, hold, observer, stay
        self._patience_ms = patience_ms
        self._leaves_at_ms: float | None = None
        self._waits_since_seq = 0
        self.inbox: Inbox = Inbox() if inbox is None else inbox
        self._services = open_run.services
        self._attempts = Attempts(self._services, self.inbox, observer)
        self._execution = Execution(open_run, self._attempts, observer=observer, facts=executor_facts())
        self._watcher = JournalWatcher(open_run, self.inbox)
        self._signal = ""

    def execute(self, *, rerun_interrupted: bool = False) -> Ending:
        """Run to the end, to a wait, or until told to stop.

        Args:
            rerun_interrupted: run every step that was cut off again, without asking.

        Raises:
            errors.StoreFailure: the journal cannot be written; what was committed stays, running steps are ended.
        """
        try:
            recover(self.open_run, rerun=rerun_interrupted)
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
        return Ending(self.open_run.state, self._signal, self._execution.stale)

    def _advance(self) -> bool:
        """Commit what has ended and what follows, start what was claimed; False when there is nothing to wait for."""
        if self._signal:
            self._stop_by_signal()
            return False
        for result in self._attempts.enforce():
            self._execution.take(result)
        self._execution.commit(self._execution.fill)
        state = self.open_run.state
        if state.ended:
            return False
        if len(self._attempts) or state.counts[StepStatus.QUEUED]:
            self._leaves_at_ms = None
            return True
        return self._stay and self._has_patience()

    def _has_patience(self) -> bool:
        """Whether to go on waiting for a person; a wait begins anew with whatever happens to the run."""
        if self._patience_ms is None:
            return True
        now_ms = self._services.clock.monotonic_ms()
        if self._leaves_at_ms is None or self._waits_since_seq != self.open_run.seq:
            self._leaves_at_ms, self._waits_since_seq = now_ms + self._patience_ms, self.open_run.seq
        return now_ms < self._leaves_at_ms

    def _receive(self) -> None:
        """Wait for a message, and take in all that have come; look for changes by others."""
        idle = not len(self._attempts)
        if idle:
            self._watcher.start()
        message = self._services.clock.receive(self.inbox, timeout_ms=self._pause_ms(idle=idle), idle=idle)
        while message is not None:
            self._take(message)
            message = None if self.inbox.empty() else self.inbox.get()
        self._execution.look()

    def _take(self, message: Message) -> None:
        if isinstance(message, AttemptResult):
            if self._attempts.take(message):
                self._execution.take(message)
        elif isinstance(message, Append):
            self._execution.append(message)
        elif isinstance(message, Stop):
            self._attempts.stop("killed" if self._signal else _reason(message.signal))
            if not self._signal and message.signal.startswith("SIG"):
                self._observer.stopping()
            self._signal = self._signal or message.signal

    def _pause_ms(self, *, idle: bool) -> float | None:
        due = []
        next_due_us = self.open_run.state.next_due_us()
        if next_due_us is not None and self._execution.may_start():
            due.append((next_due_us - self._services.clock.now_us()) / 1000)
        deadline_ms = self._attempts.next_deadline_ms()
        if deadline_ms is not None:
            due.append(deadline_ms - self._services.clock.monotonic_ms())
        if self._leaves_at_ms is not None:
            due.append(self._leaves_at_ms - self._services.clock.monotonic_ms())
        if not idle:
            due.append(_LOOK_MS)
        return max(min(due), 0) if due else None

    def _stop_by_signal(self) -> None:
        """Ctrl-C cancels what runs; any other signal leaves it to be resumed. A waiting run is left waiting.

        What had ended by then counts, and so does what still comes to its own end; nothing new is claimed.
        """
        if self.open_run.state.status is RunStatus.WAITING and not len(self._attempts):
            return

        def build(batch: Batch) -> None:
            self._execution.conclude(batch)
            if self._signal == "SIGINT" and not batch.state.ended:
                batch.add(ev.RunCancelled("stopped with Ctrl-C"))

        self._execution.commit(build)
        self._end_attempts(_reason(self._signal))
        self._execution.commit(self._execution.conclude)

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
            elif isinstance(message, Append):
                self._execution.append(message)
            elif isinstance(message, AttemptResult) and self._attempts.take(message):
                self._execution.take(message)


def _reason(signal: str) -> str:
    return "cancelled" if signal == "SIGINT" else "interrupted"
