"""The program on a pseudo-terminal, under a shell that knows Ctrl-Z."""

import os
import re
import struct
import subprocess
import sys
import termios
import threading
from fcntl import ioctl
from typing import Self

from nofx_cli.testing.waiting import wait_until

SHELL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-m", "nofx_cli", *sys.argv[1:]])
while True:
    _, status = os.waitpid(job, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    print("the job was stopped", flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, job)
    os.kill(job, signal.SIGCONT)
"""
_LOCAL_FLAGS = 3


class Watched:
    """`nofx` on a terminal of its own; `seen` is all that it wrote, `code` its exit code."""

    def __init__(self, *words: str, columns: int = 100, lines: int = 30) -> None:
        self._person, self._terminal = os.openpty()
        ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._before = termios.tcgetattr(self._terminal)
        # With Ctrl-Z the kernel drops what is on its way, also what the shell said meanwhile, where it is not told to.
        self._before[_LOCAL_FLAGS] |= termios.NOFLSH
        termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)
        self._seen = bytearray()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SHELL, *words],
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)
        self._reader.join()  # before the number of its file is given to another
        os.close(self._person)

    @property
    def seen(self) -> str:
        """What was written, without colours."""
        return re.sub(r"\x1b\[\d*(?:;\d+)*m", "", self._seen.decode("utf-8", "replace"))

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.seen, timeout=30, why=f"{text!r} on the terminal, not {self.seen[-2000:]!r}")

    def forget(self) -> None:
        self._seen.clear()

    def press(self, keys: str) -> None:
        os.write(self._person, keys.encode())

    def code(self) -> int:
        return self._process.wait(30)

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal's modes are those that it had."""
        return termios.tcgetattr(self._terminal) == self._before

    def _read(self) -> None:
        try:
            while data := os.read(self._person, 65536):
                self._seen += data
        except OSError:
            return  # the terminal was closed
