"""What the dead had in their hands goes on; what the living have, and what nobody here can know of, is left alone."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.drivers.memory.workers import MemoryWorkers
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.context import marks
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.queue import Job
from nofx_cli.ports.workers import Standing, WorkerInfo
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.testing.waiting import wait_until
from nofx_cli.worker.execution import Execution
from nofx_cli.worker.process import WorkerProcess
from nofx_cli.worker.recovery import MOST_RERUNS, recover, take_over
from nofx_cli.worker.runs_in_hand import RunsInHand
from tests.unit.worker.stage import PATIENCE, Held, Seen, payloads, step, working

A, B = step("a").name, step("b").name


class Fellow(NamedTuple):
    """Another worker, which does nothing but what a test writes down for it."""

    id: WorkerId
    rig: Rig

    @classmethod
    def of(cls, rig: Rig) -> "Fellow":
        return cls(rig.services.workers.register(concurrency=1).id, rig)

    def starts(self, run: RunId, name: str, *, attempt: int = 1) -> None:
        """Begin the run, if it has not begun, and claim a step."""
        if len(self.rig.events(run)) == 1:
            self.rig.append(run, ev.RunStarted({"worker": self.id}), worker=self.id)
            for spec in self.rig.reopen(run).plan.steps:
                if not spec.needs:
                    self.rig.append(run, ev.StepEnqueued(), spec.name, worker=self.id)
        tool = self.rig.reopen(run).plan.step(step(name).name).tool
        self.rig.append(run, ev.StepStarted(tool, "", "", self.id), name, attempt, worker=self.id)

    def dies(self) -> None:
        _workers(self.rig).die(self.id)

    def moves_away(self) -> None:
        _workers(self.rig).move_away(self.id)


def _workers(rig: Rig) -> MemoryWorkers:
    assert isinstance(rig.services.workers, MemoryWorkers)
    return rig.services.workers


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, tools={"unsafe": FunctionHandler(lambda _ctx: Succeeded(), rerun_safe=False)})


@pytest.fixture
def fellow(rig: Rig) -> Fellow:
    return Fellow.of(rig)


class TestTakingOver:
    def test_steps_of_one_that_is_gone_run_again_where_that_is_safe(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(step("a"), step("b", "a")).run
        fellow.starts(run, "a")
        fellow.dies()

        rig.worker()

        assert rig.types(run)[3:7] == ["step.started a", "worker.lost", "step.interrupted a", "step.started a"]
        assert rig.types(run)[-1] == "run.succeeded"
        (cut,) = payloads(rig, run, ev.StepInterrupted)
        assert cut == ev.StepInterrupted("the process that ran it was gone", True, fellow.id)
        (lost,) = payloads(rig, run, ev.WorkerLost)
        assert isinstance(lost, ev.WorkerLost)
        assert lost.worker.startswith((fellow.id, ":", "here"))

    def test_a_person_is_asked_where_it_is_not_and_the_rest_goes_on(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(step("a", tool="unsafe"), step("b")).run
        fellow.starts(run, "a")
        fellow.dies()
        rig.worker()
        state = rig.reopen(run).state
        assert (state.steps[A].status, state.steps[B].status) == (StepStatus.WAITING, StepStatus.SUCCEEDED)
        assert rig.types(run)[-1] == "run.waiting"
        (asked,) = payloads(rig, run, ev.ApprovalRequested)
        assert isinstance(asked, ev.ApprovalRequested)
        assert asked.reason is ev.AskReason.INTERRUPTED

    @pytest.mark.skipif(sys.platform != "linux", reason="only there processes are found by their environment")
    def test_what_a_lost_step_left_running_is_ended_though_nothing_of_it_is_on_record(
        self, rig: Rig, fellow: Fellow
    ) -> None:
        """Whoever took over another step of the dead has cleared the records of their processes by then."""
        run = rig.create(step("a")).run
        fellow.starts(run, "a")
        fellow.dies()
        environment = {**os.environ, **marks(run, A, 1)}
        with subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True) as left:
            try:
                take_over(rig.reopen(run), me=WorkerId("w-here-me"))
                assert left.wait(PATIENCE) != 0
            finally:
                left.kill()

    def test_a_step_that_was_cut_off_again_and_again_asks_a_person(self, rig: Rig) -> None:
        run = rig.create(step("a")).run
        for attempt in range(1, MOST_RERUNS + 2):
            fellow = Fellow.of(rig)
            fellow.starts(run, "a", attempt=attempt)
            fellow.dies()
            take_over(rig.reopen(run), me=WorkerId("w-here-me"))
        reruns = [payload.rerun for payload in payloads(rig, run, ev.StepInterrupted)]  # type: ignore[attr-defined]
        assert reruns == [True] * MOST_RERUNS + [False]
        (asked,) = payloads(rig, run, ev.ApprovalRequested)
        rig.append(run, ev.ApprovalGranted(asked.digest), A)  # type: ignore[attr-defined]
        assert rig.reopen(run).state.steps[A].interruptions == 0

    def test_a_fellow_is_told_lost_once_for_all_its_steps(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(*(step(f"s{n}") for n in range(3))).run
        for n in range(3):
            fellow.starts(run, f"s{n}")
        fellow.dies()
        rig.worker()
        assert rig.types(run).count("worker.lost") == 1
        assert len(payloads(rig, run, ev.StepInterrupted)) == 3

    @pytest.mark.parametrize("standing", [Standing.ALIVE, Standing.ELSEWHERE])
    def test_steps_of_one_that_is_not_known_to_be_gone_are_left_alone(
        self, rig: Rig, fellow: Fellow, standing: Standing
    ) -> None:
        run = rig.create(step("a"), step("b")).run
        fellow.starts(run, "a")
        if standing is Standing.ELSEWHERE:
            fellow.moves_away()
        rig.clock.advance(10 * 24 * 3_600_000)  # type: ignore[attr-defined]

        rig.worker()

        state = rig.reopen(run).state
        assert (state.steps[A].status, state.steps[A].worker) == (StepStatus.RUNNING, fellow.id)
        assert state.steps[B].status is StepStatus.SUCCEEDED, "what is ready goes on beside it"
        assert "worker.lost" not in rig.types(run)

    def test_one_of_another_host_that_a_person_declared_gone_is_taken_over(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(step("a")).run
        fellow.starts(run, "a")
        fellow.moves_away()
        rig.worker()
        assert rig.types(run)[-1] == "step.started a"
        rig.services.workers.declare_gone(fellow.id)
        rig.worker()
        assert rig.types(run)[-1] == "run.succeeded"

    def test_jobs_in_the_hands_of_one_that_is_gone_are_delivered_again(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.enqueue(step("a")).run
        assert rig.services.queue.claim(fellow.id, limit=1)
        fellow.dies()
        rig.worker()
        assert rig.types(run)[-1] == "run.succeeded"
        assert rig.services.queue.stats().claimed == 0

    def test_also_when_its_record_is_not_there_any_more(self, rig: Rig) -> None:
        run = rig.enqueue(step("a")).run
        assert rig.services.queue.claim(WorkerId("w-nowhere"), limit=1)
        rig.worker()
        assert rig.types(run)[-1] == "run.succeeded"

    def test_drain_does_not_leave_behind_what_was_lost_since_the_last_look(self, rig: Rig, fellow: Fellow) -> None:
        def takes_a_job_and_dies(_ctx: StepContext) -> Outcome:
            assert rig.services.queue.claim(fellow.id, limit=1)
            fellow.dies()
            return Succeeded()

        rig.tools["dies"] = FunctionHandler(takes_a_job_and_dies)
        rig.enqueue(step("a", tool="dies"), priority=1)
        run = rig.enqueue(step("a")).run
        rig.worker(concurrency=1)
        assert rig.types(run)[-1] == "run.succeeded"

    def test_what_it_left_lying_about_is_cleared(self, rig: Rig, fellow: Fellow) -> None:
        fellow.dies()
        seen = Seen()
        rig.worker(observer=seen)
        assert rig.services.workers.seen() == []
        assert seen.notes == [f"worker {fellow.id} is gone"]

    def test_a_run_that_died_with_its_last_result_is_brought_to_its_end(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(step("a")).run
        fellow.starts(run, "a")
        rig.append(run, ev.StepFinished("succeeded"), "a", 1, worker=fellow.id)
        fellow.dies()
        rig.worker()
        assert rig.types(run)[-1] == "run.succeeded"
        assert "worker.lost" not in rig.types(run), "nothing of it was cut off"


class TestMeetingTheDead:
    """What `nofx resume` does: it holds the run alone."""

    def test_one_elsewhere_is_named_with_the_remedy(self, rig: Rig, fellow: Fellow) -> None:
        opened = rig.create(step("a"))
        fellow.starts(opened.run, "a")
        fellow.moves_away()
        before = rig.types(opened.run)
        with pytest.raises(errors.Conflict) as told:
            rig.execute(rig.reopen(opened.run))
        assert told.value.code == "worker-elsewhere"
        assert told.value.hint == f"look there; if it is gone: nofx worker forget {fellow.id}"
        assert told.value.context["worker"] == fellow.id
        assert rig.types(opened.run) == before
        assert rig.services.liveness.holder(opened.run) is None

        rig.services.workers.declare_gone(fellow.id)

        assert rig.execute(rig.reopen(opened.run)).state.status is RunStatus.SUCCEEDED

    def test_nothing_is_done_for_a_run_that_never_began(self, rig: Rig) -> None:
        assert recover(rig.create(step("a")), rerun=False) == ()

    def test_taking_over_needs_somebody_who_is_gone(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(step("a")).run
        fellow.starts(run, "a")
        assert take_over(rig.reopen(run), me=WorkerId("me")) == ()
        assert take_over(rig.reopen(run), me=fellow.id) == ()
        fellow.dies()
        assert [event.type for event in take_over(rig.reopen(run), me=WorkerId("me"))] == [
            "worker.lost",
            "step.interrupted",
        ]
        assert take_over(rig.reopen(run), me=WorkerId("me")) == (), "once"

    def test_what_somebody_else_took_over_in_between_is_left_to_them(self, rig: Rig, fellow: Fellow) -> None:
        run = rig.create(step("a")).run
        fellow.starts(run, "a")
        fellow.dies()
        late: OpenRun = rig.reopen(run)
        take_over(rig.reopen(run), me=WorkerId("me"))
        other = Fellow.of(rig)
        other.starts(run, "a", attempt=2)
        take_over(late, me=WorkerId("late"))
        assert rig.types(run).count("step.interrupted a") == 1
        assert late.state.steps[A].worker == other.id


class TestAtOnce:
    """With the real clock: nobody waits for a tick to see that a fellow is gone."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Rig:
        return Rig(tmp_path, clock=SystemClock())

    def test_a_worker_hears_of_the_end_of_a_fellow_and_goes_on_with_what_it_had(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fellow = Fellow.of(rig)
        monkeypatch.setattr("nofx_cli.worker.process._TICK_MS", 3_600_000)
        run = rig.create(step("a")).run
        fellow.starts(run, "a")
        registered = rig.services.workers.seen()[0].info
        _workers(rig).told(fellow.id, WorkerInfo(registered.id, 0, "", doing=(f"{run}/a/1",)))
        with working(rig) as worker:
            wait_until(lambda: any("watch" in thread for thread in _threads()), why="the watch")
            assert rig.types(run)[-1] == "step.started a"
            fellow.dies()
            wait_until(lambda: rig.types(run)[-1] == "run.succeeded", timeout=PATIENCE, why="the end of the run")
        assert worker.seen.notes == [f"worker {fellow.id} is gone"]

    def test_a_run_whose_foreground_process_is_gone_goes_on(self, rig: Rig) -> None:
        run = rig.create(step("a"), step("b", "a")).run
        hold = rig.services.liveness.hold(run)
        rig.append(run, ev.RunStarted({}))
        rig.append(run, ev.StepEnqueued(), "a")
        rig.append(run, ev.StepStarted("echo", "", "", "ada"), "a", 1)
        with working(rig):
            other = rig.enqueue(step("x")).run
            wait_until(lambda: rig.types(other)[-1] == "run.succeeded", timeout=PATIENCE)
            assert rig.types(run)[-1] == "step.started a"
            hold.release()
            wait_until(lambda: rig.types(run)[-1] == "run.succeeded", timeout=PATIENCE)
        assert rig.types(run)[4:6] == ["worker.lost", "step.interrupted a"]


class TestFencing:
    """An attempt is given to somebody else while it still runs here."""

    @pytest.fixture
    def held(self) -> Held:
        return Held()

    @pytest.fixture
    def rig(self, tmp_path: Path, held: Held) -> Rig:
        return Rig(tmp_path, tools={"held": held}, clock=SystemClock())

    def _given_away(self, rig: Rig, run: RunId, loser: str) -> Fellow:
        """As somebody does who believes that the worker is gone, and starts the next attempt."""
        other = Fellow.of(rig)
        rig.append(run, ev.WorkerLost(loser), worker=other.id)
        rig.append(run, ev.StepInterrupted("by mistake", True, loser), "a", 1, worker=other.id)
        other.starts(run, "a", attempt=2)
        return other

    def test_it_is_stopped_and_its_result_is_dropped(self, rig: Rig, held: Held) -> None:
        with working(rig) as worker:
            run = rig.enqueue(step("a", tool="held"), step("b", "a")).run
            (begun,) = held.has_begun()
            other = self._given_away(rig, run, worker.id)
            wait_until(lambda: begun in held.stopped, why="the end of what runs here")
            assert held.stopped[begun] == "cancelled"
            wait_until(lambda: rig.services.liveness.holder(run) is None, why="the run to be let go")
            assert rig.types(run)[-1] == "step.started a", "nothing of the lost attempt is on record"
            rig.append(run, ev.StepFinished("succeeded", {"by": "other"}), "a", 2, worker=other.id)
            other.dies()
            wait_until(lambda: rig.types(run)[-1] == "run.succeeded", timeout=PATIENCE)
        state = rig.reopen(run).state
        assert (state.steps[A].attempt, state.steps[A].outputs) == (2, {"by": "other"})
        assert rig.types(run).count("step.finished a") == 1

    def test_a_result_that_comes_at_the_same_time_is_dropped_too(
        self, rig: Rig, held: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nofx_cli.worker.process.WorkerProcess._see_changes", lambda _self: None)
        with working(rig) as worker:
            run = rig.enqueue(step("a", tool="held")).run
            (begun,) = held.has_begun()
            self._given_away(rig, run, worker.id)
            held.go()
            wait_until(lambda: rig.services.liveness.holder(run) is None, why="the run to be let go")
        assert held.stopped == {begun: ""}, "it came to its own end"
        assert "step.finished a" not in rig.types(run)

    def test_a_cancellation_that_was_taken_in_with_a_job_ends_what_runs(
        self, rig: Rig, held: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        see, take_up = WorkerProcess._see_changes, RunsInHand.take_up
        taken_up = threading.Event()
        taken_up.set()

        def take_up_first(runs: RunsInHand, name: RunId) -> Execution | None:
            try:
                return take_up(runs, name)
            finally:
                taken_up.set()

        monkeypatch.setattr(WorkerProcess, "_see_changes", lambda worker: taken_up.is_set() and see(worker))
        monkeypatch.setattr(RunsInHand, "take_up", take_up_first)
        with working(rig):
            opened = rig.enqueue(step("a", tool="held"))
            (begun,) = held.has_begun()
            taken_up.clear()
            cancel(rig.reopen(opened.run), reason="enough")
            rig.services.queue.put([Job(opened.run, A, 9)])
            rig.services.workers.ring()
            wait_until(lambda: begun in held.stopped, timeout=PATIENCE, why="the end of what runs here")

    def test_a_cancellation_ends_what_runs_and_nothing_follows(self, rig: Rig, held: Held) -> None:
        with working(rig):
            run = rig.enqueue(step("a", tool="held"), step("b", "a"), step("c", tool="held")).run
            held.has_begun(2)
            rig.append(run, ev.RunCancelled("enough"))
            wait_until(lambda: len(held.stopped) == 2, why="the end of both")
            wait_until(lambda: rig.services.liveness.holder(run) is None, why="the run to be let go")
        assert set(held.stopped.values()) == {"cancelled"}
        assert rig.types(run)[-1] == "run.cancelled"
        assert all(one.status is StepStatus.CANCELLED for one in rig.reopen(run).state.steps.values())
        assert not [job for job in rig.services.queue.waiting() if job.run == run]


def _threads() -> list[str]:
    import threading

    return [thread.name for thread in threading.enumerate()]
