"""What the parts of the contract for queues share: the queue under test, its clock, and jobs for it."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import pytest

from nofx_cli.clock import Clock, ManualClock, SystemClock
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.ports.queue import Job, Queue
from nofx_cli.testing import child

RUN = RunId("20261122-091530-7k3f9q")
OTHER_RUN = RunId("20261122-091531-aaaaaa")
ADA = WorkerId("ada@here.1")
BOB = WorkerId("bob@here.2")
HOUR_MS = 3_600_000


def job(step: str = "notes", *, run: RunId = RUN, attempt: int = 1, priority: int = 0, delay_ms: int = 0) -> Job:
    return Job(run, StepName(step), attempt, priority=priority, delay_ms=delay_ms)


def steps(jobs: Iterable[Job]) -> list[str]:
    """Their steps, by which a test tells its jobs apart."""
    return [each.step for each in jobs]


def keys(jobs: Iterable[Job]) -> list[str]:
    return [each.key for each in jobs]


def drain(queue: Queue, worker: WorkerId = ADA) -> list[str]:
    """The steps of all jobs that are due, in the order they are handed out, one at a time; all are acked."""
    drained = []
    while claimed := queue.claim(worker, limit=1):
        queue.ack(worker, keys(claimed))
        drained += steps(claimed)
    return drained


class QueueCase:
    """The queue under test."""

    processes: ClassVar[bool] = False
    """Whether several openers of one place share one queue."""

    @staticmethod
    def open_queue(place: Path, clock: Clock) -> Queue:
        """Open the queue of the store that lies at a place; a function that a child can import."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "the store"

    @pytest.fixture
    def queue(self, place: Path, clock: ManualClock) -> Queue:
        return self.open_queue(place, clock)

    @pytest.fixture
    def other(self, place: Path, clock: ManualClock, queue: Queue) -> Queue:
        """The same queue as somebody else sees it."""
        return self.open_queue(place, clock) if self.processes else queue


def open_elsewhere(opener: str, place: str) -> Queue:
    """In a child: open the queue, with the real time."""
    queue: Queue = child.find(opener)(Path(place), SystemClock())
    return queue
