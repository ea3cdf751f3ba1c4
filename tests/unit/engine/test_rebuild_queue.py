"""The queue made anew from the journals: nothing is missing, nothing is there twice, nobody is disturbed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, RunId, StepName, WorkerId
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Step
from nofx_cli.drivers.memory.queue import MemoryQueue
from nofx_cli.drivers.memory.workers import MemoryWorkers
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.rebuild_queue import RebuiltRun, rebuild_queue, stranded_runs
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import Job
from nofx_cli.testing.rig import Rig

A, B = StepName("a"), StepName("b")
ROOTS = (Step(A, "echo"), Step(B, "echo"))
BEGUN = (ev.RunStarted(), (ev.StepEnqueued(), A), (ev.StepEnqueued(), B))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def rig(tmp_path: Path, clock: ManualClock) -> Rig:
    return Rig(tmp_path, clock=clock)


def append(run: OpenRun, *entries: ev.Payload | tuple[Any, ...]) -> None:
    """Append events, whatever follows from them."""
    for entry in entries:
        payload, *rest = (entry,) if isinstance(entry, ev.Payload) else entry
        run.commit(lambda batch, p=payload, r=rest: batch.add(p, *r))  # type: ignore[misc]


def begun(rig: Rig) -> OpenRun:
    run = rig.create(*ROOTS)
    append(run, *BEGUN)
    return run


def rebuilt(rig: Rig) -> dict[RunId, list[str]]:
    """The new jobs of each run, as step and attempt."""
    return {found.run: _told(found) for found in rebuild_queue(rig.services)}


def _told(found: RebuiltRun) -> list[str]:
    return [found.fault] if found.fault else [f"{job.step}/{job.attempt}" for job in found.jobs]


def keys(rig: Rig) -> list[str]:
    return [job.key for job in rig.services.queue.waiting()]


def test_a_deleted_queue_is_as_it_was(rig: Rig, clock: ManualClock) -> None:
    for priority in (0, 1, 0, 2):
        enqueue(rig.create(Step(A, "echo"), priority=priority))
        clock.advance(1_000)
    enqueue(begun(rig))
    before = keys(rig)
    clock.advance(10_000)
    rig.services = replace(rig.services, queue=MemoryQueue(clock))
    rebuilt(rig)
    assert keys(rig) == before
    assert [job.priority for job in rig.services.queue.waiting()] == [2, 1, 0, 0, 0, 0]


def test_a_second_time_puts_nothing(rig: Rig) -> None:
    run = begun(rig)
    assert rebuilt(rig) == {run.run: ["a/1", "b/1"]}
    assert rebuilt(rig) == {}
    assert len(keys(rig)) == 2


def test_a_job_that_is_claimed_or_a_dead_letter_is_not_put_again(rig: Rig, clock: ManualClock) -> None:
    run = begun(rig)
    rebuilt(rig)
    queue = rig.services.queue
    me = WorkerId("w")
    while not queue.dead():
        clock.advance(20_000)
        for job in queue.claim(me, limit=2):
            if job.step == A:
                queue.nack(me, job.key, "the plan is gone")
    assert rebuilt(rig) == {}
    assert [job.key for job in queue.dead()] == [f"{run.run}/a/1"]
    assert [claimed.job.key for claimed in queue.claimed()] == [f"{run.run}/b/1"]


def test_a_step_that_is_due_later_is_put_for_then(rig: Rig, clock: ManualClock) -> None:
    run = rig.create(Step(A, "echo"))
    later = ev.StepRetryScheduled(StepError("x", "y"), 5_000, format_at(clock.now_us() + 5_000_000))
    append(run, ev.RunStarted(), (ev.StepEnqueued(), A), (ev.StepStarted("echo"), A, 1), (later, A, 1))
    assert rebuilt(rig) == {run.run: ["a/2"]}
    assert rig.services.queue.next_due_ms() == 5_000


def test_runs_that_have_ended_or_wait_for_a_person_get_none(rig: Rig) -> None:
    cancel(begun(rig), reason="enough")
    run = rig.create(Step(A, "echo"))
    append(run, ev.RunStarted(), (ev.StepEnqueued(), A), (ev.ApprovalRequested("d", "?"), A), ev.RunWaiting(("a",)))
    assert rebuilt(rig) == {}
    append(run, (ev.ApprovalStale("d", "e"), A), (ev.ApprovalRequested("e", "?"), A))
    assert rebuilt(rig) == {}
    assert list(stranded_runs(rig.services)) == []
    append(run, (ev.ApprovalRejected("e"), A))
    assert list(stranded_runs(rig.services)) == [run.run]
    assert rebuilt(rig) == {run.run: ["a/1"]}
    assert list(stranded_runs(rig.services)) == []


def test_a_run_that_was_only_just_made_is_left_to_its_maker(rig: Rig, clock: ManualClock) -> None:
    run = rig.create(*ROOTS)
    assert rebuilt(rig) == {}
    assert list(stranded_runs(rig.services)) == []
    clock.advance(2_000)
    assert list(stranded_runs(rig.services)) == [run.run]
    assert rebuilt(rig) == {run.run: ["a/1"]}


def test_a_run_made_by_a_clock_that_was_set_back_since_is_none_of_those(rig: Rig, clock: ManualClock) -> None:
    run = rig.create(*ROOTS)
    clock.advance(-3_600_000)
    assert rebuilt(rig) == {run.run: ["a/1"]}


def test_what_a_process_executes_alone_is_left_to_it_and_what_workers_share_is_not(rig: Rig) -> None:
    run = begun(rig)
    with rig.services.liveness.hold(run.run):
        assert rebuilt(rig) == {}
        assert list(stranded_runs(rig.services)) == []
    with rig.services.liveness.hold(run.run, shared=True):
        assert list(stranded_runs(rig.services)) == []
        assert rebuilt(rig) == {run.run: ["a/1", "b/1"]}


def test_a_step_in_the_hands_of_the_dead_brings_a_worker_to_its_run(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    append(run, ev.RunStarted(), (ev.StepEnqueued(), A), (ev.StepStarted("echo", worker="ada"), A, 1))
    with rig.services.liveness.hold(run.run, shared=True):
        assert rebuilt(rig) == {}
    assert rebuilt(rig) == {run.run: ["a/2"]}


def test_a_step_in_the_hands_of_a_worker_that_lives_or_may_live_brings_nobody(rig: Rig) -> None:
    workers = rig.services.workers
    assert isinstance(workers, MemoryWorkers)
    with workers.register(concurrency=1) as registration:
        run = rig.create(Step(A, "echo"))
        started = ev.StepStarted("echo", worker=registration.id)
        append(run, ev.RunStarted(), (ev.StepEnqueued(), A), (started, A, 1))
        assert rebuilt(rig) == {}
        workers.move_away(registration.id)
        assert rebuilt(rig) == {}
        workers.die(registration.id)
        assert rebuilt(rig) == {run.run: ["a/2"]}


def test_a_run_that_cannot_be_opened_is_told_and_hinders_no_other(rig: Rig) -> None:
    bad, good = begun(rig), begun(rig)
    broken = rig.services.store.plan_text(bad.run)
    load = rig.services.load_plan

    def refuse(text: str, source: str) -> Any:
        if text == broken:
            raise errors.InvalidInput("no such tool")
        return load(text, source)

    rig.services = replace(rig.services, load_plan=refuse)
    assert rebuilt(rig) == {bad.run: ["no such tool"], good.run: ["a/1", "b/1"]}


def test_a_run_of_another_project_is_opened_with_its_services(rig: Rig) -> None:
    begun(rig)
    asked: list[JsonObject] = []

    def at(workspace: JsonObject) -> Services:
        asked.append(workspace)
        return rig.services

    assert [found.fault for found in rebuild_queue(rig.services, at=at)] == [""]
    assert asked == [{}]


def test_the_workers_are_woken(rig: Rig) -> None:
    begun(rig)
    with rig.services.workers.register(concurrency=1) as registration:
        rebuilt(rig)
        assert registration.wait_for_ring(timeout_ms=0)


def test_a_queue_that_cannot_be_written_is_told(rig: Rig) -> None:
    class FullQueue(MemoryQueue):
        def put(self, jobs: Any) -> None:
            raise errors.StoreFailure("the disk is full")

    begun(rig)
    rig.services = replace(rig.services, queue=FullQueue(rig.clock))
    with pytest.raises(errors.StoreFailure):
        rebuilt(rig)


def test_a_dead_letter_that_was_lost_with_the_queue_is_delivered_anew(rig: Rig) -> None:
    run = begun(rig)
    append(run, (ev.StepDeadLettered("the plan is gone"), A))
    assert rebuilt(rig) == {run.run: ["a/1", "b/1"]}


def test_a_run_that_goes_from_hand_to_hand_meanwhile_is_not_stranded(rig: Rig) -> None:
    run = begun(rig)
    hold = rig.services.liveness.hold(run.run, shared=True)

    class BusyQueue(MemoryQueue):
        """A worker leaves its run to others right after the first look at the jobs."""

        def dead(self) -> Sequence[Job]:
            seen = super().dead()
            if not self.stats().depth:
                self.put([Job(run.run, A, 1)])
                hold.release()
            return seen

    queue = BusyQueue(rig.clock)
    assert list(stranded_runs(replace(rig.services, queue=queue))) == []
    assert queue.stats().depth == 1
