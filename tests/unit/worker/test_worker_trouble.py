"""A worker in trouble: jobs that cannot be delivered, a store that fails, a clock that is set back, a late queue."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import WorkerId
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Retry
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.drivers.filesystem.layout import store_failure
from nofx_cli.engine.dead_letters import requeue
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.queue import Job
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.testing.waiting import wait_until
from nofx_cli.worker.attempts import Inbox, Stop
from nofx_cli.worker.suspects import Suspects
from tests.unit.worker.stage import PATIENCE, Held, Seen, chain, payloads, step, working

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _flaky(ctx: StepContext) -> Outcome:
    return Succeeded() if ctx.attempt == 2 else Failed(StepError("flaky", "not yet"), retryable=True)


def manual(rig: Rig) -> ManualClock:
    assert isinstance(rig.clock, ManualClock)
    return rig.clock


class TestDelivery:
    """The plan that is kept with a run cannot be read."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Rig:
        return Rig(tmp_path)

    @staticmethod
    def _damage(rig: Rig, run: str) -> Callable[[], None]:
        """Let the plan of a run be unreadable; gives what mends it."""
        text = rig.services.store.plan_text(run)  # type: ignore[arg-type]
        plan = rig.plans.pop(text)
        return lambda: rig.plans.__setitem__(text, plan)

    def test_it_fails_five_times_becomes_a_dead_letter_and_other_runs_go_on(self, rig: Rig) -> None:
        bad, good = rig.enqueue(step("a")).run, rig.enqueue(step("a")).run
        self._damage(rig, bad)
        began_ms, seen = rig.clock.monotonic_ms(), Seen()

        rig.worker(observer=seen)

        assert rig.types(good)[-1] == "run.succeeded"
        (dead,) = rig.services.queue.dead()
        assert (dead.run, dead.failures) == (bad, 5)
        assert 17_000 <= rig.clock.monotonic_ms() - began_ms < 17_500, "0, 2, 5 and 10 seconds between them"
        assert rig.types(bad) == ["run.created", "step.dead_lettered a"]
        assert sum("could not be delivered" in fault for fault in seen.faults) == 5
        assert sum(f"is a dead letter: {dead.reason}; nofx dlq show {dead.key}" in fault for fault in seen.faults) == 1

    def test_nobody_puts_it_again_by_itself(self, rig: Rig) -> None:
        bad = rig.enqueue(step("a")).run
        mend = self._damage(rig, bad)
        rig.worker()
        mend()
        before = rig.types(bad)
        rig.worker()
        assert rig.types(bad) == before
        assert rig.services.queue.stats().dead == 1

    def test_after_it_was_mended_and_put_again_it_runs(self, rig: Rig) -> None:
        bad = rig.enqueue(*chain("a", "b")).run
        mend = self._damage(rig, bad)
        rig.worker()
        mend()
        (job,) = requeue(rig.services, [f"{bad}/a/1"])
        assert job.run == bad
        rig.worker()
        assert rig.types(bad)[-1] == "run.succeeded"
        assert rig.services.queue.stats().dead == 0

    def test_that_is_mended_in_time_it_simply_runs(self, rig: Rig) -> None:
        bad = rig.enqueue(step("a")).run
        mend = self._damage(rig, bad)
        (job,) = rig.services.queue.claim(WorkerId("somebody"), limit=1)
        rig.services.queue.nack(WorkerId("somebody"), job.key, "it failed there")
        mend()
        rig.worker()
        assert rig.types(bad)[-1] == "run.succeeded"

    def test_a_job_of_a_run_that_is_not_there_is_put_aside(self, rig: Rig) -> None:
        rig.services.queue.put([Job(rig.create(step("a")).run.replace("20", "19", 1), step("a").name, 1)])  # type: ignore[arg-type]
        rig.worker()
        (dead,) = rig.services.queue.dead()
        assert "there is no run" in dead.reason

    def test_an_exception_from_a_plugin_is_a_failure_of_the_delivery(self, rig: Rig) -> None:
        class Broken(FunctionHandler):
            def find(self) -> None: ...

        rig.tools["broken"] = Broken(lambda _ctx: Succeeded())
        bad, good = rig.enqueue(step("a", tool="broken")).run, rig.enqueue(step("b")).run
        find = rig.find

        def fails(tool: str) -> Any:
            if tool == "broken":
                raise ZeroDivisionError("in a plugin")
            return find(tool)

        rig.find = fails  # type: ignore[method-assign]
        rig.worker()
        assert rig.types(good)[-1] == "run.succeeded"
        (dead,) = rig.services.queue.dead()
        assert (dead.run, dead.reason) == (bad, "ZeroDivisionError: in a plugin")

    def test_a_job_held_by_worker_after_worker_that_dies_is_put_aside_too(self, rig: Rig) -> None:
        run = rig.enqueue(step("a")).run
        for number in range(5):
            manual(rig).advance(10_000)
            registered = rig.services.workers.register(concurrency=1)
            assert rig.services.queue.claim(registered.id, limit=1), number
            rig.services.workers.die(registered.id)  # type: ignore[attr-defined]
            rig.services.queue.take_from(registered.id, "gone") if number < 4 else None
        seen = Seen()
        rig.worker(observer=seen)
        assert payloads(rig, run, ev.StepDeadLettered)
        assert any("is a dead letter" in fault for fault in seen.faults)


