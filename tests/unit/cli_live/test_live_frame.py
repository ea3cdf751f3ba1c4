"""A whole frame: head, steps, foot, fitted to any terminal."""

import pytest

from nofx_cli.domain.plan import Severity
from tests.unit.cli_live.stage import Stage, failed, gate, started, step, succeeded


def _release() -> Stage:
    warned = step("types", "gate:lint", severity=Severity.WARNING)
    stage = Stage(step("lint", "gate:lint"), warned, step("tests", "gate:unit"), step("publish"))
    stage.tell(started("lint"), started("types"), started("tests"))
    stage.clock.advance(1_200)
    stage.tell(gate("lint", "passed", "no findings in 120 files"), succeeded("lint"), failed("types"))
    return stage


def test_at_80_columns() -> None:
    stage = _release()
    assert stage.frame(stage.board(tests="tests/test_a.py .....")) == [
        "",
        " release  Try it                                         20261122-091530-7k3f9q",
        "",
        " ✓ lint     gate:lint  passed · no findings in 120 files                   1.2s",
        " ! types    gate:lint  warning · exit code 1: no route to host             1.2s",
        " ⠹ tests    gate:unit  tests/test_a.py .....                                 1s",
        " · publish  shell",
        "",
        " ━━━━━━──────  2/4 · 1 running · 1 warned                                    1s",
    ]


def test_at_140_columns() -> None:
    stage = _release()
    frame = stage.frame(stage.board(tests="tests/test_a.py ....."), columns=140)
    assert frame[1] == f" release  Try it{'20261122-091530-7k3f9q':>123}"
    assert frame[5] == f" ⠹ tests    gate:unit  tests/test_a.py .....{'1s':>95}"
    assert max(map(len, frame)) == 139


def test_at_40_columns_goal_tool_and_bar_give_way() -> None:
    stage = _release()
    assert stage.frame(stage.board(), columns=40) == [
        "",
        " release         20261122-091530-7k3f9q",
        "",
        " ✓ lint     passed · no finding…   1.2s",
        " ! types    warning · exit code…   1.2s",
        " ⠹ tests                             1s",
        " · publish",
        "",
        " 2/4 · 1 running · 1 warned          1s",
    ]


@pytest.mark.parametrize("columns", [20, 33, 40, 80, 140, 200])
@pytest.mark.parametrize("lines", [1, 3, 7, 12, 24, 60])
def test_fits_every_terminal(columns: int, lines: int) -> None:
    stage = Stage(*(step(f"step_{number}") for number in range(30)))
    stage.tell(started("step_3"), stage.request("step_9", "Go?", preview={"diff": "+one\n" * 50}))
    frame = stage.frame(stage.board(step_3="wide 漢字 " * 40), columns=columns, lines=lines)
    assert 0 < len(frame) <= lines


def test_stopping_is_said() -> None:
    stage = _release()
    board = stage.board()
    board.stopping = True
    assert stage.frame(board)[-1].startswith(" stopping… Ctrl-C again kills")


def test_hundreds_of_steps_are_windowed() -> None:
    stage = Stage(*(step(f"step_{number:03}") for number in range(300)))
    for number in range(250):
        stage.tell(started(f"step_{number:03}"))
        stage.clock.advance(10)
        ended = failed if number == 7 else succeeded
        if number not in (3, 200, 249):
            stage.tell(ended(f"step_{number:03}"))
    frame = stage.frame(stage.board(), lines=18)
    assert [row.split()[:2] for row in frame[3:-3]] == [
        ["⠴", "step_003"],
        ["✗", "step_007"],
        ["⠴", "step_200"],
        ["✓", "step_245"],
        ["✓", "step_246"],
        ["✓", "step_247"],
        ["✓", "step_248"],
        ["⠴", "step_249"],
        ["·", "step_250"],
        ["·", "step_251"],
        ["·", "step_252"],
        ["·", "step_253"],
    ]
    assert frame[-3] == "   … 242 more done, 46 to go"
    assert frame[-1].split("  ")[1].startswith("247/300 · 3 running · 1 failed")


def test_more_runs_than_there_is_room_for() -> None:
    stage = Stage(*(step(f"step_{number:03}") for number in range(100)))
    stage.tell(*(started(f"step_{number:03}") for number in range(60)))
    frame = stage.frame(stage.board(), lines=12)
    assert "   … 51 more running, 40 to go" in frame
