"""When the jobs of the queue are due, as a person is told."""

from pathlib import Path

from nofx_cli.clock import ManualClock
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.engine.view_queue import view_queue
from nofx_cli.ports.queue import Job
from nofx_cli.testing.rig import Rig

RUN = RunId("20260101-120000-aaaaaa")


def job(step: str, *, delay_ms: int = 0) -> Job:
    return Job(RUN, StepName(step), 1, delay_ms=delay_ms)


def test_what_waits_says_when_it_is_due_and_what_is_claimed_who_has_it(tmp_path: Path) -> None:
    clock = ManualClock()
    rig = Rig(tmp_path, clock=clock)
    rig.services.queue.put([job("held")])
    rig.services.queue.claim(WorkerId("w"), limit=1)
    rig.services.queue.put([job("later", delay_ms=2_000), job("now")])
    clock.advance(499.5)
    view = view_queue(rig.services)
    assert [(waiting.job.step, waiting.due_in_ms) for waiting in view.waiting] == [("now", 0), ("later", 1_501)]
    assert [(claimed.job.step, claimed.worker) for claimed in view.claimed] == [("held", "w")]
    clock.advance(1_500.5)
    assert {waiting.due_in_ms for waiting in view_queue(rig.services).waiting} == {0}


def test_a_clock_that_was_set_back_makes_a_job_due(tmp_path: Path) -> None:
    clock = ManualClock()
    rig = Rig(tmp_path, clock=clock)
    rig.services.queue.put([job("later", delay_ms=2_000)])
    clock.advance(-3_600_000)
    (waiting,) = view_queue(rig.services).waiting
    assert waiting.due_in_ms == 0
    assert rig.services.queue.stats().due == 1
