"""The workers of a store, as threads of one process. A test says which of them die, or are on another host."""

import os
import threading
from collections.abc import Sequence

from nofx_cli import __version__, errors
from nofx_cli.clock import Clock, format_at
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.until_released import UntilReleased
from nofx_cli.ports.workers import SeenWorker, Standing, WorkerInfo

_HERE = "here"


class MemoryRegistration(UntilReleased):
    """A worker that lives until `release`, or until a test lets it die."""

    def __init__(self, workers: "MemoryWorkers", worker: WorkerId) -> None:
        self._workers = workers
        self.id = worker

    def tell(self, info: WorkerInfo) -> None:
        self._workers.told(self.id, info)

    def wait_for_ring(self, *, timeout_ms: float) -> bool:
        return self._workers.wait_for_ring(self.id, timeout_ms=timeout_ms)

    def release(self) -> None:
        self._workers.forget(self.id)


class MemoryWorkers:
    """Workers in memory, named `w-here-1`, `w-here-2`, …"""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._count = 0
        self._infos: dict[WorkerId, WorkerInfo] = {}
        self._standings: dict[WorkerId, Standing] = {}
        self._rung: set[WorkerId] = set()

    def register(self, *, concurrency: int, log: str = "") -> MemoryRegistration:
        at = format_at(self._clock.now_us())
        with self._changed:
            self._count += 1
            worker = WorkerId(f"w-{_HERE}-{self._count}")
            self._infos[worker] = WorkerInfo(
                worker, os.getpid(), _HERE, since=at, concurrency=concurrency, nofx=__version__, log=log, at=at
            )
            self._standings[worker] = Standing.ALIVE
        return MemoryRegistration(self, worker)

    def standing(self, worker: WorkerId) -> Standing:
        return self._standings.get(worker, Standing.GONE)

    def seen(self) -> Sequence[SeenWorker]:
        with self._changed:
            return [SeenWorker(info, self._standings[worker]) for worker, info in self._infos.items()]

    def any_alive(self) -> bool:
        return any(one.standing is Standing.ALIVE and not one.info.stopping for one in self.seen())

    def wait_until_gone(self, worker: WorkerId, *, timeout_ms: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: self.standing(worker) is not Standing.ALIVE, None if timeout_ms is None else timeout_ms / 1000
            )

    def ring(self) -> None:
        with self._changed:
            self._rung.update(worker for worker in self._infos if self.standing(worker) is Standing.ALIVE)
            self._changed.notify_all()

    def declare_gone(self, worker: WorkerId) -> None:
        with self._changed:
            if worker not in self._infos:
                raise errors.NotFound(
                    f"there is no worker {worker}", code="worker-not-found", hint="nofx worker status"
                )
            if self.standing(worker) is Standing.ALIVE:
                raise errors.Conflict(f"worker {worker} is alive", code="worker-alive", hint="nofx worker stop")
            self._set(worker, Standing.GONE)

    def clear(self, worker: WorkerId) -> None:
        with self._changed:
            if self.standing(worker) is Standing.GONE:
                self._infos.pop(worker, None)
                self._standings.pop(worker, None)

    def die(self, worker: WorkerId) -> None:
        """Let a worker be killed: it is GONE, and its record stays."""
        with self._changed:
            self._set(worker, Standing.GONE)

    def move_away(self, worker: WorkerId) -> None:
        """Let a worker be one of another host, of which nobody here knows whether it lives."""
        with self._changed:
            self._set(worker, Standing.ELSEWHERE)

    def told(self, worker: WorkerId, info: WorkerInfo) -> None:
        """Keep what a living worker says of itself."""
        with self._changed:
            if self.standing(worker) is Standing.ALIVE:
                at = format_at(self._clock.now_us())
                self._infos[worker] = info.as_of(self._infos[worker], at=at)

    def forget(self, worker: WorkerId) -> None:
        """Take a living worker out that leaves."""
        with self._changed:
            if self.standing(worker) is Standing.ALIVE:
                del self._infos[worker], self._standings[worker]
                self._changed.notify_all()

    def wait_for_ring(self, worker: WorkerId, *, timeout_ms: float) -> bool:
        """Wait for a ring of this worker; False when the time is over or the worker has left."""
        with self._changed:
            self._changed.wait_for(lambda: worker in self._rung or worker not in self._infos, max(timeout_ms, 0) / 1000)
            rung = worker in self._rung
            self._rung.discard(worker)
            return rung

    def _set(self, worker: WorkerId, standing: Standing) -> None:
        self._standings[worker] = standing
        self._changed.notify_all()
