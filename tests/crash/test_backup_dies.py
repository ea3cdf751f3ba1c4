"""Whoever dies while it makes or restores a backup leaves the old store or the new one, at whatever step it died."""

import json
import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.crash


def cases(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.crash.dying_backup", str(folder), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "NOFX_SYNC"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [case["died"] for case in found] == [True] * (len(found) - 1) + [False]
    return found


def in_turn(found: list[dict[str, Any]], *names: str) -> list[Any]:
    """What one, or several, of the fields were, one after another."""
    values = (tuple(case[name] for name in names) if len(names) > 1 else case[names[0]] for case in found)
    return [value for value, _ in groupby(values)]


def test_a_backup_that_is_cut_off_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    found = cases(tmp_path, "create")
    assert len(found) > 8
    assert in_turn(found, "left") == ["old"]
    assert in_turn(found, "sound") == [1, 2]
    assert in_turn(found, "again") == [2, 3]
    assert in_turn(found, "leftovers") == [[]]


def test_a_restore_that_is_cut_off_leaves_the_old_store_or_is_brought_to_its_end(tmp_path: Path) -> None:
    found = cases(tmp_path / "restore", "restore")
    assert in_turn(found, "closed", "left") == [("", "old"), ("restore-cut-off", ""), ("", "new")]
    assert in_turn(found, "finished") == ["old", "new"]
    assert in_turn(found, "backups") == [1, 2], "the one of what was there is made before anything is replaced"
    assert in_turn(found, "leftovers") == [[]]
    assert in_turn(found, "open") == [""]

    closed = [case["at"] for case in found if case["closed"]]
    assert len(closed) > 5
    again = cases(tmp_path / "finish", "finish", str(closed[len(closed) // 2]))
    assert in_turn(again, "finished") == ["new"]
    assert in_turn(again, "leftovers") == [[]]
