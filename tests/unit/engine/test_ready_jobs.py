"""Which jobs a run needs: as many as could start now, and those that are due later."""

from pathlib import Path

import pytest

from nofx_cli.clock import ManualClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Step
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.ready_jobs import delayed_jobs, jobs_of, ready_jobs
from nofx_cli.ports.queue import Job
from nofx_cli.testing.rig import Rig

A, B, C = StepName("a"), StepName("b"), StepName("c")
ROOTS = (Step(A, "echo"), Step(B, "echo"), Step(C, "echo"))
BEGUN = (ev.RunStarted(), (ev.StepEnqueued(), A), (ev.StepEnqueued(), B), (ev.StepEnqueued(), C))
FAILED = StepError("exit-code", "exited with 3")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def append(run: OpenRun, *entries: ev.Payload | tuple[ev.Payload, StepName] | tuple[ev.Payload, StepName, int]) -> None:
    """Append events, whatever follows from them."""
    for entry in entries:
        payload, *rest = (entry,) if isinstance(entry, ev.Payload) else entry
        run.commit(lambda batch, p=payload, r=rest: batch.add(p, *r))  # type: ignore[misc]


def keys(run: OpenRun, jobs: list[Job]) -> list[str]:
    """Step and attempt of each."""
    return [job.key.removeprefix(f"{run.run}/") for job in jobs]


def needed(rig: Rig, run: OpenRun) -> list[str]:
    return keys(run, jobs_of(run.plan, run.state, rig.clock.now_us()))


def test_a_run_that_has_not_begun_needs_one_job_with_its_priority(rig: Rig) -> None:
    run = rig.create(*ROOTS, priority=7)
    (job,) = jobs_of(run.plan, run.state, rig.clock.now_us())
    assert job == Job(run.run, A, 1, priority=7)


def test_whatever_could_start_now_has_a_job(rig: Rig) -> None:
    run = rig.create(*ROOTS)
    append(run, *BEGUN)
    assert needed(rig, run) == ["a/1", "b/1", "c/1"]


def test_no_more_than_the_concurrency_leaves_room_for(rig: Rig) -> None:
    run = rig.create(*ROOTS, concurrency=2)
    append(run, *BEGUN)
    assert needed(rig, run) == ["a/1", "b/1"]
    append(run, (ev.StepStarted("echo"), A, 1))
    assert needed(rig, run) == ["b/1"]
    append(run, (ev.StepStarted("echo"), B, 1))
    assert needed(rig, run) == []


def test_a_step_that_runs_again_has_the_job_of_its_next_attempt(rig: Rig) -> None:
    run = rig.create(*ROOTS)
    append(run, *BEGUN, (ev.StepStarted("echo"), A, 1), (ev.StepInterrupted("gone", rerun=True), A, 1))
    assert "a/2" in needed(rig, run)


def test_a_step_that_is_due_later_has_a_job_that_is_too_and_never_too_early(rig: Rig) -> None:
    clock = rig.clock
    assert isinstance(clock, ManualClock)
    run = rig.create(Step(A, "echo"))
    later = ev.StepRetryScheduled(FAILED, 2_000, format_at(clock.now_us() + 1_999_001))
    append(run, ev.RunStarted(), (ev.StepEnqueued(), A), (ev.StepStarted("echo"), A, 1), (later, A, 1))
    (job,) = jobs_of(run.plan, run.state, clock.now_us())
    assert (job.attempt, job.delay_ms) == (2, 2_000)
    assert ready_jobs(run.plan, run.state, clock.now_us()) == []
    clock.advance(2_000)
    (job,) = jobs_of(run.plan, run.state, clock.now_us())
    assert (job.attempt, job.delay_ms) == (2, 0)
    assert delayed_jobs(run.state, run.state.steps.values(), clock.now_us()) == []


def test_a_run_that_has_ended_needs_none(rig: Rig) -> None:
    run = rig.create(*ROOTS)
    append(run, *BEGUN, ev.RunCancelled("enough"))
    assert needed(rig, run) == []


def test_a_job_that_was_put_aside_is_still_needed(rig: Rig) -> None:
    """The queue keeps it a dead letter; only where that was lost with the queue it comes anew."""
    run = rig.create(*ROOTS)
    append(run, *BEGUN, (ev.StepDeadLettered("the plan is gone"), B))
    assert needed(rig, run) == ["a/1", "b/1", "c/1"]


def test_so_is_the_first_job_of_a_run(rig: Rig) -> None:
    run = rig.create(*ROOTS)
    append(run, (ev.StepDeadLettered("the plan is gone"), A))
    assert needed(rig, run) == ["a/1"]


def test_steps_that_became_free_and_are_not_queued_have_one_job_for_whoever_looks(rig: Rig) -> None:
    run = rig.create(*ROOTS)
    append(run, ev.RunStarted())
    assert needed(rig, run) == ["a/1"]
    append(run, ev.RunCancelled("enough"))
    assert needed(rig, run) == []


@pytest.mark.parametrize("no", [ev.ApprovalRejected("d"), ev.ApprovalWaived("d")])
def test_an_answer_that_lets_nothing_start_has_a_job_for_whoever_lets_it_take_effect(rig: Rig, no: ev.Payload) -> None:
    run = rig.create(Step(A, "echo"))
    append(run, ev.RunStarted(), (ev.StepEnqueued(), A), (ev.ApprovalRequested("d", "go on?"), A))
    append(run, ev.RunWaiting(("a",)))
    assert needed(rig, run) == []
    append(run, (no, A))
    assert needed(rig, run) == ["a/1"]
