"""Ctrl-Z and what follows: the terminal is put right before this process stops, and taken again when it goes on."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class JobControl:
    """Calls `stop` before Ctrl-Z stops this process, and `go_on` after it was continued, both in the main thread.

    Nothing happens where signals cannot be caught (another thread), or where Ctrl-Z is ignored already.
    """

    def __init__(self, *, stop: Callable[[], None], go_on: Callable[[], None]) -> None:
        self._stop, self._go_on = stop, go_on
        self._before: dict[int, Any] = {}

    def begin(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:
            return
        self._before = {
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, self._stopping),
            signal.SIGCONT: signal.signal(signal.SIGCONT, self._continued),
        }

    def end(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _stopping(self, number: int, frame: FrameType | None) -> None:
        self._stop()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)

    def _continued(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTSTP, self._stopping)
        self._go_on()
