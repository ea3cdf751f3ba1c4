"""The crash matrix: random runs, workers that die at every named point and at random times, and what holds afterwards.

`worker_matrix` plays the cases and holds each against `matrix_checks`; `make test-crash` plays many more of them.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.crash.matrix_cases import KINDS
from tests.crash.matrix_faults import POINTS

REPOSITORY = Path(__file__).resolve().parents[2]
GROUPS = 8
EACH, EACH_OF_MANY = 5, 10
"""So many cases of each kind, in the default suite and where it may take long; more of those that did not come to their
point."""


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
    assert len(KINDS) * EACH >= 250
    play_kinds(tmp_path, range(group, len(KINDS), GROUPS), each=EACH)


@pytest.mark.crash
@pytest.mark.long
@pytest.mark.parametrize("group", range(GROUPS))
def test_nor_do_they_in_twice_as_many_cases(tmp_path: Path, group: int) -> None:
    play_kinds(tmp_path, range(group, len(KINDS), GROUPS), each=EACH_OF_MANY)


def play_kinds(folder: Path, kinds: Sequence[int], *, each: int) -> None:
    """Play cases of some kinds until each has come to its point."""
    hits = play(folder, [seed for kind in kinds for seed in seeds_of(kind, first=0, count=each)])
    for tries in range(1, 5):
        missing = [kind for kind in kinds if KINDS[kind] in POINTS and not hits[KINDS[kind]]]
        if not missing:
            return
        more = [seed for kind in missing for seed in seeds_of(kind, first=EACH_OF_MANY * tries, count=EACH_OF_MANY)]
        hits += play(folder, more)
    pytest.fail(f"never hit: {[KINDS[kind] for kind in missing]}; is what they wrap still called?")
