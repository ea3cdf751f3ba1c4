"""`nofx run` on a pseudo-terminal, watched and answered by key, under a shell that knows Ctrl-Z."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.watched import Watched

pytestmark = pytest.mark.acceptance

PLAN = """\
goal: Release it
steps:
  - {name: build, tool: shell, inputs: {command: "printf 'built \\\\033[31m7\\\\n::error::x\\\\n'"}}
  - {name: release, tool: "manual:release", inputs: {message: "Release 1.4?"}}
  - {name: publish, tool: shell, inputs: {command: "echo published"}}
"""
SLOW = """\
steps:
  - {name: slow, tool: shell, inputs: {command: "echo begun; sleep 60"}}
"""

WRITES = """\
concurrency: 2
steps:
  - {name: notes, tool: "workspace:write", needs: [], approval: true, inputs: {path: notes.md, content: "new\\n"}}
  - {name: ship, tool: "manual:ship", needs: [], inputs: {message: "Ship it?"}}
"""


@pytest.fixture
def plan(tmp_path: Path) -> str:
    (tmp_path / "nofx.yaml").touch()
    (tmp_path / "release.yaml").write_text(PLAN)
    (tmp_path / "slow.yaml").write_text(SLOW)
    (tmp_path / "writes.yaml").write_text(WRITES)
    (tmp_path / "notes.md").write_text("old\n")
    return "release.yaml"


def _events() -> list[dict[str, object]]:
    [journal] = Path(os.environ["NOFX_HOME"]).glob("runs/*/*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text("utf-8").splitlines()]


def test_approved_by_key(plan: str) -> None:
    with Watched("run", plan) as nofx:
        nofx.shows("release waits for you")
        nofx.shows("Release 1.4?")
        assert not nofx.is_as_before
        nofx.press("a")
        assert nofx.code() == 0
        nofx.shows("✓ succeeded in")
        nofx.shows("published")
        assert nofx.is_as_before
        assert ": :error::x" in nofx.seen
    assert [event["type"] for event in _events()].count("approval.granted") == 1


def test_rejected_by_key_with_a_note(plan: str) -> None:
    with Watched("run", plan) as nofx:
        nofx.shows("release waits for you")
        nofx.press("r")
        nofx.shows("why?")
        nofx.press("too soon\r")
        assert nofx.code() == 6
        nofx.shows("too soon")
        nofx.shows("--from release")
        assert nofx.is_as_before
    [rejected] = [event for event in _events() if event["type"] == "approval.rejected"]
    assert rejected["data"]["note"] == "too soon"  # type: ignore[index] # an object


def test_approved_by_another_process_while_watched(plan: str) -> None:
    with Watched("run", plan) as nofx:
        nofx.shows("release waits for you")
        done = subprocess.run(
            [sys.executable, "-m", "nofx_cli", "approve", "release", "-m", "from afar"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert nofx.code() == 0
        nofx.shows("from afar")


def test_what_changed_after_it_was_shown_is_asked_anew(plan: str, tmp_path: Path) -> None:
    with Watched("run", "writes.yaml") as nofx:
        nofx.shows("▸1 notes   2 ship")
        nofx.shows("-old")
        (tmp_path / "notes.md").write_text("somebody else's\n")
        nofx.press("a")
        nofx.shows("has changed since it was shown")
        nofx.shows("-somebody else's")
        assert (tmp_path / "notes.md").read_text() == "somebody else's\n"
        nofx.press("a")
        nofx.shows("✓ notes")
        nofx.shows("ship waits for you")
        nofx.press("a")
        assert nofx.code() == 0
    assert (tmp_path / "notes.md").read_text() == "new\n"


def test_left_while_it_waits(plan: str) -> None:
    with Watched("run", plan) as nofx:
        nofx.shows("d leave")
        nofx.press("d")
        assert nofx.code() == 8
        nofx.shows("nofx approve release --run ")
        assert nofx.is_as_before
    assert _events()[-1]["type"] == "run.waiting"


def test_stopped_by_ctrl_c(plan: str) -> None:
    with Watched("run", "slow.yaml") as nofx:
        nofx.shows("begun")
        nofx.press("\x03")
        assert nofx.code() == 130
        nofx.shows("cancelled after")
        nofx.shows("\x1b[?25h")
        assert nofx.is_as_before


def test_ctrl_z_and_fg(plan: str) -> None:
    with Watched("run", plan) as nofx:
        nofx.shows("release waits for you")
        nofx.press("\x1a")
        nofx.shows("the job was stopped")
        assert nofx.is_as_before
        nofx.forget()
        nofx.press("fg\n")
        nofx.shows("release waits for you")
        nofx.press("a")
        assert nofx.code() == 0
        assert nofx.is_as_before


def test_terminal_of_forty_columns(plan: str) -> None:
    with Watched("run", plan, columns=40, lines=16) as nofx:
        nofx.shows("release waits for you")
        nofx.shows("a approve  r reject")
        nofx.press("a")
        assert nofx.code() == 0
