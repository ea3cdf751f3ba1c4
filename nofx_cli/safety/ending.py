"""End processes: TERM to each, KILL to those that are left when their grace is over, until none is left."""

from collections.abc import Callable, Sequence
from signal import SIGKILL, SIGTERM

from nofx_cli.clock import SystemClock
from nofx_cli.safety.process_table import Process, send

GIVE_UP_MS = 5_000
"""How long after KILL a process that does not go (another user's, or stuck in the kernel) is waited for."""
_LONGEST_PAUSE_MS = 50.0

REAL_TIME = SystemClock()
"""Children live in real time, whatever clock the engine is tested with; only their grace and limits need it."""


def end_all(
    living: Callable[[], Sequence[Process]], *, kill_at_ms: Callable[[], float], pause: Callable[[float], object]
) -> int:
    """End all that `living` tells, as often as it still tells any. Returns how many processes it told in all.

    Args:
        living: looks anew, since processes start others while they are ended.
        kill_at_ms: when the grace is over, on `REAL_TIME`; it may come nearer.
        pause: waits so many milliseconds, or until there is something to see.
    """
    told: set[tuple[int, str]] = set()
    give_up_ms = float("inf")
    pause_ms = 1.0
    while (left := living()) and REAL_TIME.monotonic_ms() < give_up_ms:
        now_ms = REAL_TIME.monotonic_ms()
        kills = now_ms >= kill_at_ms()
        for process in left:
            name = (process.pid, process.started)
            if kills:
                send(process, SIGKILL)
            elif name not in told:
                send(process, SIGTERM)
            told.add(name)
        if kills:
            give_up_ms = min(give_up_ms, now_ms + GIVE_UP_MS)
        pause(pause_ms)
        pause_ms = min(pause_ms * 2, _LONGEST_PAUSE_MS)
    return len(told)


def rest(ms: float) -> None:
    """Wait so long, when there is nothing that could tell of what is waited for."""
    REAL_TIME.sleep(ms)
