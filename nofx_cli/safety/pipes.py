"""Pipes: to read output from, to be woken by, to be heard through."""

import os
from contextlib import suppress

from nofx_cli import errors


def new_pipe() -> tuple[int, int]:
    """The end to read from, which never blocks, and the end to write to.

    Raises:
        errors.StoreFailure: too many files are open (code `process-not-started`).
    """
    try:
        read, write = os.pipe()
    except OSError as exc:
        raise errors.StoreFailure(
            f"no pipe could be made for a process: {exc.strerror}",
            code="process-not-started",
            hint="lower `concurrency`, or raise the limit of open files; see `ulimit -n`",
        ) from exc
    os.set_blocking(read, False)
    return read, write


class Wake:
    """Wakes a thread that waits for files.

    From any thread, at any time, also long after it was of use: its pipe lives as long as it does.
    """

    def __init__(self) -> None:
        self.fd, self._write = new_pipe()
        os.set_blocking(self._write, False)

    def __del__(self) -> None:
        with suppress(AttributeError):  # there was no pipe to be had
            os.close(self.fd)
            os.close(self._write)

    def wake(self) -> None:
        """Let `fd` be readable."""
        with suppress(BlockingIOError):  # it is full: the thread will wake anyway
            os.write(self._write, b"!")

    def clear(self) -> None:
        """Take in what woke us."""
        with suppress(BlockingIOError):
            os.read(self.fd, 4_096)
