"""An attempt whose log or process record could not be written was cut off by the store, not failed by the step."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.worker.recovery import MOST_RERUNS
from tests.unit.worker.stage import payloads, step

FULL = "the log could not be written: No space left on device"


def full(ctx: StepContext) -> Outcome:
    raise errors.StoreFailure(FULL, code="log-not-written")


def full_once(ctx: StepContext) -> Outcome:
    return full(ctx) if ctx.attempt == 1 else Succeeded()


def workspace_full(ctx: StepContext) -> Outcome:
    raise errors.StoreFailure("notes.md could not be written", code="write-failed")


def in_a_worker(rig: Rig, run: OpenRun) -> None:
    enqueue(run)
    rig.worker()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    tools = {
        "full": FunctionHandler(full),
        "full once": FunctionHandler(full_once),
        "unsafe": FunctionHandler(full_once, rerun_safe=False),
        "workspace": FunctionHandler(workspace_full),
    }
    return Rig(tmp_path, tools=tools)


@pytest.fixture(params=["here", "in a worker"])
def go(request: pytest.FixtureRequest, rig: Rig) -> Callable[[OpenRun], OpenRun]:
    def execute(run: OpenRun) -> OpenRun:
        if request.param == "here":
            rig.execute(run)
        else:
            in_a_worker(rig, run)
        return rig.reopen(run.run)

    return execute


def test_it_runs_again_where_that_is_safe(rig: Rig, go: Callable[[OpenRun], OpenRun]) -> None:
    run = go(rig.create(step("a", tool="full once"), step("b", "a")))
    assert run.state.status is RunStatus.SUCCEEDED
    (cut,) = payloads(rig, run.run, ev.StepInterrupted)
    assert isinstance(cut, ev.StepInterrupted)
    assert (cut.reason, cut.rerun) == (FULL, True)
    assert not payloads(rig, run.run, ev.WorkerLost)


def test_a_person_is_asked_where_it_is_not(rig: Rig, go: Callable[[OpenRun], OpenRun]) -> None:
    run = go(rig.create(step("a", tool="unsafe"), step("b", "a")))
    assert (run.state.status, run.state.steps[step("a").name].status) == (RunStatus.WAITING, StepStatus.WAITING)
    (asked,) = payloads(rig, run.run, ev.ApprovalRequested)
    assert isinstance(asked, ev.ApprovalRequested)
    assert asked.reason is ev.AskReason.INTERRUPTED


def test_a_person_is_asked_when_it_happens_again_and_again(rig: Rig, go: Callable[[OpenRun], OpenRun]) -> None:
    run = go(rig.create(step("a", tool="full")))
    assert run.state.status is RunStatus.WAITING
    assert run.state.steps[step("a").name].attempt == MOST_RERUNS + 1


def test_a_file_of_the_workspace_that_cannot_be_written_fails_the_step(
    rig: Rig, go: Callable[[OpenRun], OpenRun]
) -> None:
    run = go(rig.create(step("a", tool="workspace")))
    assert run.state.status is RunStatus.FAILED


def test_a_line_of_a_handler_that_finds_no_room_is_of_the_store(rig: Rig, go: Callable[[OpenRun], OpenRun]) -> None:
    def says(ctx: StepContext) -> Outcome:
        log = rig.services.artifacts.log_path(ctx.run_id, ctx.step, ctx.attempt)
        if ctx.attempt == 1:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.symlink_to("/dev/full")
        ctx.log("a line")
        return Succeeded()

    rig.tools["says"] = FunctionHandler(says)

    run = go(rig.create(step("a", tool="says")))

    assert run.state.status is RunStatus.SUCCEEDED
    assert run.state.steps[StepName("a")].attempt == 2
    [cut_off] = payloads(rig, run.run, ev.StepInterrupted)
    assert isinstance(cut_off, ev.StepInterrupted)
    assert "No space left on device" in cut_off.reason
