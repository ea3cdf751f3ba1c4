"""A failed gate shows what it found instead of the end of its log, in every view."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nofx_cli.cli.live import WatchedRun
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.frame import Size
from nofx_cli.cli.live.plain import PlainView
from nofx_cli.cli.live.summary import summary
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.step_state import StepState
from tests.unit.cli_live.stage import EVIL, RUN, Stage, failed, gate, plain, started, step

NOTE = Finding("0.py", 1, 1, "N1", "note", "a note")
ERROR = Finding("z.py", 9, 2, "E1", "error", f"bad {EVIL}\n::error::x")


def watched(tmp_path: Path, *findings: Finding) -> tuple[Stage, WatchedRun]:
    stage = Stage(step("lint", "gate:lint"), folder=tmp_path)
    stage.log("lint", "a line of the log\n")
    stage.tell(started("lint"), gate("lint", "failed", "findings"), failed("lint"))

    def found(state: StepState) -> Sequence[Finding]:
        assert state.name == "lint"
        return findings

    return stage, replace(stage.watched, findings=found)


def plain_lines(told: WatchedRun) -> list[str]:
    file = io.StringIO()
    with PlainView(told, stream=file):
        pass
    return [line.removeprefix("  | ") for line in file.getvalue().splitlines() if line.startswith("  | ")]


def live_lines(stage: Stage, told: WatchedRun) -> list[str]:
    lines = summary(Board(told), log_path=told.log_path, size=Size(100, 30), now_us=stage.clock.now_us())
    return [line.strip().removeprefix("│ ") for line in plain(lines, 300) if "│ " in line]


def test_the_worst_are_shown_and_are_harmless(tmp_path: Path) -> None:
    stage, told = watched(tmp_path, NOTE, ERROR)
    expected = ["z.py:9:2 E1 bad red\\u202egpj ::error::x", "0.py:1:1 N1 a note"]
    assert plain_lines(told) == live_lines(stage, told) == expected


def test_they_are_bounded(tmp_path: Path) -> None:
    stage, told = watched(tmp_path, *(replace(NOTE, line=line) for line in range(1, 51)))
    for lines in (plain_lines(told), live_lines(stage, told)):
        assert len(lines) == 11
        assert lines[-1] == f"… and 40 more: nofx gates report {RUN}"


def test_where_there_are_none_the_log_is_shown(tmp_path: Path) -> None:
    stage, told = watched(tmp_path)
    assert plain_lines(told) == live_lines(stage, told) == ["a line of the log"]
