"""Time, behind one door: nothing else in nofx asks the operating system what time it is or waits.

A wall-clock instant is an `int` of microseconds since the Unix epoch (`at_us`); a span is an `int` of
milliseconds (`_ms`). The text form, used in events, is RFC 3339 in UTC with six decimals and `Z`.
"""

import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

_LONGEST_WAIT_SECONDS = 0.2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Inbox(Generic[T]):
    """Messages to one thread, from other threads and from handlers of signals.

    `queue.SimpleQueue` will not do: before Python 3.13 its `get` with a time limit may wait for ever, where a signal is
    handled meanwhile or the limit is short. `queue.Queue` has a lock that the handler of a signal could wait for.

    The kernel may deliver a signal to any thread, and Python then does not wake the main thread, which is to handle it:
    so a wait is cut into short ones.
    """

    def __init__(self) -> None:
        self._messages: deque[T] = deque()
        self._nothing_new = Lock()
        self._nothing_new.acquire()

    def put(self, message: T) -> None:
        """Add a message behind the others. Never waits."""
        self._messages.append(message)
        with suppress(RuntimeError):  # who waits was told already
            self._nothing_new.release()

    def get(self, timeout: float | None = None) -> T | None:
        """The next message, waited for at most `timeout` seconds (None: for ever); None when time ran out."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._messages:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            wait = _LONGEST_WAIT_SECONDS if left is None else min(left, _LONGEST_WAIT_SECONDS)
            if not self._nothing_new.acquire(timeout=wait) and not self._messages and left == wait:
                return None
        return self._messages.popleft()

    def empty(self) -> bool:
        """Whether there is no message now."""
        return not self._messages


class Clock(Protocol):
    """The source of time."""

    def now_us(self) -> int:
        """The wall clock, in microseconds since the epoch. It may jump, also backwards."""
        ...

    def monotonic_ms(self) -> float:
        """Milliseconds since an arbitrary point, never going back."""
        ...

    def receive(self, inbox: Inbox[T], *, timeout_ms: float | None, idle: bool) -> T | None:
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

    def receive(self, inbox: Inbox[T], *, timeout_ms: float | None, idle: bool) -> T | None:
        return inbox.get(None if timeout_ms is None else max(timeout_ms, 0) / 1000)

    def sleep(self, ms: float) -> None:
        """Wait so long; a signal is handled meanwhile, and does not change that."""
        time.sleep(max(ms, 0) / 1000)


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

    def receive(self, inbox: Inbox[T], *, timeout_ms: float | None, idle: bool) -> T | None:
        if timeout_ms is None or not idle:
            return inbox.get()
        message = inbox.get(0)
        if message is None:
            self.advance(max(timeout_ms, 0))
        return message


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
