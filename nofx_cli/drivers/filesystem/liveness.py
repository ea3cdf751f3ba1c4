"""The right to execute a run, as a flock on `executor.lock` in the run's folder: exclusive, or shared by workers.

The lock is the authority; the file's text only says who held the run alone last.

Only an exclusive lock meets shared ones, so a look (`holder`) takes it for an instant, and so might be mistaken for a
holder. Whoever finds the lock taken therefore looks again while it holds another lock, on the run's folder, under
which all looks happen: then what is in the way is a holder. Where folders cannot be locked, or somebody was stopped
in the middle of a look, it tries again for a moment instead before it believes that somebody lives.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.flock import free, try_lock, try_lock_for, unlock
from nofx_cli.drivers.filesystem.journal_file import not_found
from nofx_cli.drivers.filesystem.layout import LOCK, Layout, told, write_all
from nofx_cli.drivers.filesystem.run_store import PLAN
from nofx_cli.drivers.until_released import UntilReleased
from nofx_cli.ports.liveness import Holder
from nofx_cli.safety import identity

_TURN_SECONDS = 0.1
_LOOKS = 20
_PAUSE_SECONDS = 0.005


class FileHold(UntilReleased):
    """An open, locked file. Closing it, however that comes about, gives the run back.

    Turns are taken with a lock on the run's plan, which nobody else locks.
    """

    _turn_fd = -1

    def __init__(self, fd: int, plan: Path) -> None:
        self._fd, self._plan = fd, plan

    @contextmanager
    def turn(self) -> Iterator[None]:
        has_it = False
        with suppress(OSError):
            if self._turn_fd < 0:
                self._turn_fd = os.open(self._plan, os.O_RDONLY | os.O_CLOEXEC)
            has_it = try_lock_for(self._turn_fd, seconds=_TURN_SECONDS)
        try:
            yield
        finally:
            if has_it:
                unlock(self._turn_fd)

    def release(self) -> None:
        for fd in (self._turn_fd, self._fd):
            if fd >= 0:
                free(fd)
        self._fd = self._turn_fd = -1


class FileLiveness:
    """Locks in the folders of the runs."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def hold(self, run: RunId, *, shared: bool = False) -> FileHold:
        with told(f"run {run} cannot be locked"):
            fd = self._open(run, os.O_RDWR | os.O_CREAT)
        try:
            with told(f"run {run} cannot be locked"):
                held_by = self._take(run, fd, shared=shared)
                if held_by is None and not shared:
                    os.ftruncate(fd, 0)
                    write_all(fd, json.dumps(_as_json(this_process())).encode())
            if held_by is not None:
                raise _is_held(run, held_by)
            self._layout.check_open()  # whoever restores the store looks for this lock when it has closed the gate
        except BaseException:
            free(fd)
            raise
        return FileHold(fd, self._layout.run(run) / PLAN)

    def holder(self, run: RunId) -> Holder | None:
        try:
            fd = self._open(run, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return self._sure(run, lambda: _look(fd))
        finally:
            free(fd)

    def previous(self, run: RunId) -> Holder | None:
        try:
            fd = self._open(run, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return _read(fd)
        finally:
            os.close(fd)

    def _take(self, run: RunId, fd: int, *, shared: bool) -> Holder | None:
        """Take the lock; whoever has it instead."""

        def take() -> Holder | None:
            while not try_lock(fd, shared=shared):
                if found := _look(fd):
                    return found
            return None

        return None if try_lock(fd, shared=shared) else self._sure(run, take)

    def _sure(self, run: RunId, ask: Callable[[], Holder | None]) -> Holder | None:
        """What `ask` finds, when it cannot have been somebody's look."""
        with _only_look(self._layout.run(run)) as alone:
            for _ in range(1 if alone else _LOOKS):
                if (found := ask()) is None or alone:
                    return found
                time.sleep(_PAUSE_SECONDS)
        return found

    def _open(self, run: RunId, flags: int) -> int:
        folder: Path = self._layout.run(run)
        if not folder.is_dir():
            raise not_found(run)
        return os.open(folder / LOCK, flags | os.O_CLOEXEC, 0o644)


_UNKNOWN = Holder(0, "", "", "")
_WORKERS = Holder(0, "", "", "", shared=True)


def this_process() -> Holder:
    """This process, as others will see it."""
    pid = os.getpid()
    return Holder(pid, identity.host(), identity.boot_id(), identity.started(pid), " ".join(sys.argv[1:4]))


def _look(fd: int) -> Holder | None:
    """Whoever has the lock, or looks at it; afterwards this descriptor has no lock."""
    if try_lock(fd):
        found = None
    elif try_lock(fd, shared=True):
        found = _WORKERS
    else:
        return _read(fd) or _UNKNOWN
    unlock(fd)
    return found


@contextmanager
def _only_look(folder: Path) -> Iterator[bool]:
    """Keep other looks at the run away; False where that cannot be."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _lock_soon(fd)
    finally:
        free(fd)


def _lock_soon(fd: int) -> bool:
    with suppress(OSError):
        for _ in range(_LOOKS):
            if try_lock(fd):
                return True
            time.sleep(_PAUSE_SECONDS)
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


def _is_held(run: RunId, holder: Holder) -> errors.Conflict:
    return errors.Conflict(
        f"run {run} is executed by {holder.who}",
        code="run-is-held",
        hint=f"watch it with: nofx timeline {run} --follow, or stop it with: nofx cancel {run}",
        context={"run": run, "pid": holder.pid, "host": holder.host},
    )