class Sick:
    """Lets a method of a driver fail for a while."""

    def __init__(self, patch: pytest.MonkeyPatch, driver: object, name: str) -> None:
        self.failures = 0
        self.times = 0
        real = getattr(driver, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.times > 0:
                self.times -= 1
                self.failures += 1
                raise store_failure(f"{name} cannot be done", FULL)
            return real(*args, **kwargs)

        patch.setattr(driver, name, call)


@pytest.mark.parametrize("name", ["append", "read", "head", "summary", "plan_text"])
@pytest.mark.parametrize("times", [1, 4])
def test_a_store_that_fails_for_a_while_costs_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    rig, seen = Rig(tmp_path), Seen()
    runs = [rig.enqueue(*chain("a", "b")).run for _ in range(3)]
    sick = Sick(monkeypatch, rig.services.store, name)
    sick.times = times

    rig.worker(observer=seen)

    assert sick.failures
    for run in runs:
        assert rig.types(run)[-1] == "run.succeeded"
        assert rig.types(run).count("step.started a") == rig.types(run).count("step.started b") == 1
    assert not rig.services.queue.dead()
    if any("the disk is full; trying again in 0.5 s" in fault for fault in seen.faults):
        assert "the store can be used again" in seen.notes


@pytest.mark.parametrize("name", ["claim", "ack", "put", "first_due", "stats", "holders", "next_due_ms"])
def test_a_queue_that_fails_for_a_while_costs_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rig = Rig(tmp_path)
    runs = [rig.enqueue(step("a"), step("b"), step("c", "a", "b"), concurrency=2).run for _ in range(3)]
    sick = Sick(monkeypatch, rig.services.queue, name)
    sick.times = 2
    rig.worker(concurrency=2)
    assert sick.failures
    for run in runs:
        assert rig.types(run)[-1] == "run.succeeded"
        assert [kind for kind in rig.types(run) if "started" in kind].count("step.started a") == 1


def test_pauses_grow_and_a_result_waits_until_the_disk_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, seen = Rig(tmp_path), Seen()
    sick = Sick(monkeypatch, rig.services.store, "append")
    ran: list[int] = []

    def work(ctx: StepContext) -> Outcome:
        ran.append(ctx.attempt)
        sick.times = 6
        return Succeeded()

    rig.tools["work"] = FunctionHandler(work)
    run = rig.enqueue(*chain("a", tool="work")).run
    rig.worker(observer=seen)
    assert ran == [1], "what ended while the disk was full is not done again"
    assert rig.types(run)[-1] == "run.succeeded"
    assert [fault.rpartition(" in ")[2] for fault in seen.faults] == ["0.5 s", "1 s", "2 s", "5 s", "5 s", "5 s"]
    assert seen.notes == ["the store can be used again"]


def test_a_worker_that_is_told_to_stop_while_the_store_fails_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    sick = Sick(monkeypatch, rig.services.store, "append")
    rig.enqueue(step("a"))
    sick.times = 1_000_000
    inbox: Inbox = Inbox()

    class Stops(Seen):
        def fault(self, text: str) -> None:
            inbox.put(Stop("SIGTERM"))

    assert rig.worker(observer=Stops(), inbox=inbox, drain=False) == "SIGTERM"
    assert rig.services.queue.stats().due == 1


@pytest.mark.parametrize("queued", [True, False])
def test_a_run_whose_files_belong_to_somebody_else_does_not_keep_the_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queued: bool
) -> None:
    rig, seen = Rig(tmp_path), Seen()
    bad = (rig.enqueue if queued else rig.create)(step("a")).run
    good = rig.enqueue(*chain("a", "b")).run
    hold = rig.services.liveness.hold
    denied = OSError(errno.EACCES, os.strerror(errno.EACCES))

    def denies(run: Any, **kwargs: Any) -> Any:
        if run == bad:
            raise store_failure(f"run {run} cannot be locked", denied)
        return hold(run, **kwargs)

    monkeypatch.setattr(rig.services.liveness, "hold", denies)
    rig.worker(observer=seen)
    assert rig.types(good)[-1] == "run.succeeded"
    assert len(rig.services.queue.dead()) == queued
    assert any(f"run {bad} cannot be locked: " in fault for fault in seen.faults)


