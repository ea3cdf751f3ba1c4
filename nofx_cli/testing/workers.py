"""What every `Workers` must do. A driver is held to it like this, in a module of tests:

def open_files(place: Path) -> Workers:
    ...

class TestFiles(SharedWorkersContract):
    open_workers = staticmethod(open_files)
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from nofx_cli import __version__, errors
from nofx_cli.domain.ids import WorkerId
from nofx_cli.ports.workers import SeenWorker, Standing, WorkerInfo, Workers
from nofx_cli.testing import child
from nofx_cli.testing.child import Child, listen, say
from nofx_cli.testing.threads import at_once

NO_IDS = ["", "alice", "ci", "w-here", "../../etc/passwd", "w-../x-abcdef-1-abcdef-1"]
LONG_MS = 60_000


def of_id(worker: WorkerId, **said: object) -> WorkerInfo:
    """What a worker says of which only what it does is of interest."""
    return WorkerInfo(worker, 0, "", **said)  # type: ignore[arg-type]


class WorkersContract:
    """Register, tell, ring, release."""

    processes: ClassVar[bool] = False
    """Whether several openers of one place see each other's workers."""

    @staticmethod
    def open_workers(place: Path) -> Workers:
        """Open what lies at a place; a function that a child can import."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "the store"

    @pytest.fixture
    def workers(self, place: Path) -> Workers:
        return self.open_workers(place)

    @pytest.fixture
    def other(self, place: Path, workers: Workers) -> Workers:
        """The same as somebody else sees it."""
        return self.open_workers(place) if self.processes else workers

    def test_where_nobody_was_there_is_nobody(self, workers: Workers, place: Path) -> None:
        assert list(workers.seen()) == []
        assert not workers.any_alive()
        workers.ring()
        assert not place.exists()

    def test_a_worker_is_seen_as_it_registered(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=3, log="/var/log/it") as me:
            [seen] = other.seen()
            assert (seen.standing, other.standing(me.id)) == (Standing.ALIVE, Standing.ALIVE)
            assert other.any_alive()
            said = seen.info
            assert (said.id, said.pid, said.concurrency, said.log) == (me.id, os.getpid(), 3, "/var/log/it")
            assert (said.nofx, said.since, said.stopping) == (__version__, said.at, False)
            assert said.host
            assert said.since

    def test_what_it_tells_is_seen_and_what_it_is_stays(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=3) as me:
            [before] = other.seen()
            long = tuple(f"20261122-091530-7k3f9q/step{number}/1" for number in range(20))
            me.tell(of_id(me.id, doing=long, steps=7, runs=2, last_minute=5, at="2026-01-01T00:00:09.000000Z"))
            me.tell(of_id(me.id, doing=("r/s/1",), steps=8))
            [after] = other.seen()
        said = after.info
        assert (said.doing, said.steps, said.runs, said.last_minute) == (("r/s/1",), 8, 0, 0)
        assert said.at
        assert (said.id, said.pid, said.since, said.concurrency) == (
            (me.id, before.info.pid, before.info.since, before.info.concurrency)
        )

    def test_one_that_stops_lives_but_takes_no_work(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=1) as me:
            me.tell(of_id(me.id, stopping=True))
            assert not other.any_alive()
            assert other.standing(me.id) is Standing.ALIVE
            with workers.register(concurrency=1):
                assert other.any_alive()

    def test_a_released_worker_is_gone_and_leaves_nothing(self, workers: Workers, other: Workers) -> None:
        me = workers.register(concurrency=1)
        me.release()
        me.release()
        me.tell(of_id(me.id))
        assert not me.wait_for_ring(timeout_ms=LONG_MS)
        for view in (workers, other):
            assert view.standing(me.id) is Standing.GONE
            assert list(view.seen()) == []
            assert not view.any_alive()

    def test_a_worker_ends_with_its_block_also_when_that_fails(self, workers: Workers) -> None:
        with pytest.raises(ValueError, match="in the block"), workers.register(concurrency=1) as me:
            raise ValueError("in the block")
        assert workers.standing(me.id) is Standing.GONE

    def test_a_process_may_be_several_workers(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=1) as first, workers.register(concurrency=2) as second:
            assert [seen.info.id for seen in other.seen()] == [first.id, second.id]
            first.release()
            assert other.standing(first.id) is Standing.GONE
            assert other.standing(second.id) is Standing.ALIVE

    @pytest.mark.parametrize("text", NO_IDS)
    def test_what_is_no_id_is_gone(self, workers: Workers, text: str) -> None:
        worker = WorkerId(text)
        assert workers.standing(worker) is Standing.GONE
        assert workers.wait_until_gone(worker, timeout_ms=None)
        workers.clear(worker)
        with pytest.raises(errors.NotFound) as refused:
            workers.declare_gone(worker)
        assert refused.value.code == "worker-not-found"

    def test_a_ring_wakes_all(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=1) as first, workers.register(concurrency=1) as second:
            calls: list[Callable[[], object]] = [
                partial(first.wait_for_ring, timeout_ms=LONG_MS),
                partial(second.wait_for_ring, timeout_ms=LONG_MS),
                other.ring,
            ]
            assert at_once(calls) == [True, True, None]

    def test_a_ring_before_the_wait_is_not_lost(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=1) as me:
            other.ring()
            assert me.wait_for_ring(timeout_ms=LONG_MS)
            assert not me.wait_for_ring(timeout_ms=0)

    def test_many_rings_are_one(self, workers: Workers) -> None:
        with workers.register(concurrency=1) as me:
            for _ in range(100):
                workers.ring()
            assert me.wait_for_ring(timeout_ms=LONG_MS)
            assert not me.wait_for_ring(timeout_ms=0)

    def test_a_wait_without_a_ring_ends_by_time(self, workers: Workers) -> None:
        with workers.register(concurrency=1) as me:
            assert not me.wait_for_ring(timeout_ms=1)

    def test_a_release_ends_the_wait_of_another_thread(self, workers: Workers) -> None:
        me = workers.register(concurrency=1)
        answers: list[bool] = []
        waiting = threading.Thread(target=lambda: answers.append(me.wait_for_ring(timeout_ms=LONG_MS)), daemon=True)
        waiting.start()
        me.release()
        waiting.join(30)
        assert answers == [False]

    def test_to_wait_for_a_living_worker_ends_by_time(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=1) as me:
            assert not other.wait_until_gone(me.id, timeout_ms=1)
            assert other.standing(me.id) is Standing.ALIVE

    @pytest.mark.parametrize("timeout_ms", [None, LONG_MS])
    def test_who_waits_for_its_end_wakes_by_it(self, workers: Workers, other: Workers, timeout_ms: float) -> None:
        me = workers.register(concurrency=1)
        wait: Callable[[], object] = partial(other.wait_until_gone, me.id, timeout_ms=timeout_ms)
        assert at_once([wait, wait, me.release]) == [True, True, None]
        assert other.wait_until_gone(me.id, timeout_ms=0)

    def test_nobody_says_of_a_living_worker_that_it_is_gone(self, workers: Workers, other: Workers) -> None:
        with workers.register(concurrency=1) as me:
            other.clear(me.id)
            with pytest.raises(errors.Conflict) as refused:
                other.declare_gone(me.id)
            assert refused.value.code == "worker-alive"
            assert [seen.standing for seen in other.seen()] == [Standing.ALIVE]

    def test_to_look_disturbs_nobody(self, workers: Workers, other: Workers) -> None:
        known: list[WorkerId] = []

        def come_and_go() -> None:
            for _ in range(50):
                with workers.register(concurrency=1) as me:
                    known.append(me.id)
                    me.tell(of_id(me.id))
                    assert workers.standing(me.id) is Standing.ALIVE

        def look() -> None:
            for _ in range(100):
                other.any_alive()
                for worker in [*known[-3:], *(seen.info.id for seen in other.seen())]:
                    other.clear(worker) if other.standing(worker) is Standing.GONE else other.ring()

        assert at_once([come_and_go, come_and_go, look, look]) == [None] * 4
        assert list(other.seen()) == []


class SharedWorkersContract(WorkersContract):
    """The same among processes, as the operating system sees them live and die."""

    processes = True

    @pytest.fixture
    def working(self, place: Path) -> Iterator[Child]:
        """A child that is a worker, and does what it is told."""
        with Child(work_elsewhere, child.name_of(self.open_workers), str(place)) as worker:
            assert worker.hear() == "registered"
            yield worker

    @pytest.fixture
    def it(self, working: Child, workers: Workers) -> SeenWorker:
        """The child as it is seen."""
        [seen] = workers.seen()
        assert seen.info.pid == working.pid
        return seen

    def test_a_worker_of_another_process_is_seen(self, workers: Workers, it: SeenWorker) -> None:
        assert it.standing is Standing.ALIVE
        assert workers.any_alive()

    def test_one_that_was_killed_is_gone_at_once(self, workers: Workers, working: Child, it: SeenWorker) -> None:
        working.kill()
        assert workers.standing(it.info.id) is Standing.GONE
        assert list(workers.seen()) == [SeenWorker(it.info, Standing.GONE)]
        assert not workers.any_alive()

    @pytest.mark.parametrize("timeout_ms", [None, LONG_MS])
    def test_its_death_wakes_who_waits(
        self, workers: Workers, working: Child, it: SeenWorker, timeout_ms: float
    ) -> None:
        wait: Callable[[], object] = partial(workers.wait_until_gone, it.info.id, timeout_ms=timeout_ms)
        assert at_once([wait, wait, working.kill]) == [True, True, None]

    def test_one_that_is_paused_lives(self, workers: Workers, working: Child, it: SeenWorker) -> None:
        os.kill(working.pid, signal.SIGSTOP)
        assert not workers.wait_until_gone(it.info.id, timeout_ms=1)
        workers.ring()
        os.kill(working.pid, signal.SIGCONT)

    def test_its_children_do_not_keep_it_alive(self, workers: Workers, working: Child, it: SeenWorker) -> None:
        working.tell("start a child")
        orphan = int(working.hear())
        try:
            working.kill()
            assert workers.standing(it.info.id) is Standing.GONE
        finally:
            os.kill(orphan, signal.SIGKILL)

    def test_a_ring_reaches_it(self, workers: Workers, working: Child, it: SeenWorker) -> None:
        working.tell("wait")
        assert working.hear() == "waiting"
        workers.ring()
        assert working.hear() == "True"

    def test_the_bell_of_a_dead_one_does_no_harm(self, workers: Workers, working: Child, it: SeenWorker) -> None:
        working.kill()
        with workers.register(concurrency=1) as me:
            workers.ring()
            assert me.wait_for_ring(timeout_ms=LONG_MS)

    def test_one_that_released_is_gone_when_its_process_is(
        self, workers: Workers, working: Child, it: SeenWorker
    ) -> None:
        working.tell("release")
        assert working.hear() == "released"
        assert list(workers.seen()) == []
        assert working.end() == 0
        assert workers.wait_until_gone(it.info.id, timeout_ms=0)

    def test_what_a_dead_one_left_can_be_cleared(self, workers: Workers, working: Child, it: SeenWorker) -> None:
        working.kill()
        with workers.register(concurrency=1) as me:
            for _ in range(2):
                workers.clear(it.info.id)
            assert [seen.info.id for seen in workers.seen()] == [me.id]
        assert workers.standing(it.info.id) is Standing.GONE

    def test_of_one_that_is_known_to_be_dead_a_person_may_say_so(
        self, workers: Workers, other: Workers, working: Child, it: SeenWorker
    ) -> None:
        working.kill()
        workers.declare_gone(it.info.id)
        assert other.standing(it.info.id) is Standing.GONE


def work_elsewhere(opener: str, place: str) -> None:
    """In a child: be a worker, and do what the parent tells."""
    workers: Workers = child.find(opener)(Path(place))
    me = workers.register(concurrency=2)
    say("registered")
    while order := listen():
        match order:
            case "wait":
                say("waiting")
                say(str(me.wait_for_ring(timeout_ms=LONG_MS)))
            case "tell":
                me.tell(of_id(me.id, steps=1))
                say("told")
            case "release":
                me.release()
                say("released")
            case _:
                sleeper = subprocess.Popen(
                    [sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL
                )
                say(str(sleeper.pid))
