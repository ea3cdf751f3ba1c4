"""Who executes a run, among the threads of one process."""

import threading
from types import TracebackType
from typing import Self

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.liveness import Holder


class MemoryHold:
    """A run that is held until `release`."""

    def __init__(self, held: dict[RunId, Holder], run: RunId) -> None:
        self._held: dict[RunId, Holder] | None = held
        self._run = run

    def release(self) -> None:
        if self._held is not None:
            self._held.pop(self._run, None)
            self._held = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class MemoryLiveness:
    """Holds in memory."""

    def __init__(self, me: Holder) -> None:
        self._me = me
        self._lock = threading.Lock()
        self._held: dict[RunId, Holder] = {}
        self._last: dict[RunId, Holder] = {}

    def hold(self, run: RunId) -> MemoryHold:
        with self._lock:
            if run in self._held:
                raise errors.Conflict(
                    f"run {run} is executed by process {self._me.pid} on {self._me.host}",
                    code="run-is-held",
                    context={"run": run, "pid": self._me.pid, "host": self._me.host},
                )
            self._held[run] = self._last[run] = self._me
            return MemoryHold(self._held, run)

    def holder(self, run: RunId) -> Holder | None:
        return self._held.get(run)

    def previous(self, run: RunId) -> Holder | None:
        return self._last.get(run)
