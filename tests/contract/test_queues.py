"""Every driver of `Queue` under the one contract."""

from pathlib import Path

from nofx_cli.clock import Clock
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.memory.queue import MemoryQueue
from nofx_cli.ports.queue import Queue
from nofx_cli.testing.queue import QueueContract, SharedQueueContract


def open_files(place: Path, clock: Clock) -> Queue:
    return FileQueue(Layout(place, sync=False), clock)


def open_short_files(place: Path, clock: Clock) -> Queue:
    return FileQueue(Layout(place, sync=False), clock, spare_lines=0)


def open_memory(place: Path, clock: Clock) -> Queue:
    return MemoryQueue(clock)


class TestFiles(SharedQueueContract):
    open_queue = staticmethod(open_files)


class TestFilesWrittenAnewAllTheTime(SharedQueueContract):
    open_queue = staticmethod(open_short_files)
    jobs_of_twenty = 1_000


class TestMemory(QueueContract):
    open_queue = staticmethod(open_memory)
