"""The attempts that run in this process, each in a thread of its own."""

import queue
import threading
from typing import TypeAlias

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record
from nofx_cli.engine.attempt import AttemptResult, run_attempt, timed_out
from nofx_cli.engine.prepare import Claimed
from nofx_cli.engine.services import Services
from nofx_cli.ports.handler import handler_flag
from nofx_cli.worker.observer import Observer


@record
class Stop:
    """Somebody wants the execution to stop; `signal` is the name of the signal that said so."""

    signal: str


@record
class Changed:
    """The journal was changed by somebody else."""


Message: TypeAlias = AttemptResult | Stop | Changed
Inbox: TypeAlias = queue.SimpleQueue[Message]

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
        self._services, self._inbox, self._observer = services, inbox, observer
        self._running: dict[tuple[StepName, int], _Running] = {}
        self._claims: queue.SimpleQueue[Claimed | None] = queue.SimpleQueue()
        self._threads = 0

    def __len__(self) -> int:
        return len(self._running)

    def start(self, claimed: Claimed) -> None:
        """Run a claimed attempt: in a thread, or at once where its handler is instant."""
        step = claimed.step
        claimed.ctx.on_line = lambda text: self._observer.line(step.name, text)
        deadline_ms = claimed.ctx.begin()
        leave_ms = deadline_ms + 2 * self._services.limits.grace_ms + _LEAVE_MS
        self._running[step.name, claimed.ctx.attempt] = _Running(claimed, deadline_ms, leave_ms)
        if handler_flag(claimed.handler, "instant"):
            self._inbox.put(run_attempt(self._services, claimed))
            return
        self._claims.put(claimed)
        if len(self._running) > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=f"attempts {self._threads}", daemon=True).start()

    def take(self, result: AttemptResult) -> bool:
        """Note that an attempt has ended; False when it was given up before."""
        return self._running.pop((result.step, result.attempt), None) is not None

    def stop(self, reason: str) -> None:
        """Ask all of them to stop."""
        for running in self._running.values():
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
        now_ms = self._services.clock.monotonic_ms()
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
        while (claimed := self._claims.get()) is not None:
            self._inbox.put(run_attempt(self._services, claimed))
