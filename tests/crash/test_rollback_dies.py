"""`kill -9` of `nofx rollback` at each point: the run is where it was or where it was to go, with all of its files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.checkouts import Checkout
from tests.acceptance.program import Program

PLAN = """\
version: 1
workspace: worktree
steps:
  - {name: a, tool: shell, inputs: {command: "echo a >> notes.txt"}}
  - {name: b, tool: shell, inputs: {command: "echo b >> notes.txt"}}
"""
RUN_ENDED = 5


@pytest.mark.crash
def test_a_rollback_that_is_killed_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "repo").begin()
    (tmp_path / "plan.yaml").write_text(PLAN)
    nofx = Program(checkout.project, tmp_path / "store")
    made = nofx("run", str(tmp_path / "plan.yaml"), "-q", env={"NOFX_HOME": str(tmp_path / "store")})
    assert made.code == 0, made
    driven = subprocess.run(
        [sys.executable, "-m", "tests.crash.dying_rollback", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert driven.returncode == 0, driven.stderr
    cases = [json.loads(line) for line in driven.stdout.splitlines()]

    assert [case["committed"] for case in cases] == [False] * 3 + [True] * 5
    for case in cases:
        check(case)


def check(case: dict[str, object]) -> None:
    where = f"{case['point']} of append {case['append']}:\n{case['log']}"
    before, gone_on, after = case["before"], case["gone_on"], case["after"]
    assert isinstance(before, dict)
    assert isinstance(gone_on, dict)
    assert isinstance(after, dict)
    assert case["died"] == -9, where
    assert case["verified"] == 0, where
    by_hand = {"notes.txt": "a\nb\n", "hand.txt": f"by hand {case['number']}\n"}
    assert {name: before[name] for name in by_hand} == by_hand, where
    if case["committed"]:
        assert case["resumed"] == 0, where
        assert gone_on["notes.txt"] == "a\nb\n", f"b was done on what there was before: {where}"
        assert gone_on["hand.txt"] == "", where
    else:
        assert case["resumed"] == RUN_ENDED, where
    assert case["undone"] == 0, where
    assert {name: after[name] for name in by_hand} == by_hand, where
