"""A run is left to the workers, later where the queue is behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.clock import ManualClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.plan import Step
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.enqueue import enqueue, pressure_of, put_jobs
from nofx_cli.ports.queue import Job
from nofx_cli.testing.rig import Rig

A = StepName("a")
OLD = Job(RunId("20260101-120000-aaaaaa"), A, 1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def rig(tmp_path: Path, clock: ManualClock) -> Rig:
    return Rig(tmp_path, clock=clock)


def test_its_jobs_wait_and_the_workers_are_woken(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"), priority=3)
    with rig.services.workers.register(concurrency=1) as registration:
        assert enqueue(run) is None
        assert registration.wait_for_ring(timeout_ms=0)
    (job,) = rig.services.queue.waiting()
    assert (job.key, job.priority, job.delay_ms) == (f"{run.run}/a/1", 3, 0)
    assert rig.types(run.run) == ["run.created"]


def test_to_enqueue_twice_changes_nothing(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    enqueue(run)
    enqueue(rig.reopen(run.run))
    assert len(rig.services.queue.waiting()) == 1


@pytest.mark.parametrize(("age_ms", "delay_ms"), [(9_000, 2_000), (60_000, 15_000)])
def test_behind_an_old_job_a_new_one_is_due_later_and_that_is_on_record(
    rig: Rig, clock: ManualClock, age_ms: int, delay_ms: int
) -> None:
    rig.services.queue.put([OLD])
    clock.advance(age_ms)
    run = rig.create(Step(A, "echo"))
    pressure = enqueue(run)
    assert pressure == ev.QueueBackpressure(age_ms, delay_ms)
    assert rig.events(run.run)[-1].payload == pressure
    _, new = rig.services.queue.waiting()
    assert (new.run, new.delay_ms) == (run.run, delay_ms)


def test_at_the_threshold_nothing_is_delayed(rig: Rig, clock: ManualClock) -> None:
    rig.services.queue.put([OLD])
    clock.advance(5_000)
    assert pressure_of(rig.services) is None


def test_the_threshold_is_whatever_was_set(rig: Rig, clock: ManualClock) -> None:
    rig.services.queue.put([OLD])
    clock.advance(5_000)
    strict = replace(rig.services, limits=replace(rig.services.limits, backpressure_age_ms=1_000))
    assert pressure_of(strict) == ev.QueueBackpressure(5_000, 2_000)


def test_a_delay_comes_on_top_of_the_one_that_a_job_has(rig: Rig) -> None:
    put_jobs(rig.services, [replace(OLD, delay_ms=500)], ev.QueueBackpressure(9_000, 2_000))
    (job,) = rig.services.queue.waiting()
    assert job.delay_ms == 2_500


def test_a_run_that_has_ended_is_not_told_of_a_queue_that_is_behind(rig: Rig, clock: ManualClock) -> None:
    run = rig.create(Step(A, "echo"))
    cancel(run, reason="enough")
    rig.services.queue.put([OLD])
    clock.advance(9_000)
    enqueue(run)
    assert rig.types(run.run)[-1] == "run.cancelled"
    assert [job.key for job in rig.services.queue.waiting()] == [OLD.key]
