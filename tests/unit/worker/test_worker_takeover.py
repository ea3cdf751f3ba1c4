"""A worker dies beside another one that has the same run in its hands."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nofx_cli.clock import ManualClock, SystemClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import WorkerId
from nofx_cli.domain.outcome import Failed, Outcome, StepError
from nofx_cli.domain.plan import Retry
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.memory.workers import MemoryWorkers
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.processes import RECORD
from nofx_cli.safety import identity
from nofx_cli.testing.rig import Rig
from tests.unit.worker.stage import Held, step, working


def begin_elsewhere(opened: OpenRun, name: str, worker: WorkerId) -> None:
    """Let a step be in the hands of another worker."""

    def build(batch: Batch) -> None:
        batch.add(ev.RunStarted({}))
        batch.settle()
        batch.add(ev.StepStarted("held", "key", "digest", worker), step(name).name, 1)

    opened.commit(build)


def test_its_step_goes_on_in_a_worker_that_is_busy_with_the_same_run(tmp_path: Path) -> None:
    held = Held()
    rig = Rig(tmp_path, tools={"held": held}, clock=SystemClock())
    opened = rig.create(step("a", tool="held"), step("b", tool="held"), concurrency=2)
    run, fellow = opened.run, rig.services.workers.register(concurrency=1)
    begin_elsewhere(opened, "a", fellow.id)
    enqueue(opened)

    with working(rig, drain=True) as worker:
        assert held.has_begun() == [f"{run}/b/1"]
        assert isinstance(rig.services.workers, MemoryWorkers)
        rig.services.workers.die(fellow.id)
        assert held.has_begun(2)[1] == f"{run}/a/2", "while b still runs"
        held.go()
        worker.ended()

    assert rig.types(run)[-1] == "run.succeeded"
    assert rig.types(run).count("worker.lost") == 1


def test_a_retry_that_it_had_put_off_has_its_job_from_another_worker(tmp_path: Path) -> None:
    """It died between the append of the retry and the put of the job that is due later."""
    rig = Rig(tmp_path)
    opened = rig.create(step("a", tool="echo", retry=Retry(2, (7_000,))))
    fellow = rig.services.workers.register(concurrency=1)
    begin_elsewhere(opened, "a", fellow.id)
    due_at = format_at(rig.clock.now_us() + 7_000_000)
    retry = ev.StepRetryScheduled(StepError("flaky", "not yet"), 7_000, due_at, 1)
    opened.commit(lambda batch: batch.add(retry, step("a").name, 1))
    assert isinstance(rig.services.workers, MemoryWorkers)
    rig.services.workers.die(fellow.id)

    rig.worker()

    assert rig.types(opened.run)[-1] == "run.succeeded"


def test_what_each_of_its_steps_left_running_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    opened = rig.create(step("a"), step("b"), concurrency=2)
    fellow = rig.services.workers.register(concurrency=2)
    begin_elsewhere(opened, "a", fellow.id)
    opened.commit(lambda batch: batch.add(ev.StepStarted("held", "key", "digest", fellow.id), step("b").name, 1))
    left = Layout(tmp_path / "store").run(opened.run) / "scratch" / f"{identity.host_id()}-1-000000.0"
    left.mkdir(parents=True)
    assert isinstance(rig.services.workers, MemoryWorkers)
    rig.services.workers.die(fellow.id)
    asked: list[str] = []

    def end_recorded(records: Sequence[Path], marks: Mapping[str, str]) -> int:
        assert list(records) == [left / RECORD]
        asked.append(marks["NOFX_STEP"])
        return 0

    monkeypatch.setattr(rig.services.processes, "end_recorded", end_recorded)

    rig.worker()

    assert asked == ["a", "b"]
    assert not left.exists()
    assert rig.types(opened.run)[-1] == "run.succeeded"


class Passing(ManualClock):
    """Time passes from one look to the next."""

    def now_us(self) -> int:
        self.advance(1)
        return super().now_us()


def test_a_retry_that_falls_due_while_jobs_are_put_has_one(tmp_path: Path) -> None:
    def fails(_ctx: StepContext) -> Outcome:
        return Failed(StepError("flaky", "not yet"), retryable=True)

    rig = Rig(tmp_path, tools={"flaky": fails}, clock=Passing())
    run = rig.enqueue(step("a", tool="flaky", retry=Retry(60, tuple(range(60))))).run

    rig.worker()

    assert rig.types(run)[-1] == "run.failed"
    assert rig.types(run).count("step.started a") == 60
