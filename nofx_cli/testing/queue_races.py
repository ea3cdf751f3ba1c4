"""The part of the contract for queues that shows when several use one at a time."""

from collections import Counter
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

import pytest

from nofx_cli.clock import ManualClock, SystemClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.ports.queue import Queue
from nofx_cli.testing import child
from nofx_cli.testing.child import Child, listen, say
from nofx_cli.testing.queue_case import ADA, BOB, QueueCase, job, keys, open_elsewhere, steps
from nofx_cli.testing.threads import at_once
from nofx_cli.testing.waiting import wait_until

_THREADS = 8
_JOBS_EACH = 40
_PROCESSES = 20


class QueueRaces(QueueCase):
    """Threads of one process."""

    def test_of_many_who_claim_a_job_one_gets_it(self, queue: Queue, other: Queue) -> None:
        queue.put([job()])
        answers = at_once(
            partial((queue, other)[number % 2].claim, WorkerId(str(number)), limit=1) for number in range(_THREADS)
        )
        assert sorted(len(answer) for answer in answers if isinstance(answer, list)) == [0] * (_THREADS - 1) + [1]

    def test_many_threads_lose_nothing_and_get_nothing_twice(self, queue: Queue, other: Queue) -> None:
        def work(number: int) -> list[str]:
            mine, worker = (queue, other)[number % 2], WorkerId(str(number))
            done: list[str] = []
            for turn in range(_JOBS_EACH):
                mine.put([job(f"{number}.{turn}")])
                done += _claim_and_ack(mine, worker, limit=1 + turn % 3)
            return done

        answers = at_once(partial(work, number) for number in range(_THREADS))
        acked = [step for answer in answers if isinstance(answer, list) for step in answer]
        rest = _claim_and_ack(queue, ADA, limit=_THREADS * _JOBS_EACH)
        assert sorted(acked + rest) == sorted(
            f"{number}.{turn}" for number in range(_THREADS) for turn in range(_JOBS_EACH)
        )
        assert (queue.stats().depth, other.stats().claimed) == (0, 0)

    def test_a_job_that_many_put_is_there_once(self, queue: Queue, other: Queue) -> None:
        at_once(partial((queue, other)[number % 2].put, [job("a"), job("b")]) for number in range(_THREADS))
        assert steps(queue.waiting()) == ["a", "b"]

    def test_of_many_who_take_from_a_worker_one_gets_each_job(self, queue: Queue, other: Queue) -> None:
        queue.put([job("a"), job("b")])
        queue.claim(ADA, limit=2)
        at_once(partial((queue, other)[number % 2].take_from, ADA, "gone") for number in range(_THREADS))
        assert [(each.step, each.failures) for each in queue.waiting()] == [("a", 1), ("b", 1)]


class QueueRacesOfProcesses(QueueCase):
    """Several processes on one queue."""

    processes = True
    jobs_of_twenty: ClassVar[int] = 10_000

    @pytest.fixture
    def elsewhere(self, place: Path) -> tuple[str, str]:
        """What a child needs to open the same queue."""
        return child.name_of(self.open_queue), str(place)

    def test_twenty_processes_lose_nothing_and_ack_nothing_twice(self, place: Path, elsewhere: tuple[str, str]) -> None:
        with ExitStack() as stack:
            workers = [
                stack.enter_context(Child(work_elsewhere, *elsewhere, str(number), str(self.jobs_of_twenty)))
                for number in range(_PROCESSES)
            ]
            for worker in workers:
                assert worker.hear() == "ready"
            for worker in workers:
                worker.tell("go")
            acked = Counter(key for worker in workers for key in worker.hear().split())
        assert len(acked) == self.jobs_of_twenty
        assert set(acked.values()) == {1}
        stats = self.open_queue(place, SystemClock()).stats()
        assert (stats.depth, stats.claimed, stats.dead, stats.damaged) == (0, 0, 0, 0)

    def test_a_job_put_by_another_process_is_seen(self, queue: Queue, elsewhere: tuple[str, str]) -> None:
        with Child(put_elsewhere, *elsewhere):
            wait_until(lambda: queue.stats().depth)
        assert steps(queue.waiting()) == ["from elsewhere"]

    def test_jobs_of_a_worker_that_was_killed_are_taken_from_it(
        self, queue: Queue, clock: ManualClock, elsewhere: tuple[str, str]
    ) -> None:
        queue.put([job("a"), job("b")])
        with Child(claim_elsewhere, *elsewhere) as worker:
            assert worker.hear() == "a b"
            worker.kill()
        assert queue.holders() == [BOB]
        assert queue.claim(ADA, limit=2) == []
        queue.take_from(BOB, "killed")
        assert steps(queue.claim(ADA, limit=2)) == ["a", "b"]


def _claim_and_ack(queue: Queue, worker: WorkerId, *, limit: int) -> list[str]:
    claimed = queue.claim(worker, limit=limit)
    queue.ack(worker, keys(claimed))
    return steps(claimed)


def work_elsewhere(opener: str, place: str, number: str, jobs_of_all: str) -> None:
    """In a child: put its share of the jobs, claim and ack until all of all are done; say what was acked."""
    queue, worker = open_elsewhere(opener, place), WorkerId(number)
    share = (job(f"{number}.{turn}") for turn in range(int(jobs_of_all) // _PROCESSES))
    say("ready")
    listen()
    acked: list[str] = []
    while more := list(islice(share, 25)):
        queue.put(more)
        acked += _claim_and_ack(queue, worker, limit=10)
    while queue.stats().depth:
        acked += _claim_and_ack(queue, worker, limit=10)
    say(" ".join(acked))


def put_elsewhere(opener: str, place: str) -> None:
    """In a child: put a job."""
    open_elsewhere(opener, place).put([job("from elsewhere")])


def claim_elsewhere(opener: str, place: str) -> None:
    """In a child: claim two jobs, and wait to be killed."""
    say(" ".join(steps(open_elsewhere(opener, place).claim(BOB, limit=2))))
    listen()
