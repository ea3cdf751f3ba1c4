"""A cancellation ends a run once, whoever else is about to change it."""

import threading
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.testing.rig import Rig


def _run(folder: Path) -> tuple[Rig, OpenRun]:
    rig = Rig(folder)
    return rig, rig.create(Step(StepName("a"), "echo"))


def test_steps_that_have_not_ended_are_cancelled_and_the_reason_is_kept(tmp_path: Path) -> None:
    rig, run = _run(tmp_path)
    assert cancel(run, reason="enough")
    state = rig.reopen(run.run).state
    assert (state.status, state.cancel_reason) == (RunStatus.CANCELLED, "enough")
    assert state.steps[StepName("a")].status is StepStatus.CANCELLED


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    rig, run = _run(tmp_path)
    stale = rig.reopen(run.run)
    assert cancel(run, reason="enough")
    assert not cancel(stale, reason="again")
    assert rig.types(run.run).count("run.cancelled") == 1


def test_a_run_that_has_ended_cannot_be_cancelled(tmp_path: Path) -> None:
    rig, run = _run(tmp_path)
    stale = rig.reopen(run.run)
    rig.execute(run)
    with pytest.raises(errors.Conflict, match="has succeeded already") as refused:
        cancel(stale, reason="late")
    assert refused.value.code == "run-ended"
    assert rig.types(run.run)[-1] == "run.succeeded"


def test_of_many_who_cancel_one_does(tmp_path: Path) -> None:
    rig, run = _run(tmp_path)
    together, found = threading.Barrier(4), list[bool]()

    def act() -> None:
        mine = rig.reopen(run.run)
        together.wait(10)
        found.append(cancel(mine, reason="enough"))

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, False, False, True]
    assert rig.types(run.run).count("run.cancelled") == 1


def test_nothing_is_executed_after_it(tmp_path: Path) -> None:
    rig, run = _run(tmp_path)
    cancel(rig.reopen(run.run), reason="enough")
    assert rig.execute(run).state.status is RunStatus.CANCELLED
    assert rig.types(run.run) == ["run.created", "run.cancelled"]
