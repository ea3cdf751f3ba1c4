"""`kill -9` while a database is changed: each change is made once, whatever the process came to."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.crash.dying_writer import AT_RANDOM, CHANGES, WITHOUT_ACCOUNTS
from tests.databases import postgres_schema

pytestmark = pytest.mark.crash

REPOSITORY = Path(__file__).resolve().parents[2]
COMMITTED = ("after commit", "before effect.done", "after effect.done")
KILLS = 100
"""At least so many in each of the two databases."""


def cases_of(folder: Path, *words: str) -> list[dict[str, Any]]:
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    words = (sys.executable, "-m", "tests.crash.dying_writer", str(folder), *words)
    ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=REPOSITORY, env=env)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_in_sqlite_each_change_is_made_once_whenever_its_process_dies() -> None:
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # no disk is waited for: no power is lost here
    with TemporaryDirectory(prefix="nofx-", dir=memory) as folder:
        hold_to_promises(cases_of(Path(folder)))


def test_in_postgresql_each_change_is_made_once_whenever_its_process_dies(tmp_path: Path) -> None:
    with postgres_schema() as database:
        hold_to_promises(cases_of(tmp_path, database.url, database.schema))


def hold_to_promises(cases: list[dict[str, Any]]) -> None:
    killed = [case for case in cases if case["code"] == -signal.SIGKILL]
    assert len(killed) >= KILLS
    assert len([case for case in cases if not case["at"]]) == AT_RANDOM * len(CHANGES)
    for kind in CHANGES:
        dies_at_every_point(kind, Counter(case["point"] for case in killed if case["kind"] == kind))
    for case in cases:
        assert case["made"], case
        assert (case["accounts"], case["outcome"]) == (1, "Succeeded"), case
        if case["point"] and case["kind"] != WITHOUT_ACCOUNTS:  # before the commit nothing is there, after it all is
            assert bool(case["there"]) is (case["point"] in COMMITTED), case
        if case["reconciled"]:
            assert case["reconciled"] == ("Done" if case["there"] else "NotDone"), case


def dies_at_every_point(kind: str, points: Counter[str]) -> None:
    for call in ("connect", "begin", "select", "execute", "commit", "effect.done"):
        assert points[f"before {call}"], (kind, call)
        assert points[f"after {call}"], (kind, call)
    assert points["the intent is on record"] == 1
    assert points["before commit"] == points["after commit"] == 1 + (kind == WITHOUT_ACCOUNTS)
    assert bool(points["after before.jsonl"]) is ("insert" not in CHANGES[kind][0])
