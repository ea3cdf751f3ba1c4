"""Time, behind one door: nothing else in nofx asks the operating system what time it is or waits.

A wall-clock instant is an `int` of microseconds since the Unix epoch (`at_us`); a span is an `int` of
milliseconds (`_ms`). The text form, used in events, is RFC 3339 in UTC with six decimals and `Z`.
"""

import queue
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """The source of time."""

    def now_us(self) -> int:
        """The wall clock, in microseconds since the epoch. It may jump, also backwards."""
        ...

    def monotonic_ms(self) -> float:
        """Milliseconds since an arbitrary point, never going back."""
        ...

    def receive(self, inbox: "queue.SimpleQueue[T]", *, timeout_ms: float | None, idle: bool) -> T | None:
        """Wait for the next message of `inbox`, at most `timeout_ms` (None: for ever); None when time ran out.

        `idle` says that nothing runs which could put a message in: a manual clock may then
        move its own time forward instead of waiting.
        """
        ...


class SystemClock:
    """The real time."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_ms(self) -> float:
        return time.monotonic() * 1000

    def receive(self, inbox: "queue.SimpleQueue[T]", *, timeout_ms: float | None, idle: bool) -> T | None:
        try:
            return inbox.get(timeout=None if timeout_ms is None else max(timeout_ms, 0) / 1000)
        except queue.Empty:
            return None


class ManualClock:
    """A clock for tests: it stands still until `advance`, or until somebody waits on it while idle."""

    def __init__(self, at: str = "2026-01-01T00:00:00.000000Z") -> None:
        self._start_us = self._now_us = parse_at(at)

    def now_us(self) -> int:
        return self._now_us

    def monotonic_ms(self) -> float:
        return (self._now_us - self._start_us) / 1000

    def advance(self, ms: float) -> None:
        self._now_us += round(ms * 1000)

    def receive(self, inbox: "queue.SimpleQueue[T]", *, timeout_ms: float | None, idle: bool) -> T | None:
        if timeout_ms is None or not idle:
            return inbox.get()
        try:
            return inbox.get_nowait()
        except queue.Empty:
            self.advance(max(timeout_ms, 0))
            return None


def format_at(at_us: int) -> str:
    """Write an instant as RFC 3339 in UTC with microseconds: `2026-11-22T09:15:30.000123Z`."""
    seconds, micros = divmod(at_us, 1_000_000)
    tm = time.gmtime(seconds)
    return (
        f"{tm.tm_year:04d}-{tm.tm_mon:02d}-{tm.tm_mday:02d}"
        f"T{tm.tm_hour:02d}:{tm.tm_min:02d}:{tm.tm_sec:02d}.{micros:06d}Z"
    )


def parse_at(text: str) -> int:
    """Read what `format_at` wrote.

    Raises:
        ValueError: the text is no RFC 3339 instant with an offset.
    """
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return (when - _EPOCH) // timedelta(microseconds=1)
