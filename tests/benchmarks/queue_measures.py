"""What the queue on the filesystem costs: for the table of goals of `measures`."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator

from timing import Bench, Figure, microseconds

from nofx_cli.clock import SystemClock
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.ports.queue import Job

WORKER = WorkerId("bench@here.1")
FEW, MANY = 100, 100_000
JOBS_A_ROUND = 500


class Waiting:
    """A queue in which so many jobs wait, and a process that has read it."""

    def __init__(self, bench: Bench, depth: int) -> None:
        self.layout = Layout(bench.folder / f"queue{depth}")
        self._numbers = itertools.count()
        self._queue = FileQueue(self.layout, SystemClock())
        for count in itertools.repeat(FEW, depth // FEW):
            self._queue.put(self.jobs(count))

    def jobs(self, count: int) -> list[Job]:
        return [_job(number) for number in itertools.islice(self._numbers, count)]

    def put(self) -> None:
        self._queue.put(self.jobs(1))

    def claim_and_ack(self) -> None:
        self._queue.ack(WORKER, [job.key for job in self._queue.claim(WORKER, limit=1)])

    def put_in_a_new_process(self) -> None:
        FileQueue(self.layout, SystemClock()).put(self.jobs(1))


def _job(number: int) -> Job:
    return Job(RunId(f"20260101-{number // 1000:06d}-aaa{number % 1000:03d}"), StepName("step"), 1)


def queue_depth(bench: Bench) -> Iterator[Figure]:
    few, many = Waiting(bench, FEW), Waiting(bench, MANY)
    pairs = [(_round(few), _round(many)) for _ in range(bench.pairs + 1)][1:]
    for place, what in enumerate(("enqueue", "claim + ack", "enqueue by who has read nothing")):
        of_many, of_few = (statistics.median(pair[side][place] for pair in pairs) for side in (1, 0))
        ratio = statistics.median(many_round[place] / few_round[place] for few_round, many_round in pairs)
        yield Figure(f"{what}, {MANY:,} waiting / {FEW}", microseconds(of_many), microseconds(of_few), ratio, 1.5)


def _round(waiting: Waiting) -> tuple[float, float, float]:
    """Seconds a job; as many wait afterwards as before, but for the few of the last measurement."""
    return (
        _each(waiting.put, JOBS_A_ROUND),
        _each(waiting.claim_and_ack, JOBS_A_ROUND),
        _each(waiting.put_in_a_new_process, 5),
    )


def _each(call: Callable[[], None], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - began) / count
