"""Signals to a worker: the first lets what runs come to its end, the second interrupts, and all is handed back."""

from pathlib import Path

import pytest

from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.ports.workers import Standing
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.testing.waiting import wait_until
from tests.unit.worker.stage import Held, Working, payloads, step, working


def _stopping(rig: Rig, worker: Working) -> None:
    worker.signal()
    wait_until(lambda: worker.seen.stops, why="the first signal")
    (me,) = [one for one in rig.services.workers.seen() if one.info.id == worker.id]
    wait_until(lambda: not rig.services.workers.any_alive(), why="the record that says so")
    assert me.standing is Standing.ALIVE


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_an_idle_worker_ends_at_once(tmp_path: Path, signal: str) -> None:
    rig = Rig(tmp_path, clock=SystemClock())
    with working(rig) as worker:
        worker.signal(signal)
        assert worker.ended() == signal
    assert not rig.services.workers.seen()


def test_the_first_one_lets_a_running_step_end_and_hands_the_next_back(tmp_path: Path) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": held}, clock=SystemClock())
    with working(rig) as worker:
        run = rig.enqueue(step("a", tool="held"), step("b", "a"), step("c", "b")).run
        other = rig.enqueue(step("x", tool="held")).run
        held.has_begun(2)
        _stopping(rig, worker)
        late = rig.enqueue(step("y")).run
        held.go()
        assert worker.ended() == "SIGTERM"
    assert rig.types(run)[-3:] == ["step.started a", "step.finished a", "step.enqueued b"]
    assert rig.types(other)[-1] == "run.succeeded"
    assert [(job.run, job.step) for job in rig.services.queue.waiting()] == [(late, "y"), (run, "b")]
    assert rig.services.queue.stats().claimed == 0
    assert rig.services.liveness.holder(run) is None
    rig.worker()
    assert rig.types(run)[-1] == rig.types(late)[-1] == "run.succeeded"
    assert rig.types(run).count("step.started a") == 1


@pytest.mark.parametrize("safe", [True, False])
def test_a_second_one_interrupts_and_the_handler_says_what_becomes_of_the_step(tmp_path: Path, safe: bool) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": FunctionHandler(held, rerun_safe=safe)}, clock=SystemClock())
    with working(rig) as worker:
        run = rig.enqueue(step("a", tool="held")).run
        (begun,) = held.has_begun()
        _stopping(rig, worker)
        worker.signal()
        assert worker.ended() == "SIGTERM"
    assert held.stopped == {begun: "interrupted"}
    (cut,) = payloads(rig, run, ev.StepInterrupted)
    assert cut == ev.StepInterrupted("its worker was stopped", safe, worker.id)
    assert not payloads(rig, run, ev.WorkerLost), "nobody was lost"
    state = rig.reopen(run).state
    assert state.steps[step("a").name].status is (StepStatus.QUEUED if safe else StepStatus.WAITING)
    assert [job.key for job in rig.services.queue.waiting()] == ([f"{run}/a/2"] if safe else [])
    if not safe:
        assert rig.types(run)[-2:] == ["approval.requested a", "run.waiting"]


def test_two_at_once_interrupt(tmp_path: Path) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": held}, clock=SystemClock())
    with working(rig) as worker:
        run = rig.enqueue(step("a", tool="held")).run
        held.has_begun()
        worker.signal("SIGINT")
        worker.signal("SIGTERM")
        assert worker.ended() == "SIGINT", "the first one is told"
    assert rig.types(run)[-1] == "step.interrupted a"


def test_a_step_of_a_cancelled_run_is_not_interrupted_on_record(tmp_path: Path) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": held}, clock=SystemClock())
    with working(rig) as worker:
        run = rig.enqueue(step("a", tool="held")).run
        held.has_begun()
        rig.append(run, ev.RunCancelled("enough"))
        worker.signal()
        worker.signal()
        worker.ended()
    assert rig.types(run)[-1] == "run.cancelled"


def test_a_handler_that_does_not_return_keeps_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its step is left `running` in the hands of a worker that is gone, as if the worker had been killed."""
    held = Held()
    rig = Rig(tmp_path, tools={"deaf": held}, clock=SystemClock())
    monkeypatch.setattr("nofx_cli.engine.cancellation.StopRequest.stop", lambda *_: None)
    with working(rig) as worker:
        run = rig.enqueue(step("a", tool="deaf")).run
        held.has_begun()
        worker.signal()
        worker.signal()
        worker.ended()
    assert rig.types(run)[-1] == "step.started a"
    held.go()
    with rig.services.workers.register(concurrency=1) as me:
        rig.worker(registration=me)
    assert rig.types(run)[4:6] == ["worker.lost", "step.interrupted a"]
    assert rig.types(run)[-1] == "run.succeeded"
