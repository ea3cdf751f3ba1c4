"""`kill -9` of the foreground `nofx` at every append, at each point of it: `nofx resume` finishes the run."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("dying.py")
PLAN = """\
version: 1
policy: {env: {allow: [EFFECTS]}}
steps:
  - {name: a, tool: shell, needs: [], inputs: {command: 'echo "$NOFX_RUN_ID a $NOFX_ATTEMPT" >> "$EFFECTS"'}}
  - {name: b, tool: "test:echo", inputs: {x: 1}}
  - {name: c, tool: shell, needs: [a], inputs: {command: 'echo "$NOFX_RUN_ID c $NOFX_ATTEMPT" >> "$EFFECTS"'}}
  - {name: d, tool: "test:echo", needs: [b, c]}
"""
STEPS = ("a", "b", "c", "d")


@pytest.mark.crash
def test_a_run_killed_at_any_append_is_finished_by_resume(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    driven = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path / "cases"), str(plan)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert driven.returncode == 0, driven.stderr
    cases = [json.loads(line) for line in driven.stdout.splitlines()]

    appends = Counter(case["point"] for case in cases)
    assert len(appends) == 5
    assert min(appends.values()) >= 4, appends  # `a` and `b` may end in one batch: how many there are, time decides
    for case in cases:
        check(case)


@pytest.mark.long
@pytest.mark.crash
@pytest.mark.timeout(1_200)
def test_random_plans_killed_at_random_points_are_finished_by_resume(tmp_path: Path) -> None:
    """A failure names its seed: `python tests/crash/dying.py FOLDER --seeds SEED 1` plays it again."""
    driven = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path / "cases"), "--seeds", "1", "300"],
        capture_output=True,
        text=True,
        timeout=1_100,
        check=False,
    )
    assert driven.returncode == 0, driven.stderr
    cases = [json.loads(line) for line in driven.stdout.splitlines()]

    assert len(cases) == 300
    assert sum(case["died"] == -9 for case in cases) > 150
    for case in cases:
        if case["runs"]:
            check_whole(case)


def check_whole(case: dict[str, object]) -> None:
    """What holds of every run, wherever it was killed."""
    where = f"seed {case['seed']}, {case['point']} of append {case['append']}:\n{case['log']}"
    events = [tuple(event) for event in case["events"]]  # type: ignore[attr-defined]
    types = Counter(event[0] for event in events)
    assert case["verified"] == 0, where
    assert (types["run.succeeded"], events[-1][0]) == (1, "run.succeeded"), where
    assert set(Counter(event[1:] for event in events if event[0] == "step.started").values()) == {1}, where
    assert set(Counter(event[1] for event in events if event[0] == "step.finished").values()) == {1}, where
    assert set(Counter(case["effects"]).values()) <= {1}, where  # type: ignore[call-overload]


def check(case: dict[str, object]) -> None:
    where = f"{case['point']} of append {case['append']}:\n{case['log']}"
    assert case["died"] == -9, where
    if case["append"] == 1 and case["point"] == "before the write":
        assert case["runs"] == 0, where  # the run was never there
        return
    events = [tuple(event) for event in case["events"]]  # type: ignore[attr-defined]
    types = Counter(event[0] for event in events)
    finished = Counter(event[1] for event in events if event[0] == "step.finished")
    started = Counter(event[1:] for event in events if event[0] == "step.started")
    ended = events[-1][0] == "run.succeeded"
    assert ended, where
    assert types["run.succeeded"] == 1, where
    assert case["verified"] == 0, where
    assert finished == dict.fromkeys(STEPS, 1), where  # no step that was committed ran again
    assert set(started.values()) == {1}, where  # no attempt started twice
    effects = Counter(case["effects"])  # type: ignore[call-overload]
    assert not effects or set(effects.values()) == {1}, where
    interrupted = types["step.interrupted"]
    assert sum(started.values()) == len(STEPS) + interrupted, where
    if "error[run-ended]" in str(case["log"]):
        assert case["resumed"] == 5, where  # it died when all was committed
        assert types["worker.lost"] == 0, where
    else:
        assert case["resumed"] == 0, where