def test_a_run_that_is_deleted_while_a_step_of_it_runs_ends_that_step_and_not_the_worker(tmp_path: Path) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": held}, clock=SystemClock())
    with working(rig) as worker:
        gone = rig.enqueue(step("a", tool="held")).run
        (begun,) = held.has_begun()
        del rig.services.store._events[gone]  # type: ignore[attr-defined]
        wait_until(lambda: begun in held.stopped, why="the end of the step")
        run = rig.enqueue(step("a")).run
        assert rig.services.store.wait(run, after_seq=4, timeout_ms=PATIENCE * 1000)
    assert held.stopped == {begun: "killed"}
    assert any(f"run {gone} is left alone: there is no run {gone}" in fault for fault in worker.seen.faults)


def test_a_journal_that_is_damaged_is_the_trouble_of_its_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    bad, good = rig.enqueue(step("a")).run, rig.enqueue(step("b")).run
    read = rig.services.store.read

    def damaged(run: Any, **kwargs: Any) -> Any:
        if run == bad:
            raise errors.StoreFailure("line 1 cannot be read", code="journal-damaged", hint="nofx verify")
        return read(run, **kwargs)

    monkeypatch.setattr(rig.services.store, "read", damaged)
    rig.worker()
    assert [job.run for job in rig.services.queue.dead()] == [bad]
    monkeypatch.undo()
    assert rig.types(good)[-1] == "run.succeeded"


class TestClock:
    """The wall clock is set back by an hour."""

    @staticmethod
    def _set_back(rig: Rig) -> None:
        """The wall clock jumps; the monotonic one goes on."""
        clock = manual(rig)
        clock._now_us -= 3_600_000_000
        clock._start_us -= 3_600_000_000

    def test_a_queued_job_still_runs(self, tmp_path: Path) -> None:
        rig = Rig(tmp_path)
        run = rig.enqueue(*chain("a", "b")).run
        self._set_back(rig)
        began_ms = rig.clock.monotonic_ms()
        rig.worker()
        assert rig.types(run)[-1] == "run.succeeded"
        assert rig.clock.monotonic_ms() - began_ms < 5_000

    def test_a_retry_that_was_put_off_before_is_not_put_off_by_an_hour(self, tmp_path: Path) -> None:
        rig = Rig(tmp_path, tools={"flaky": _flaky})
        run = rig.enqueue(step("a", tool="flaky", retry=Retry(2, (7_000,)))).run

        class SetsBack(Seen):
            def events(self, events: Any) -> None:
                super().events(events)
                if any(event.type == "step.retry_scheduled" for event in events):
                    TestClock._set_back(rig)

        began_ms = rig.clock.monotonic_ms()
        rig.worker(observer=SetsBack())
        assert rig.types(run)[-1] == "run.succeeded"
        assert rig.clock.monotonic_ms() - began_ms < 15_000

    def test_a_run_that_nobody_put_is_found(self, tmp_path: Path) -> None:
        rig = Rig(tmp_path)
        run = rig.create(step("a")).run
        self._set_back(rig)
        rig.worker()
        assert rig.types(run)[-1] == "run.succeeded"


