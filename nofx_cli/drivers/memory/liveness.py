"""Who executes a run, among the threads of one process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.until_released import UntilReleased
from nofx_cli.ports.liveness import Holder

_TURN_SECONDS = 0.1


class MemoryHold(UntilReleased):
    """A run that is held until `release`."""

    def __init__(self, holders: list[Holder], me: Holder, turn: threading.Lock) -> None:
        self._holders: list[Holder] | None = holders
        self._me, self._turn = me, turn

    @contextmanager
    def turn(self) -> Iterator[None]:
        has_it = self._turn.acquire(timeout=_TURN_SECONDS)
        try:
            yield
        finally:
            if has_it:
                self._turn.release()

    def release(self) -> None:
        if self._holders is not None:
            self._holders.remove(self._me)
            self._holders = None


class MemoryLiveness:
    """Holds in memory."""

    def __init__(self, me: Holder) -> None:
        self._me = me
        self._lock = threading.Lock()
        self._held: dict[RunId, list[Holder]] = {}
        self._last: dict[RunId, Holder] = {}
        self._turns: dict[RunId, threading.Lock] = {}

    def hold(self, run: RunId, *, shared: bool = False) -> MemoryHold:
        with self._lock:
            holders = self._held.setdefault(run, [])
            if holders and not (shared and holders[0].shared):
                raise _is_held(run, holders[0])
            me = _WORKERS if shared else self._me
            holders.append(me)
            if not shared:
                self._last[run] = me
            return MemoryHold(holders, me, self._turns.setdefault(run, threading.Lock()))

    def holder(self, run: RunId) -> Holder | None:
        return next(iter(self._held.get(run, ())), None)

    def previous(self, run: RunId) -> Holder | None:
        return self._last.get(run)


_WORKERS = Holder(0, "", "", "", shared=True)


def _is_held(run: RunId, holder: Holder) -> errors.Conflict:
    return errors.Conflict(
        f"run {run} is executed by {holder.who}",
        code="run-is-held",
        context={"run": run, "pid": holder.pid, "host": holder.host},
    )
