"""Whoever dies while it applies edits leaves a workspace that the next attempt makes whole, whenever it died."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def cases(folder: Path, *arguments: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "tests.crash.dying_edits", str(folder), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "NOFX_SYNC"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.crash
def test_whenever_an_attempt_dies_the_workspace_is_made_whole(tmp_path: Path) -> None:
    found = cases(tmp_path)
    assert [case["died"] for case in found] == [True] * (len(found) - 1) + [False]
    left = [case["left"] for case in found]
    assert [state for state, before in zip(left, ["", *left], strict=False) if state != before] == [
        "old",
        "mixed",
        "new",
    ]
    assert left.count("mixed") > 20
    assert {case["settled"] for case in found} == {"old"}
    assert {str(case["folders"]) for case in found} == {"['sub']"}
    assert {case["again"] for case in found} == {"new"}
    by_others = [str(case["by_others"]) for case in found]
    assert by_others == sorted(by_others, reverse=True)  # old as long as it was not done, then new
    assert set(by_others) == {"old", "new"}


@pytest.mark.crash
@pytest.mark.parametrize("first", [90, 112, 118], ids=["among the files", "at the last file", "when all is done"])
def test_whoever_dies_while_it_takes_back_leaves_that_to_the_next(tmp_path: Path, first: int) -> None:
    found = cases(tmp_path, str(first))
    assert len(found) > 20
    assert {case["settled"] for case in found} == {"old"}
    assert {str(case["folders"]) for case in found} == {"['sub']"}
    assert {case["again"] for case in found} == {"new"}
    assert not any(str(case["left"]).startswith("torn") for case in found)
