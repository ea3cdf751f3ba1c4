"""The keyboard of a terminal, key by key, and what has to be put right around it.

While it is taken the terminal neither echoes nor waits for Enter; Ctrl-C and Ctrl-Z stay signals. It is given back
on `give_back`, before this process is stopped by Ctrl-Z, and never touched while another job has the terminal:
to read then, or to change its modes, would stop us.
"""

import os
import select
import termios
from collections.abc import Sequence
from typing import Any

_LOCAL_FLAGS, _CONTROL = 3, 6
_MOST_AT_ONCE = 1024
_NAMED = {
    "\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\x15": "clear", "\x1b": "escape",
    "\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down",
}  # fmt: skip


def is_foreground(fd: int) -> bool:
    """Whether this process may use a terminal: it is in the foreground there, or it controls no jobs of ours."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return True


def readable(fds: Sequence[int], *, timeout_ms: float) -> set[int]:
    """Those that have something to read, or were hung up; waits for the first. Descriptors may be of any number."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(timeout_ms)}


class Keyboard:
    """A terminal to read keys from. Not for use by several threads at a time."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._is_gone = False
        self._before: list[Any] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether keys may come: it is taken, and nobody hung up."""
        return self._before is not None and not self._is_gone

    def take(self) -> None:
        """Read key by key from now on, where the terminal is ours."""
        if self._before is not None or not is_foreground(self.fd):
            return
        before = termios.tcgetattr(self.fd)
        modes = [*before[:_CONTROL], list(before[_CONTROL])]
        modes[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON)
        modes[_CONTROL][termios.VMIN], modes[_CONTROL][termios.VTIME] = 1, 0
        termios.tcsetattr(self.fd, termios.TCSADRAIN, modes)
        self._before = before

    def give_back(self) -> None:
        """Put the terminal's modes back as they were; may be called at any time, also twice."""
        if self._before is None:
            return
        before, self._before = self._before, None
        if is_foreground(self.fd):
            termios.tcsetattr(self.fd, termios.TCSADRAIN, before)

    def forget(self) -> None:
        """Drop what was typed before now."""
        if self.is_ready and is_foreground(self.fd):
            termios.tcflush(self.fd, termios.TCIFLUSH)

    def read(self) -> list[str]:
        """What was typed: names of keys, or single characters. Empty when nothing was, and for ever after a hang-up."""
        if not self.is_ready or not is_foreground(self.fd) or not readable([self.fd], timeout_ms=0):
            return []
        try:
            typed = os.read(self.fd, _MOST_AT_ONCE)
        except OSError:
            typed = b""
        self._is_gone = not typed
        return keys_of(typed.decode("utf-8", "ignore"))


def keys_of(text: str) -> list[str]:
    """Take typed text apart. Sequences that mean nothing here become one key named `other`."""
    keys = []
    while text:
        key, text = _first(text)
        keys.append(_NAMED.get(key) or (key if key.isprintable() else "other"))
    return keys


def _first(text: str) -> tuple[str, str]:
    """The first key and what follows it: a sequence is ESC, `[` or `O`, and all up to a letter or `~`."""
    if text[:2] not in ("\x1b[", "\x1bO"):
        return text[0], text[1:]
    end = next((at for at, sign in enumerate(text[2:], 2) if "@" <= sign <= "~"), len(text) - 1)
    return text[: end + 1], text[end + 1 :]
