"""What a retry resets, and when it is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import Failed, StepError
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.engine.retry import retry
from nofx_cli.testing.rig import Rig


def _step(name: str, *needs: str, tool: str = "echo", when: str = "success") -> Step:
    return Step(StepName(name), tool, tuple(map(StepName, needs)), when=when)


def _ended(folder: Path) -> tuple[Rig, OpenRun]:
    rig = Rig(folder, tools={"fail": lambda _ctx: Failed(StepError("broken", "it broke"))})
    run = rig.create(
        _step("a"),
        _step("bad", "a", tool="fail"),
        _step("skipped", "bad"),
        _step("cleanup", "bad", when="always"),
        _step("free"),
    )
    rig.execute(run)
    return rig, rig.reopen(run.run)


def test_what_failed_and_all_that_needs_it(tmp_path: Path) -> None:
    rig, run = _ended(tmp_path)
    assert retry(run) == ["bad", "skipped", "cleanup"]
    assert rig.types(run.run)[-4:] == [
        "run.resumed", "step.reset bad", "step.reset skipped", "step.reset cleanup",
    ]  # fmt: skip
    state = rig.reopen(run.run).state
    assert state.status is RunStatus.RUNNING
    assert {name: step.status for name, step in state.steps.items()} == {
        "a": StepStatus.SUCCEEDED,
        "bad": StepStatus.PENDING,
        "skipped": StepStatus.PENDING,
        "cleanup": StepStatus.PENDING,
        "free": StepStatus.SUCCEEDED,
    }


def test_from_a_step_that_succeeded(tmp_path: Path) -> None:
    _, run = _ended(tmp_path)
    assert retry(run, start=StepName("a")) == ["a", "bad", "skipped", "cleanup"]


def test_a_step_that_there_is_not(tmp_path: Path) -> None:
    _, run = _ended(tmp_path)
    with pytest.raises(errors.NotFound) as refused:
        retry(run, start=StepName("c"))
    assert refused.value.code == "step-not-found"


def test_nothing_to_do_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(_step("a"))
    rig.execute(run)
    with pytest.raises(errors.Conflict, match="there is nothing to do again") as refused:
        retry(rig.reopen(run.run))
    assert (refused.value.code, refused.value.hint.endswith(f"nofx rerun {run.run}")) == ("nothing-to-retry", True)
    assert rig.types(run.run)[-1] == "run.succeeded"


def test_a_run_that_has_not_ended(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(_step("a"))
    with pytest.raises(errors.Conflict) as refused:
        retry(run)
    assert (refused.value.code, refused.value.hint) == ("run-not-ended", f"nofx resume {run.run}")


def test_a_run_that_waits_is_done_again_from_any_step_and_asks_anew(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(_step("a"), replace(_step("asks", "a"), approval=True), _step("later", "asks"))
    rig.execute(run)
    assert retry(rig.reopen(run.run), start=StepName("a")) == ["a", "asks"]
    state = rig.execute(rig.reopen(run.run)).state
    assert (state.status, state.steps[StepName("a")].attempt) == (RunStatus.WAITING, 2)
    assert rig.types(run.run).count("approval.requested asks") == 2


def test_a_run_that_waits_and_of_which_nothing_failed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(replace(_step("asks"), approval=True))
    rig.execute(run)
    with pytest.raises(errors.Conflict, match="waits: there is nothing to do again") as refused:
        retry(rig.reopen(run.run))
    assert refused.value.code == "nothing-to-retry"


def test_a_run_that_is_held_is_not_touched(tmp_path: Path) -> None:
    rig, run = _ended(tmp_path)
    before = rig.types(run.run)
    with rig.services.liveness.hold(run.run), pytest.raises(errors.Conflict) as refused:
        retry(run)
    assert refused.value.code == "run-is-held"
    assert rig.types(run.run) == before
    retry(run)


def test_what_somebody_else_did_meanwhile_is_seen(tmp_path: Path) -> None:
    rig, run = _ended(tmp_path)
    other = rig.reopen(run.run)
    retry(other)
    with pytest.raises(errors.Conflict) as refused:
        retry(run)
    assert refused.value.code == "run-not-ended"


def test_a_cancelled_run_is_done_again_from_where_it_stood(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(_step("a"), _step("b", "a"))
    cancel(run, reason="enough")
    assert retry(run) == ["a", "b"]
    assert rig.execute(rig.reopen(run.run)).state.status is RunStatus.SUCCEEDED
