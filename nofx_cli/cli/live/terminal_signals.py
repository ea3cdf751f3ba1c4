"""What a terminal tells the process that draws on it: Ctrl-Z, that it may go on, and that the size has changed."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class TerminalSignals:
    """Calls `stop` before Ctrl-Z stops this process, `go_on` after it was continued, `resized` when the size changed.

    All of them in the main thread, from `begin` to `end`. Nothing is called where signals cannot be caught (another
    thread), and Ctrl-Z stays ignored where it was.
    """

    def __init__(self, *, stop: Callable[[], None], go_on: Callable[[], None], resized: Callable[[], None]) -> None:
        self._stop, self._go_on, self._resized = stop, go_on, resized
        self._before: dict[int, Any] = {}

    def begin(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        handlers = {signal.SIGWINCH: self._on_resize}
        if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            handlers |= {signal.SIGTSTP: self._on_stop, signal.SIGCONT: self._on_continue}
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}

    def end(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _on_resize(self, number: int, frame: FrameType | None) -> None:
        self._resized()

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)

    def _on_continue(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTSTP, self._on_stop)
        self._go_on()
