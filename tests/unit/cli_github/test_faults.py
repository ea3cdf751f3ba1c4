"""Faults of a plan are annotations: beside their lines where there is a file, and no more than are shown."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.cli.github.annotations import MOST
from nofx_cli.cli.github.faults import annotate_faults
from nofx_cli.planning.diagnostics import Diagnostic, PlanInvalid


def fault(source: Path | str, line: int = 4, message: str = "there is no tool `shel`") -> Diagnostic:
    return Diagnostic("plan-unknown-tool", message, str(source), line, 11, hint="did you mean `shell`?")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "plans").mkdir()
    path = tmp_path / "plans" / "x.yaml"
    path.touch()
    return path


def told(capsys: pytest.CaptureFixture[str], error: errors.NofxError, **environ: str) -> list[str]:
    annotate_faults(error, environ)
    captured = capsys.readouterr()
    assert not captured.out
    return captured.err.splitlines()


def test_a_fault_stands_beside_its_line(plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = told(capsys, PlanInvalid([fault(plan)]), GITHUB_WORKSPACE=str(tmp_path))
    place = "file=plans/x.yaml,line=4,col=11,title=plan-unknown-tool"
    assert line == f"::error {place}::there is no tool `shel`%0Adid you mean `shell`?"


def test_what_is_no_file_is_not_named(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = told(capsys, PlanInvalid([fault("-p commit")]))
    assert line.startswith("::error line=4,")


def test_a_plan_gives_no_commands(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = told(capsys, PlanInvalid([fault(plan, message="no `\n::error::x\r::add-mask::y\x1b[2J%0A`")]))
    assert line.endswith("::no `\\n::error::x\\r::add-mask::y%250A`%0Adid you mean `shell`?")


def test_there_are_no_more_than_are_shown(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, PlanInvalid([fault(plan, line) for line in range(1, 30)]))
    assert len(lines) == MOST
    assert "line=1," in lines[0]


def test_an_error_without_lines_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, errors.NotFound("there is no plan")) == []
