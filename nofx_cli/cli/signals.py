"""Signals that ask a process to stop, as messages to the loop that executes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nofx_cli.worker.attempts import Inbox, Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_to(inbox: Inbox) -> Iterator[None]:
    """Signals become messages in the inbox. One that the caller ignores, as `nohup` does, stays ignored."""

    def stop(number: int, _frame: FrameType | None) -> None:
        inbox.put(Stop(signal.Signals(number).name))

    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
