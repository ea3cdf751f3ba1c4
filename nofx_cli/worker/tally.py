"""What a worker has done, for its record."""

from collections import deque
from collections.abc import Iterable

from nofx_cli.clock import Clock
from nofx_cli.domain import events as ev

_WINDOW_MS = 60_000
_ATTEMPT_ENDS = (ev.StepFinished, ev.StepRetryScheduled)


class Tally:
    """Counts attempts and runs that came to their end; the last minute by the second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds: deque[tuple[int, int]] = deque()
        self.steps = self.runs = 0

    def add(self, events: Iterable[ev.Event]) -> None:
        """Count what these events, appended by this worker, brought to an end."""
        ended = 0
        for event in events:
            if isinstance(event.payload, _ATTEMPT_ENDS) and event.attempt:
                ended += 1
            elif event.type in ev.TERMINAL_TYPES:
                self.runs += 1
        if not ended:
            return
        self.steps += ended
        second = int(self._clock.monotonic_ms() // 1000)
        if self._seconds and self._seconds[-1][0] == second:
            ended += self._seconds.pop()[1]
        self._seconds.append((second, ended))

    def last_minute(self) -> int:
        """How many attempts came to their end in the last minute."""
        since = (self._clock.monotonic_ms() - _WINDOW_MS) // 1000
        while self._seconds and self._seconds[0][0] < since:
            self._seconds.popleft()
        return sum(ended for _, ended in self._seconds)
