"""The attempts that run in this process, each in a thread of its own."""

import queue
import threading
from collections.abc import Sequence
from typing import TypeAlias

from nofx_cli import clock
from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.domain.record import record
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.attempt import AttemptResult, run_attempt, timed_out
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.open_run import Batch, Builder
from nofx_cli.engine.prepare import Claimed
from nofx_cli.engine.services import Services
from nofx_cli.ports.handler import StepCancelled, handler_flag
from nofx_cli.worker.observer import Observer


@record
class Stop:
    """Somebody wants the execution to stop; `signal` is the name of the signal that said so."""

    signal: str


@record
class Changed:
    """A journal was changed by somebody else, or there is work in the queue."""


@record
class WorkerGone:
    """Another worker has come to its end."""

    worker: WorkerId


class Append:
    """Something that a running attempt has to have on record before it goes on.

    Its thread waits; the one that decides appends. It is fenced: an attempt that was given up has nothing to append.
    """

    def __init__(self, ctx: EngineContext, build: Builder) -> None:
        self.run = ctx.run_id
        self._ctx, self._build = ctx, build
        self._answer: queue.SimpleQueue[Sequence[Event] | BaseException] = queue.SimpleQueue()

    def build(self, batch: Batch) -> None:
        """Add it to a batch."""
        step = batch.state.steps[self._ctx.step]
        if step.status is not StepStatus.RUNNING or step.attempt != self._ctx.attempt:
            raise StepCancelled(self._ctx.cancellation.reason or "cancelled")
        self._build(batch)

    def answer(self, answer: "Sequence[Event] | BaseException") -> None:
        """It was appended, or why it was not."""
        self._answer.put(answer)

    def wait(self) -> Sequence[Event]:
        """Wait until it is on record. Raises what was answered, and `StepCancelled` where nobody answers any more."""
        waited_for_nothing = 0
        while waited_for_nothing < _UNANSWERED_TURNS:
            waited_for_nothing += bool(self._ctx.cancellation.reason)
            try:
                answer = self._answer.get(timeout=_TURN_SECONDS)
            except queue.Empty:
                continue
            if isinstance(answer, BaseException):
                raise answer
            return answer
        raise StepCancelled(self._ctx.cancellation.reason)


Message: TypeAlias = AttemptResult | Append | Stop | Changed | WorkerGone
Inbox: TypeAlias = clock.Inbox[Message]
AttemptKey: TypeAlias = tuple[RunId, StepName, int]

_TURN_SECONDS, _UNANSWERED_TURNS = 0.1, 20  # who is stopped is answered soon, or not at all

# How long a handler may take to return after its processes were ended, before its thread is left behind.
_LEAVE_MS = 3_000


@record
class _Running:
    claimed: Claimed
    deadline_ms: float
    leave_ms: float


class Attempts:
    """Starts claimed attempts and keeps their time; what comes of them is put into the inbox.

    Threads are used again: starting one costs more than a step of a chain may. One that is left behind with a
    handler that does not return is never waited for.
    """

    def __init__(self, services: Services, inbox: Inbox, observer: Observer) -> None:
        self._clock, self._limits = services.clock, services.limits
        self._inbox, self._observer = inbox, observer
        self._running: dict[AttemptKey, _Running] = {}
        self._claims: queue.SimpleQueue[tuple[Services, Claimed] | None] = queue.SimpleQueue()
        self._threads = 0

    def __len__(self) -> int:
        return len(self._running)

    def running(self) -> list[AttemptKey]:
        """The attempts that run, in the order of their start."""
        return list(self._running)

    def start(self, services: Services, claimed: Claimed) -> None:
        """Run a claimed attempt: in a thread, or at once where its handler is instant."""
        ctx, step = claimed.ctx, claimed.step
        ctx.on_line = lambda text: self._observer.line(step.name, text)
        deadline_ms = ctx.begin()
        leave_ms = deadline_ms + 2 * self._limits.grace_ms + _LEAVE_MS
        self._running[ctx.run_id, step.name, ctx.attempt] = _Running(claimed, deadline_ms, leave_ms)
        if handler_flag(claimed.handler, "instant"):
            self._inbox.put(run_attempt(services, claimed))
            return
        ctx.append = lambda build: self._append(ctx, build)
        self._claims.put((services, claimed))
        if len(self._running) > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=f"attempts {self._threads}", daemon=True).start()

    def _append(self, ctx: EngineContext, build: Builder) -> Sequence[Event]:
        append = Append(ctx, build)
        self._inbox.put(append)
        return append.wait()

    def take(self, result: AttemptResult) -> bool:
        """Note that an attempt has ended; False when it was given up before."""
        return self._running.pop((result.run, result.step, result.attempt), None) is not None

    def stop(self, reason: str, *, only: "set[AttemptKey] | None" = None) -> None:
        """Ask all of them, or `only` some, to stop."""
        for key, running in self._running.items():
            if only is None or key in only:
                running.claimed.ctx.cancellation.stop(reason)

    def next_deadline_ms(self) -> float | None:
        """When the next attempt is over its time, or over the time to end after that."""
        due = [
            running.leave_ms if running.claimed.ctx.cancellation.reason else running.deadline_ms
            for running in self._running.values()
        ]
        return min(due, default=None)

    def enforce(self) -> list[AttemptResult]:
        """Stop what is over its time; the results of those that do not even end then, and are left behind."""
        now_ms = self._clock.monotonic_ms()
        left = []
        for key, running in list(self._running.items()):
            if now_ms >= running.deadline_ms:
                running.claimed.ctx.cancellation.stop("timeout")
            if now_ms >= running.leave_ms:
                del self._running[key]
                self._threads -= 1
                took_ms = round(now_ms - running.deadline_ms) + running.claimed.step.timeout_ms
                left.append(AttemptResult(*key, timed_out(running.claimed), duration_ms=took_ms))
        return left

    def close(self) -> None:
        """Let the idle threads go."""
        for _ in range(self._threads):
            self._claims.put(None)

    def _work(self) -> None:
        while (work := self._claims.get()) is not None:
            self._inbox.put(run_attempt(*work))
