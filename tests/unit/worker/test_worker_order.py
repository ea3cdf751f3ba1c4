"""What a worker starts next: priority, patience, and room; how many steps of a run and of a worker go on at once."""

import threading
from pathlib import Path

import pytest

from nofx_cli.clock import SystemClock
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.state import RunStatus
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import Rig
from nofx_cli.testing.waiting import wait_until
from tests.unit.worker.stage import PATIENCE, Held, at_once, chain, starts, step, working


def test_of_two_runs_that_wait_the_one_of_higher_priority_goes_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"work": lambda _ctx: Succeeded()})
    order: list[str] = []
    _takes(0, rig, order)
    low, high = rig.enqueue(step("low", tool="work")).run, rig.enqueue(step("high", tool="work"), priority=5).run
    rig.worker(concurrency=1)
    assert order == ["high", "low"]
    assert {rig.reopen(run).state.status for run in (low, high)} == {RunStatus.SUCCEEDED}


def _takes(ms: int, rig: Rig, order: list[str]) -> None:
    """Let every step take its time."""

    def work(ctx: StepContext) -> Outcome:
        order.append(ctx.step)
        rig.clock.advance(ms)  # type: ignore[attr-defined]
        return Succeeded()

    rig.tools["work"].work = work  # type: ignore[attr-defined]


@pytest.mark.parametrize(("priority", "expected"), [(1, "a1 h a2 a3"), (0, "a1 a2 a3 h"), (-1, "a1 a2 a3 h")])
def test_a_run_of_higher_priority_goes_before_the_next_step_of_a_chain(
    tmp_path: Path, priority: int, expected: str
) -> None:
    rig = Rig(tmp_path, tools={"work": lambda _ctx: Succeeded()})
    order: list[str] = []

    def work(ctx: StepContext) -> Outcome:
        order.append(ctx.step)
        if ctx.step == "a1":
            rig.enqueue(step("h", tool="work"), priority=priority)
        return Succeeded()

    rig.tools["work"].work = work  # type: ignore[attr-defined]
    rig.enqueue(*chain("a1", "a2", "a3", tool="work"))
    rig.worker(concurrency=1)
    assert " ".join(order) == expected


def test_a_chain_does_not_starve_another_run(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"work": lambda _ctx: Succeeded()})
    order: list[str] = []
    _takes(600, rig, order)
    rig.enqueue(*chain("a1", "a2", "a3", "a4", "a5", tool="work"))
    rig.enqueue(step("b", tool="work"))
    rig.worker(concurrency=1)
    assert order.index("b") == 2, f"after a second of patience: {order}"
    assert sorted(order) == ["a1", "a2", "a3", "a4", "a5", "b"]


def test_two_chains_take_turns(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"work": lambda _ctx: Succeeded()})
    order: list[str] = []
    _takes(2_000, rig, order)
    rig.enqueue(*chain("a1", "a2", "a3", tool="work"))
    rig.enqueue(*chain("b1", "b2", "b3", tool="work"))
    rig.worker(concurrency=1)
    assert order == ["a1", "b1", "a2", "b2", "a3", "b3"]


class Crowd:
    """A tool whose steps wait until so many of them go on at once; it remembers how many there were."""

    def __init__(self, size: int) -> None:
        self._changed = threading.Condition()
        self._size, self._let = size, 0
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.most_of_all = 0

    def __call__(self, ctx: StepContext) -> Outcome:
        worker = str(getattr(ctx, "worker", ""))
        with self._changed:
            self.now[worker] = self.now.get(worker, 0) + 1
            self.most[worker] = max(self.most.get(worker, 0), self.now[worker])
            self.most_of_all = max(self.most_of_all, sum(self.now.values()))
            if sum(self.now.values()) >= self._size:
                self._let += self._size
                self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._let > 0, PATIENCE), "fewer at once than may be"
            self._let -= 1
            self.now[worker] -= 1
        return Succeeded()


def test_the_concurrency_of_a_run_holds_over_two_workers_and_each_workers_own_too(tmp_path: Path) -> None:
    crowd = Crowd(3)
    rig = Rig(tmp_path, tools={"work": crowd}, clock=SystemClock())
    with working(rig, concurrency=2) as one, working(rig, concurrency=2) as other:
        run = rig.enqueue(*(step(f"s{n}", tool="work") for n in range(12)), concurrency=3).run
        assert rig.services.store.wait(run, after_seq=2 + 3 * 12, timeout_ms=PATIENCE * 1000)
    assert rig.types(run)[-1] == "run.succeeded"
    assert crowd.most_of_all == at_once(rig, run) == 3
    assert set(crowd.most) == {one.id, other.id}
    assert max(crowd.most.values()) == 2


def test_the_concurrency_of_a_run_holds_in_a_worker_that_has_nothing_else_to_do(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.enqueue(step("a"), *(step(f"b{n}", "a") for n in range(4)), concurrency=2).run
    rig.worker(concurrency=4)
    assert rig.types(run)[-1] == "run.succeeded"
    assert at_once(rig, run) == 2


def test_a_worker_with_one_slot_runs_one_step_of_many_runs_at_a_time(tmp_path: Path) -> None:
    crowd = Crowd(1)
    rig = Rig(tmp_path, tools={"work": crowd})
    runs = [rig.enqueue(*(step(f"s{n}", tool="work") for n in range(3))).run for _ in range(3)]
    rig.worker(concurrency=1)
    assert crowd.most_of_all == 1
    assert len(starts(rig, *runs)) == 9


def test_what_a_full_worker_cannot_start_is_left_to_the_queue_and_to_another_worker(tmp_path: Path) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": held}, clock=SystemClock())
    with working(rig, concurrency=1) as one:
        run = rig.enqueue(step("a", tool="held"), step("b", tool="held")).run
        held.has_begun()
        (job,) = wait_until(rig.services.queue.waiting, why="the job that it leaves")
        assert job.step == "b"
        with working(rig, concurrency=1) as other:
            held.has_begun(2)
            held.go()
            assert rig.services.store.wait(run, after_seq=7, timeout_ms=PATIENCE * 1000)
    claims = [event.actor.id for event in rig.events(run) if event.type == "step.started"]
    assert claims == [one.id, other.id]
