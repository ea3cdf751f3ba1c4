"""What a worker says of itself, for `nofx worker status` and for who takes over from it."""

from nofx_cli.clock import Clock
from nofx_cli.ports.workers import Registration, WorkerInfo
from nofx_cli.worker.attempts import Attempts
from nofx_cli.worker.tally import Tally

_PAUSE_MS = 100
_AGAIN_MS = 5_000
_MOST = 20


class OwnRecord:
    """Keeps the record true: soon, but not many times a second; and now and then, for it may have been deleted."""

    def __init__(self, registration: Registration, attempts: Attempts, tally: Tally, clock: Clock) -> None:
        self._registration, self._attempts, self._tally, self._clock = registration, attempts, tally, clock
        self._told = WorkerInfo(registration.id, 0, "")
        self._told_ms = 0.0
        self._is_behind = False

    def tell(self, *, stopping: bool) -> None:
        """Write what is so now, unless that was done just before; then it is due in a moment."""
        now = WorkerInfo(
            self._registration.id,
            0,
            "",
            doing=tuple(f"{run}/{step}/{attempt}" for run, step, attempt in self._attempts.running()[:_MOST]),
            steps=self._tally.steps,
            runs=self._tally.runs,
            last_minute=self._tally.last_minute(),
            stopping=stopping,
        )
        now_ms = self._clock.monotonic_ms()
        since_ms = now_ms - self._told_ms
        self._is_behind = now != self._told
        if (self._is_behind and since_ms >= _PAUSE_MS) or since_ms >= _AGAIN_MS:
            self._told, self._told_ms, self._is_behind = now, now_ms, False
            self._registration.tell(now)

    def due_ms(self) -> float | None:
        """In how many milliseconds there is something to tell; None where nothing is."""
        return max(self._told_ms + _PAUSE_MS - self._clock.monotonic_ms(), 0) if self._is_behind else None
