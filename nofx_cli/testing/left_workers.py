"""End the workers that a test has left behind."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from nofx_cli.clock import SystemClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.workers import Standing


def end_workers(store: Path) -> list[WorkerId]:
    """End the workers of a store that live in other processes, and wait until they are gone; returns their ids."""
    workers = FileWorkers(Layout(store), SystemClock())
    living = [seen.info for seen in workers.seen() if seen.standing is Standing.ALIVE]
    left = [info for info in living if info.pid != os.getpid()]
    for info in left:
        with suppress(ProcessLookupError):
            os.kill(info.pid, signal.SIGKILL)
        workers.wait_until_gone(info.id, timeout_ms=10_000)
    return [info.id for info in left]
