"""The gate of a store: closed while its content is exchanged, so that nobody starts to work there meanwhile.

    (none) ──close──▶ preparing ──commit──▶ swapping ──open──▶ (none)

It is the file `restoring`. Who closes it holds a lock on it, which the kernel frees however the process dies. What
becomes of a gate whose process is gone:

- `preparing`: nothing was exchanged yet, and the gate does not count. What is left is taken away by the next restore,
  and by `nofx doctor --repair`.
- `swapping`: the exchange has begun, and nobody may use the store until it has come to its end (`backup.swap`).

Whoever wants to execute a run, or to work, looks at the gate once more when it has its own lock. So either it sees that
the gate is closed, or whoever closed it sees its lock.
"""

import json
import os
from pathlib import Path

from nofx_cli import errors
from nofx_cli.drivers.filesystem.flock import free, is_locked, try_lock_for

GATE = "restoring"
_PREPARING, _SWAPPING = "preparing", "swapping"
_PATIENCE_SECONDS = 1.0
_MOST = 512


class Gate:
    """The closed gate of a store; `open` lets others in again.

    Attributes:
        is_cut_off: an earlier restore began to exchange the content, and died.
        is_committed: this one has begun to.
    """

    def __init__(self, root: Path, *, sync: bool) -> None:
        """Close it.

        Raises:
            errors.StoreFailure: another process has closed it (code `store-being-restored`).
            OSError: the store cannot be written.
        """
        self._root, self._sync, self._fd = root, sync, -1
        while self._fd < 0 or not self._has_its_name():
            if self._fd >= 0:
                free(self._fd)
            self._fd = os.open(root / GATE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
            if not try_lock_for(self._fd, seconds=_PATIENCE_SECONDS):
                os.close(self._fd)
                raise _being_restored(root)
        self.is_committed = False
        self.is_cut_off = _phase(self._fd) == _SWAPPING
        if not self.is_cut_off:
            self._write(_PREPARING)

    def commit(self) -> None:
        """From now on the exchange goes on to its end, whoever brings it there. Durable when this returns."""
        self.is_committed = True
        self._write(_SWAPPING)

    def open(self) -> None:
        """Take the gate away; durable when this returns."""
        os.unlink(self._root / GATE)
        self._sync_folder()
        self.leave()

    def leave(self) -> None:
        """Let go of it as it is."""
        if self._fd >= 0:
            free(self._fd)
            self._fd = -1

    def _write(self, phase: str) -> None:
        text = json.dumps({"v": 1, "phase": phase, "pid": os.getpid()}) + "\n"
        os.pwrite(self._fd, text.encode().ljust(_MOST), 0)
        if self._sync:
            os.fsync(self._fd)
        self._sync_folder()

    def _sync_folder(self) -> None:
        if self._sync:
            fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def _has_its_name(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._root / GATE), os.fstat(self._fd))
        except FileNotFoundError:
            return False


def check_gate(root: Path) -> None:
    """See that the store may be used.

    Raises:
        errors.StoreFailure: its content is being exchanged (code `store-being-restored`), or the process that did that
            died in the middle (code `restore-cut-off`).
    """
    try:
        fd = os.open(root / GATE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        phase, locked = _phase(fd), is_locked(fd)
    finally:
        os.close(fd)
    if locked:
        raise _being_restored(root)
    if phase == _SWAPPING:
        raise errors.StoreFailure(
            f"a restore of the store {root} was cut off in the middle",
            code="restore-cut-off",
            hint="bring it to its end: nofx doctor --repair",
        )


def is_left(root: Path) -> bool:
    """Whether there is a gate that nobody holds."""
    try:
        fd = os.open(root / GATE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not is_locked(fd)
    finally:
        os.close(fd)


def _phase(fd: int) -> str:
    try:
        return str(json.loads(os.pread(fd, _MOST, 0))["phase"])
    except (ValueError, KeyError, TypeError):
        return ""


def _being_restored(root: Path) -> errors.StoreFailure:
    return errors.StoreFailure(
        f"the store {root} is being restored from a backup right now",
        code="store-being-restored",
        hint="try again when that is done",
    )
