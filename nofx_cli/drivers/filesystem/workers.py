"""Workers as files: `workers/<id>.json` is locked for as long as its worker lives, `<id>.bell` wakes it.

States of a worker and what they rest on:

    (none) ──register──▶ alive: the lock is held ──release, or death of any kind──▶ gone: the lock is free

The lock is the authority. It is on the inode, so the record is written over in place, never replaced or cut; it comes
to its name when it is locked already, so that nobody meets it unlocked. The process is the witness: where it runs, its
worker is not gone, whatever became of the file. Of another host there is no witness, and a free lock there proves
nothing, unless that "host" has our very boot (another container on this kernel). What a person says of such a worker is
the empty file `<id>.gone`.

Crash points: before the rename a dead worker leaves a `.new` that nobody looks at; afterwards record and bell, until
`clear`. Nothing is synced: no worker outlives the machine.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from nofx_cli import __version__, errors
from nofx_cli.clock import Clock, format_at
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem import bell
from nofx_cli.drivers.filesystem.flock import await_lock, is_locked
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.drivers.filesystem.registration import FileRegistration, released_here
from nofx_cli.drivers.filesystem.worker_record import WorkerRecord, read_record
from nofx_cli.ports.workers import SeenWorker, Standing, WorkerInfo
from nofx_cli.safety import identity

_NOT_REGISTERED = "no worker was started; mend the cause and type it again"
_RECORD, _BELL, _GONE = ".json", ".bell", ".gone"
_LONGEST_PAUSE_MS = 20.0


class FileWorkers:
    """The workers of the store that a layout describes."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout, self._clock = layout, clock
        self._folder = layout.root / "workers"

    def register(self, *, concurrency: int, log: str = "") -> FileRegistration:
        self._layout.prepare()
        worker, at = identity.worker_id(), format_at(self._clock.now_us())
        info = WorkerInfo(
            worker,
            os.getpid(),
            identity.host(),
            since=at,
            concurrency=concurrency,
            nofx=__version__,
            log=log,
            at=at,
        )
        with told(f"a worker cannot be registered in {self._folder}", hint=_NOT_REGISTERED):
            self._folder.mkdir(exist_ok=True)
            registration = FileRegistration(self._folder, info, self._clock)
        try:
            self._layout.check_open()  # whoever restores the store looks for this lock when it has closed the gate
        except BaseException:
            registration.release()
            raise
        return registration

    def standing(self, worker: WorkerId) -> Standing:
        name = identity.parse_worker_id(worker)
        if name is None:
            return Standing.GONE
        if self._is_held(worker):
            return Standing.ALIVE
        if identity.is_of_this_host(name):
            runs = not released_here(worker) and identity.worker_process_runs(worker)
            return Standing.ALIVE if runs else Standing.GONE
        return Standing.GONE if self._is_known_gone(worker) else Standing.ELSEWHERE

    def seen(self) -> Sequence[SeenWorker]:
        found = [self._see(worker) for worker in self._recorded()]
        return sorted(found, key=lambda one: (one.info.since, one.info.id))

    def any_alive(self) -> bool:
        return any(self._takes_work(worker) for worker in self._recorded())

    def wait_until_gone(self, worker: WorkerId, *, timeout_ms: float | None) -> bool:
        deadline = float("inf") if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        if timeout_ms is None:
            self._await_lock(worker)
        pause_ms = 1.0
        while self.standing(worker) is Standing.ALIVE:
            if time.monotonic() >= deadline:
                return False
            time.sleep(pause_ms / 1000)
            pause_ms = min(pause_ms * 2, _LONGEST_PAUSE_MS)
        return True

    def ring(self) -> None:
        bell.ring(self._folder / name for name in self._names() if name.endswith(_BELL))

    def declare_gone(self, worker: WorkerId) -> None:
        standing = self.standing(worker)
        if standing is Standing.ALIVE:
            raise errors.Conflict(f"worker {worker} is alive", code="worker-alive", hint="nofx worker stop")
        if standing is Standing.GONE and worker not in self._recorded():
            raise errors.NotFound(f"there is no worker {worker}", code="worker-not-found", hint="nofx worker status")
        with told(f"worker {worker} cannot be declared gone"):
            self._mark_gone(worker)

    def clear(self, worker: WorkerId) -> None:
        name = identity.parse_worker_id(worker)
        if name is None or self.standing(worker) is not Standing.GONE:
            return
        here = identity.is_of_this_host(name)
        with suppress(OSError):
            if not here:
                self._mark_gone(worker)  # its id alone would not tell
            for ending in (_RECORD, _BELL, *([_GONE] if here else [])):
                with suppress(FileNotFoundError):
                    os.unlink(self._folder / f"{worker}{ending}")

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except OSError:
            return []

    def _recorded(self) -> list[WorkerId]:
        """Those that have a record, or something with the name of one."""
        names = (WorkerId(name.removesuffix(_RECORD)) for name in self._names() if name.endswith(_RECORD))
        return [name for name in names if identity.parse_worker_id(name)]

    @contextmanager
    def _opened(self, worker: WorkerId) -> Iterator[int | None]:
        try:
            fd = os.open(self._folder / f"{worker}{_RECORD}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            yield None
            return
        try:
            yield fd
        finally:
            os.close(fd)

    def _read(self, worker: WorkerId) -> WorkerRecord | None:
        with self._opened(worker) as fd:
            return None if fd is None else read_record(fd, worker)

    def _is_held(self, worker: WorkerId) -> bool:
        with self._opened(worker) as fd:
            return fd is not None and is_locked(fd)

    def _await_lock(self, worker: WorkerId) -> None:
        if identity.parse_worker_id(worker):
            with self._opened(worker) as fd:
                if fd is not None:
                    await_lock(fd)

    def _see(self, worker: WorkerId) -> SeenWorker:
        found, name = self._read(worker), identity.parse_worker_id(worker)
        assert name is not None
        info = found.info if found else WorkerInfo(worker, name.pid, name.host)
        return SeenWorker(info, self.standing(worker))

    def _takes_work(self, worker: WorkerId) -> bool:
        if self.standing(worker) is not Standing.ALIVE:
            return False
        found = self._read(worker)
        return found is None or not found.info.stopping

    def _is_known_gone(self, worker: WorkerId) -> bool:
        """Of a worker of another host: somebody said so, or it ran on this very kernel, whose locks are seen here."""
        if (self._folder / f"{worker}{_GONE}").exists():
            return True
        found = self._read(worker)
        return found is not None and found.boot_id == identity.boot_id()

    def _mark_gone(self, worker: WorkerId) -> None:
        self._folder.mkdir(exist_ok=True)
        (self._folder / f"{worker}{_GONE}").touch()
