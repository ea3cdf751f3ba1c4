"""The board of a live view takes in whatever is told of its run."""

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Step
from nofx_cli.domain.step_state import StepStatus
from tests.unit.cli_live.stage import Stage


def test_a_rollback_is_taken_in() -> None:
    build = StepName("build")
    stage = Stage(Step(build, "shell"))
    board = stage.board()
    board.tell(
        stage.tell((ev.StepEnqueued(), "build"), (ev.StepStarted(), "build", 1), (ev.StepFinished(), "build", 1))
    )
    assert board.take_in()
    assert board.state.steps[build].status is StepStatus.SUCCEEDED
    board.tell(stage.tell(ev.RunRolledBack(3)))
    assert board.take_in()
    assert board.state.steps[build].status is StepStatus.QUEUED
    board.tell(stage.tell(ev.RunResumed()))
    assert board.take_in()
    assert not board.state.set_back
