"""What a hook adds to a commit, beside the gates of its plan."""

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from timing import Bench, Figure, milliseconds

_FILES = 5_000
_GOAL_MS = 250
_PLAN = "steps:\n  - {name: nothing, tool: 'test:echo'}\n"


def commit(bench: Bench) -> Iterator[Figure]:
    """One changed file in a repository of 5,000, with a hook whose plan does nothing, and without one."""
    repository = _repository(bench.folder / "hooked")
    environment = bench.environment()
    subprocess.run(
        [bench.nofx, "hooks", "install", "--pre-commit", "plan.yaml"],
        cwd=repository, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    numbers = iter(range(1_000_000))

    def committed(**more: str) -> float:
        (repository / "folder7" / "file7.txt").write_text(f"changed {next(numbers)}\n", encoding="ascii")
        _git(repository, "add", "folder7/file7.txt")
        began = time.perf_counter()
        _git(repository, "commit", "-q", "-m", "x", env={**environment, **more})
        return time.perf_counter() - began

    pairs = [(committed(), committed(NOFX_HOOKS="off")) for _ in range(bench.pairs + 1)][1:]
    ours, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    added = statistics.median(one - other for one, other in pairs) * 1000
    what = "git commit with a hook / without, 5,000 files"
    yield Figure(what, milliseconds(ours), milliseconds(theirs), added, _GOAL_MS, "ms")


def _repository(folder: Path) -> Path:
    for number in range(_FILES):
        path = folder / f"folder{number % 50}" / f"file{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n" * 20, encoding="ascii")
    (folder / "plan.yaml").write_text(_PLAN, encoding="ascii")
    _git(folder, "init", "-q")
    _git(folder, "config", "user.name", "bench")
    _git(folder, "config", "user.email", "bench@example.invalid")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "first")
    return folder


def _git(folder: Path, *words: str, env: dict[str, str] | None = None) -> None:
    subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
