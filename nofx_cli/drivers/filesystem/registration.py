"""A worker of this process: its locked record and its bell, which are made anew when somebody deletes them."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from nofx_cli.clock import Clock, format_at
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.bell import Bell, listen
from nofx_cli.drivers.filesystem.worker_record import LockedRecord, WorkerRecord
from nofx_cli.drivers.until_released import UntilReleased
from nofx_cli.ports.workers import WorkerInfo
from nofx_cli.safety import identity

_released: set[WorkerId] = set()


def released_here(worker: WorkerId) -> bool:
    """Whether it was a worker of this process, which lives on without it."""
    return worker in _released


class FileRegistration(UntilReleased):
    """Alive from its making until `release`. What cannot be made is raised as an OSError, and nothing is left."""

    def __init__(self, folder: Path, info: WorkerInfo, clock: Clock) -> None:
        self.id = info.id
        self._first, self._clock = info, clock
        self._change = threading.Lock()
        self._released = False
        self._bell_path = folder / f"{self.id}.bell"
        self._bell = Bell(self._bell_path)
        try:
            self._record = LockedRecord(folder / f"{self.id}.json", WorkerRecord(info, identity.boot_id()))
        except BaseException:
            self._take_bell_down()
            raise

    def tell(self, info: WorkerInfo) -> None:
        told = info.as_of(self._first, at=format_at(self._clock.now_us()))
        with self._change, suppress(OSError):
            if not self._released:
                self._record.write(WorkerRecord(told, identity.boot_id()))
                if not self._bell.is_there():
                    self._hang_anew()

    def wait_for_ring(self, *, timeout_ms: float) -> bool:
        with self._change:
            if self._released:
                return False
            ear, longest_ms = self._bell.ear(), self._bell.longest_wait_ms
        try:
            return listen(ear, timeout_ms=min(timeout_ms, longest_ms)) and not self._released
        finally:
            os.close(ear)

    def release(self) -> None:
        with self._change:
            if self._released:
                return
            self._released = True
            _released.add(self.id)
            self._record.close()
            self._take_bell_down()

    def _hang_anew(self) -> None:
        """What rang the old one, which nobody finds any more, rings the new one."""
        before, self._bell = self._bell, Bell(self._bell_path)
        self._bell.wake()
        before.close()

    def _take_bell_down(self) -> None:
        with suppress(OSError):
            os.unlink(self._bell_path)
        self._bell.close()