class TestBackpressure:
    """New jobs wait while the oldest is older than the threshold."""

    @pytest.mark.parametrize(
        ("age_ms", "delay_ms"), [(5_000, 0), (5_001, 0), (5_002, 1), (9_000, 2_000), (60_000, 15_000)]
    )
    def test_a_new_run_is_told_and_delayed(self, tmp_path: Path, age_ms: int, delay_ms: int) -> None:
        rig = Rig(tmp_path)
        rig.enqueue(step("old"))
        manual(rig).advance(age_ms)
        opened = rig.create(step("new"))

        told = enqueue(opened)

        expected = ev.QueueBackpressure(age_ms, delay_ms) if delay_ms else None
        assert told == expected
        assert payloads(rig, opened.run, ev.QueueBackpressure) == ([expected] if expected else [])
        (job,) = (job for job in rig.services.queue.waiting() if job.run == opened.run)
        assert job.delay_ms == delay_ms

    def test_what_a_step_makes_ready_is_delayed_too_and_runs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rig = Rig(tmp_path)
        put: list[Job] = []

        def slow(ctx: StepContext) -> Outcome:
            manual(rig).advance(9_000)
            return Succeeded()

        rig.tools["slow"] = FunctionHandler(slow)
        real = rig.services.queue.put

        def notes(jobs: Any) -> None:
            put.extend(jobs)
            real(jobs)

        monkeypatch.setattr(rig.services.queue, "put", notes)
        run = rig.enqueue(step("a", tool="slow"), step("b", "a"), step("c", "a")).run
        old = rig.enqueue(step("old")).run
        rig.worker(concurrency=1)
        assert payloads(rig, run, ev.QueueBackpressure) == [ev.QueueBackpressure(9_000, 2_000)]
        assert [(job.step, job.delay_ms) for job in put if job.run == run][:3] == [("a", 0), ("b", 2_000), ("c", 2_000)]
        assert rig.types(run)[-1] == rig.types(old)[-1] == "run.succeeded"

    def test_a_run_that_has_ended_is_not_told(self, tmp_path: Path) -> None:
        rig = Rig(tmp_path)
        rig.enqueue(step("old"))
        manual(rig).advance(60_000)
        opened = rig.create(step("a"))
        rig.append(opened.run, ev.RunCancelled("enough"))
        enqueue(opened)
        assert rig.types(opened.run)[-1] == "run.cancelled"
        assert not [job for job in rig.services.queue.waiting() if job.run == opened.run]


class TestPaused:
    """The queue is paused."""

    def test_drain_ends_with_a_note_and_leaves_the_jobs(self, tmp_path: Path) -> None:
        rig, seen = Rig(tmp_path), Seen()
        runs = [rig.enqueue(step("a")).run for _ in range(2)]
        rig.services.queue.pause()
        rig.worker(observer=seen)
        assert seen.notes == ["the queue is paused; 2 jobs left in it"]
        assert all(rig.types(run) == ["run.created"] for run in runs)
        rig.services.queue.resume()
        rig.worker()
        assert all(rig.types(run)[-1] == "run.succeeded" for run in runs)

    def test_a_chain_stops_behind_the_step_that_runs(self, tmp_path: Path) -> None:
        rig = Rig(tmp_path)

        def pauses(_ctx: StepContext) -> Outcome:
            rig.services.queue.pause()
            return Succeeded()

        rig.tools["pauses"] = FunctionHandler(pauses)
        run = rig.enqueue(step("a", tool="pauses"), step("b", "a")).run
        rig.worker()
        assert rig.types(run)[-2:] == ["step.finished a", "step.enqueued b"]
        assert rig.reopen(run).state.steps[step("b").name].status is StepStatus.QUEUED
        assert [job.step for job in rig.services.queue.waiting()] == ["b"]


def test_a_queue_that_loses_jobs_beside_a_worker_is_rebuilt(tmp_path: Path) -> None:
    rig, seen = Rig(tmp_path, tools={"flaky": _flaky}), Seen()
    queue = rig.services.queue
    run = rig.enqueue(step("a", tool="flaky", retry=Retry(2, (60_000,))), priority=1).run

    def loses(_ctx: StepContext) -> Outcome:
        assert queue.drop(run) == 1
        queue._state.damaged = 1  # type: ignore[attr-defined]
        return Succeeded()

    rig.tools["loses"] = FunctionHandler(loses)
    rig.enqueue(step("a", tool="loses"))
    rig.worker(concurrency=1, observer=seen)
    assert rig.types(run)[-1] == "run.succeeded"
    assert any("it is rebuilt from the journals" in fault for fault in seen.faults)
    assert queue.stats().damaged == 0


def test_an_error_of_the_system_that_nobody_translated_does_not_end_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, seen = Rig(tmp_path), Seen()
    run = rig.enqueue(step("a")).run
    look = Suspects.look
    broken = [True, True]

    def fails(suspects: Suspects) -> None:
        if broken:
            broken.pop()
            raise OSError(errno.ESTALE, "Stale file handle", "/store/runs")
        look(suspects)

    monkeypatch.setattr(Suspects, "look", fails)
    rig.worker(observer=seen)
    assert rig.types(run)[-1] == "run.succeeded"
    assert any("Stale file handle: '/store/runs'; trying again in 0.5 s" in fault for fault in seen.faults)
