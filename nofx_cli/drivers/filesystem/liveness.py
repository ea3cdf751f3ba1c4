"""The right to execute a run, as an exclusive flock on `executor.lock` in the run's folder.

The lock is the authority; the file's text only says who. A look at it (`holder`) takes a shared lock for an
instant, so `hold` tries again for a moment before it believes that somebody else lives.
"""

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.journal_file import not_found
from nofx_cli.drivers.filesystem.layout import Layout, told, write_all
from nofx_cli.ports.liveness import Holder
from nofx_cli.safety import identity

LOCK = "executor.lock"
_LOOKS = 20
_PAUSE_SECONDS = 0.005


class FileHold:
    """An open, locked file. Closing it, however that comes about, gives the run back."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class FileLiveness:
    """Locks in the folders of the runs."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def hold(self, run: RunId) -> FileHold:
        with told(f"run {run} cannot be locked"):
            fd = self._open(run, os.O_RDWR | os.O_CREAT)
        try:
            if not _lock(fd):
                raise _is_held(run, _read(fd))
            with told(f"run {run} cannot be locked"):
                os.ftruncate(fd, 0)
                write_all(fd, json.dumps(_as_json(this_process())).encode())
        except BaseException:
            os.close(fd)
            raise
        return FileHold(fd)

    def holder(self, run: RunId) -> Holder | None:
        try:
            fd = self._open(run, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(fd) or _UNKNOWN
        else:
            return None
        finally:
            os.close(fd)

    def previous(self, run: RunId) -> Holder | None:
        try:
            fd = self._open(run, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return _read(fd)
        finally:
            os.close(fd)

    def _open(self, run: RunId, flags: int) -> int:
        folder: Path = self._layout.run(run)
        if not folder.is_dir():
            raise not_found(run)
        return os.open(folder / LOCK, flags | os.O_CLOEXEC, 0o644)


_UNKNOWN = Holder(0, "", "", "")


def this_process() -> Holder:
    """This process, as others will see it."""
    pid = os.getpid()
    return Holder(pid, identity.host(), identity.boot_id(), identity.started(pid), " ".join(sys.argv[1:4]))


def _lock(fd: int) -> bool:
    for look in range(_LOOKS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if look + 1 < _LOOKS:
                time.sleep(_PAUSE_SECONDS)
        else:
            return True
    return False


def _as_json(holder: Holder) -> dict[str, object]:
    return {
        "pid": holder.pid,
        "host": holder.host,
        "boot_id": holder.boot_id,
        "started": holder.started,
        "command": holder.command,
    }


def _read(fd: int) -> Holder | None:
    try:
        found = json.loads(os.pread(fd, 4096, 0))
        return Holder(
            int(found["pid"]), str(found["host"]), str(found["boot_id"]), str(found["started"]), str(found["command"])
        )
    except (ValueError, KeyError, TypeError):
        return None


def _is_held(run: RunId, holder: Holder | None) -> errors.Conflict:
    who = f"process {holder.pid} on {holder.host}" if holder else "another process"
    return errors.Conflict(
        f"run {run} is executed by {who}",
        code="run-is-held",
        hint=f"watch it with: nofx timeline {run} --follow, or stop it with: nofx cancel {run}",
        context={"run": run, "pid": holder.pid if holder else 0, "host": holder.host if holder else ""},
    )
