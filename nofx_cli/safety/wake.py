"""A pipe to wake a thread that waits for files."""

import os
from contextlib import suppress


class Wake:
    """Woken from any thread, at any time, also long after it was of use: its pipe lives as long as it does."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._write, False)

    def __del__(self) -> None:
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
