"""The lock of a queue, and the note in its file: when the oldest job became due, for whoever has not read the log.

The note names the log's file and size that it was true for, so one that a crash or a failed write left behind is not
believed. It always has the same size and is written in place, under the lock.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.layout import Layout

_PAUSE_SECONDS = 0.0002
_LONGEST_PAUSE_SECONDS = 0.005
_NONE = -1


class LogMark(NamedTuple):
    """A log of operations as it is at one time."""

    inode: int
    size: int


@record
class Note:
    """When the job became due, or will, that is due first of all that wait; None where none waits."""

    mark: LogMark
    oldest_us: int | None


class QueueLock:
    """Held by one thread of one process at a time; the kernel frees it however the process dies."""

    def __init__(self, layout: Layout, *, timeout_ms: int) -> None:
        self._layout, self._timeout = layout, timeout_ms / 1000
        self._path = str(layout.root / "queue" / "lock")
        self._threads = threading.Lock()

    @contextmanager
    def among_threads(self) -> Iterator[None]:
        """Hold off the other threads of this process.

        Raises:
            errors.StoreFailure: they were busy for longer than the time-out (code `queue-locked`).
        """
        if not self._threads.acquire(timeout=self._timeout):
            raise self._is_locked()
        try:
            yield
        finally:
            self._threads.release()

    @contextmanager
    def among_processes(self) -> Iterator[int]:
        """Hold off everybody else; gives the descriptor of the lock's file. Makes the store where there is none.

        Raises:
            errors.StoreFailure: somebody held it for longer than the time-out (code `queue-locked`).
        """
        fd = self._acquire()
        try:
            yield fd
        finally:
            _let_go(fd)

    def note(self, *, waits: bool) -> Note | None:
        """The note, where there is one that can be read; with `waits`, when nobody changes the queue."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if waits:
                self._lock(fd, time.monotonic() + self._timeout)
            return read_note(fd)
        finally:
            _let_go(fd)

    def _acquire(self) -> int:
        deadline = time.monotonic() + self._timeout
        while True:
            fd = self._open()
            try:
                self._lock(fd, deadline)
                if self._is_in_place(fd):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # it was deleted while we waited; there is another one, or will be

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o644)
        except FileNotFoundError:
            self._layout.prepare()
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            return os.open(self._path, flags, 0o644)

    def _lock(self, fd: int, deadline: float) -> None:
        from filelock import lock_descriptor

        pause = _PAUSE_SECONDS
        while not lock_descriptor(fd, blocking=False):
            if time.monotonic() >= deadline:
                raise self._is_locked()
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _is_in_place(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _is_locked(self) -> errors.StoreFailure:
        return errors.StoreFailure(
            f"the queue was locked by another process for {self._timeout:g} s",
            code="queue-locked",
            hint=f"see which process has {self._path} open, and end it if it hangs",
            context={"path": self._path},
        )


def _let_go(fd: int) -> None:
    """Closing alone does not free the lock while a child that is just being started has a copy of the descriptor."""
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)


def read_note(fd: int) -> Note | None:
    data = os.pread(fd, 64, 0)
    try:
        inode, size, oldest_us = map(int, data.split())
    except ValueError:
        return None
    return Note(LogMark(inode, size), None if oldest_us == _NONE else oldest_us) if data.endswith(b"\n") else None


def write_note(fd: int, note: Note) -> None:
    """Leave the note. Where that fails the old one stays, which nobody believes any more."""
    oldest_us = _NONE if note.oldest_us is None else note.oldest_us
    with suppress(OSError):
        os.pwrite(fd, f"{note.mark.inode:>20} {note.mark.size:>20} {oldest_us:>20}\n".encode("ascii"), 0)
