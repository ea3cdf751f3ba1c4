"""What wakes a worker: a named pipe of its own. Whoever has work writes a byte into each.

The worker keeps its pipe open for reading and writing, so that the pipe never ends and keeps what was written while
nobody waited. A pipe that nobody reads is that of a worker that is gone; to open it for writing fails at once.

Where the file system has no named pipes, or denies one, nobody can ring; then a wait ends early, so that the worker
looks by itself.
"""

import errno
import os
import select
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LONGEST_WAIT_MS = 3_600_000.0
_LONGEST_DEAF_WAIT_MS = 250.0
_CHUNK = 4096
_DENIES_ALL_FILES = (errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Bell:
    """The bell of a worker that lives in this process.

    Attributes:
        longest_wait_ms: after so long a listener had better look by itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fds = _named_pipe(path) or _nameless_pipe()
        self.longest_wait_ms = _LONGEST_WAIT_MS if len(self._fds) == 1 else _LONGEST_DEAF_WAIT_MS

    def is_there(self) -> bool:
        """Whether it can be rung as well as ever: its name leads to it, or it never had one."""
        try:
            return len(self._fds) > 1 or os.path.samestat(os.stat(self._path), os.fstat(self._fds[0]))
        except OSError:
            return False

    def ear(self) -> int:
        """A descriptor for `listen`, to be closed by who asked; it stays good when the bell is closed."""
        return os.dup(self._fds[0])

    def wake(self) -> None:
        """Ring it from inside."""
        with suppress(BlockingIOError):
            os.write(self._fds[-1], b"\0")

    def close(self) -> None:
        """Wake who listens, and ring no more. The name is left to the caller."""
        self.wake()
        for fd in self._fds:
            os.close(fd)


def listen(ear: int, *, timeout_ms: float) -> bool:
    """Wait for a ring, and take all that have come; False when the time is over."""
    poll = select.poll()
    poll.register(ear, select.POLLIN)
    if not poll.poll(max(timeout_ms, 0)):
        return False
    with suppress(BlockingIOError):
        while os.read(ear, _CHUNK):
            pass
    return True


def ring(bells: Iterable[Path]) -> None:
    """Ring each of them that somebody listens to. Never blocks, never fails."""
    for path in bells:
        with suppress(OSError):  # its worker is gone (ENXIO), or the bell; or it rings already (EAGAIN)
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if stat.S_ISFIFO(os.fstat(fd).st_mode):
                    os.write(fd, b"\0")
            finally:
                os.close(fd)


def _named_pipe(path: Path) -> tuple[int] | None:
    with suppress(FileNotFoundError):
        os.unlink(path)
    try:
        os.mkfifo(path)
        return (os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC),)
    except OSError as exc:
        if exc.errno in _DENIES_ALL_FILES:
            raise
        return None


def _nameless_pipe() -> tuple[int, int]:
    ends = os.pipe()
    for fd in ends:
        os.set_blocking(fd, False)
    return ends
