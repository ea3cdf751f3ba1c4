"""Jobs that could not be delivered: on record once, and back into the queue whatever their runs are like."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.domain.plan import Step
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.dead_letters import requeue, tell_dead_letter
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.ports.queue import Job
from nofx_cli.testing.rig import Rig

A = StepName("a")
WHY = "the plan is gone"
ME = WorkerId("w-here-1")


class CrowdedStore(MemoryRunStore):
    """Does something just before the next append, as another process might."""

    before_append: Callable[[], object] | None = None

    def append(self, run: RunId, expected_seq: int, drafts: Sequence[ev.Draft], **kwargs: Any) -> list[ev.Event]:
        before, self.before_append = self.before_append, None
        if before is not None:
            before()
        return super().append(run, expected_seq, drafts, **kwargs)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, store=CrowdedStore())


def dead_letter(rig: Rig, run: OpenRun) -> Job:
    """The run's first job, after its last delivery has failed."""
    queue, clock = rig.services.queue, rig.clock
    assert isinstance(clock, ManualClock)
    queue.put([Job(run.run, A, 1)])
    while not queue.dead():
        clock.advance(20_000)
        for job in queue.claim(ME, limit=1):
            queue.nack(ME, job.key, WHY)
    (job,) = queue.dead()
    return job


def test_it_is_on_record_why(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    tell_dead_letter(rig.services, Job(run.run, A, 1, reason=WHY))
    assert rig.events(run.run)[-1].payload == ev.StepDeadLettered(WHY)
    assert rig.events(run.run)[-1].step == A
    assert rig.reopen(run.run).state.steps[A].dead_letter == WHY


def test_secrets_in_the_reason_are_masked(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    services = replace(rig.services, mask_text=lambda text: text.replace("hunter2", "***"))
    tell_dead_letter(services, Job(run.run, A, 1, reason="no login with hunter2"))
    assert rig.events(run.run)[-1].payload == ev.StepDeadLettered("no login with ***")


def test_of_a_run_that_has_ended_or_is_gone_nothing_is_told(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    cancel(run, reason="enough")
    tell_dead_letter(rig.services, Job(run.run, A, 1, reason=WHY))
    tell_dead_letter(rig.services, Job(RunId("20260101-120000-zzzzzz"), A, 1, reason=WHY))
    assert rig.types(run.run)[-1] == "run.cancelled"


def test_somebody_who_appends_first_does_not_hinder_it(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    store = rig.services.store
    assert isinstance(store, CrowdedStore)
    store.before_append = lambda: rig.reopen(run.run).commit(lambda batch: batch.add(ev.RunStarted()))
    tell_dead_letter(rig.services, Job(run.run, A, 1, reason=WHY))
    assert rig.types(run.run) == ["run.created", "run.started", "step.dead_lettered a"]


def test_an_end_that_comes_first_is_the_last_word(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    store = rig.services.store
    assert isinstance(store, CrowdedStore)
    store.before_append = lambda: cancel(rig.reopen(run.run), reason="enough")
    tell_dead_letter(rig.services, Job(run.run, A, 1, reason=WHY))
    assert rig.types(run.run) == ["run.created", "run.cancelled"]


def test_requeued_it_waits_as_new_on_record_and_the_workers_are_woken(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    letter = dead_letter(rig, run)
    tell_dead_letter(rig.services, letter)
    with rig.services.workers.register(concurrency=1) as registration:
        assert [job.key for job in requeue(rig.services, [letter.key])] == [letter.key]
        assert registration.wait_for_ring(timeout_ms=0)
    (job,) = rig.services.queue.waiting()
    assert (job.failures, job.reason) == (0, "")
    assert rig.types(run.run)[-2:] == ["step.dead_lettered a", "step.enqueued a"]
    assert rig.reopen(run.run).state.steps[A].dead_letter == ""
    assert rig.execute(rig.reopen(run.run)).state.ended


def test_what_is_no_dead_letter_on_record_is_not_enqueued_on_record(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    letter = dead_letter(rig, run)
    requeue(rig.services, [letter.key, "20260101-120000-zzzzzz/a/1"])
    assert rig.types(run.run) == ["run.created"]
    assert len(rig.services.queue.waiting()) == 1


def test_of_a_run_that_has_ended_nothing_follows(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    letter = dead_letter(rig, run)
    tell_dead_letter(rig.services, letter)
    cancel(rig.reopen(run.run), reason="enough")
    requeue(rig.services, [letter.key])
    assert rig.types(run.run)[-1] == "run.cancelled"


def test_a_plan_that_still_cannot_be_read_does_not_keep_it_from_being_tried(rig: Rig) -> None:
    run = rig.create(Step(A, "echo"))
    letter = dead_letter(rig, run)
    tell_dead_letter(rig.services, letter)
    broken = replace(rig.services, load_plan=_refuse)
    assert [job.key for job in requeue(broken, [letter.key])] == [letter.key]
    assert rig.types(run.run)[-1] == "step.dead_lettered a"


def _refuse(text: str, source: str) -> Any:
    raise errors.InvalidInput(f"{source} cannot be read")
