"""The crash matrix: random runs, workers that die at every named point and at random times, and what holds afterwards.

`worker_matrix` plays the cases and holds each against `matrix_checks`; `make test-crash` plays many more of them.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.crash.matrix_cases import KINDS
from tests.crash.matrix_faults import POINTS

REPOSITORY = Path(__file__).resolve().parents[2]
GROUPS = 8
EACH = 7
"""So many cases of each kind; more of those that did not come to their point."""


def play(folder: Path, seeds: Iterable[int]) -> Counter[str]:
    """Play cases, all of which must come out well; how often each point was hit."""
    driven = subprocess.run(
        [sys.executable, "-m", "tests.crash.worker_matrix", str(folder), "--seeds", *map(str, seeds)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert driven.stdout, driven.stderr
    told = json.loads(driven.stdout)
    assert not told["failures"], "\n\n".join(told["failures"])
    assert driven.returncode == 0, driven.stderr
    return Counter(told["hits"])


def seeds_of(kind: int, *, first: int, count: int) -> list[int]:
    """The seeds of some cases of a kind."""
    return [kind + len(KINDS) * number for number in range(first, first + count)]


@pytest.mark.crash
@pytest.mark.parametrize("group", range(GROUPS))
def test_workers_that_die_anywhere_lose_nothing_and_do_nothing_twice(tmp_path: Path, group: int) -> None:
    kinds = range(group, len(KINDS), GROUPS)
    hits = play(tmp_path, [seed for kind in kinds for seed in seeds_of(kind, first=0, count=EACH)])

    for tries in range(3):
        missing = [kind for kind in kinds if KINDS[kind] in POINTS and not hits[KINDS[kind]]]
        if not missing:
            return
        more = [seed for kind in missing for seed in seeds_of(kind, first=EACH * (tries + 1), count=EACH)]
        hits += play(tmp_path, more)
    pytest.fail(f"never hit: {[KINDS[kind] for kind in missing]}; is what they wrap still called?")


def test_there_are_hundreds_of_cases() -> None:
    assert len(KINDS) * EACH >= 300
