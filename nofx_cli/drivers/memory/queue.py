"""The queue in memory, under the same contract as on disk."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from nofx_cli.clock import Clock
from nofx_cli.drivers.jobs import decisions
from nofx_cli.drivers.jobs.decisions import Decision
from nofx_cli.drivers.jobs.queue import FoldedQueue
from nofx_cli.drivers.jobs.state import QueueState
from nofx_cli.ports.queue import Job

T = TypeVar("T")


class MemoryQueue(FoldedQueue):
    """Lives and dies with the process; shared by its threads."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._lock = threading.Lock()
        self._state = QueueState()

    def put(self, jobs: Iterable[Job]) -> None:
        every = tuple(jobs)
        with self._lock:
            now_us = self._clock.now_us()
            for job in every:
                self._state.apply(decisions.put(job, now_us=now_us))

    @contextmanager
    def _looking(self) -> Iterator[QueueState]:
        with self._lock:
            yield self._state

    def _change(self, decide: Callable[[QueueState], Decision[T]]) -> T:
        with self._lock:
            operations, answer = decide(self._state)
            for operation in operations:
                self._state.apply(operation)
            return answer
