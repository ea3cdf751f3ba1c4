"""What a snapshot of a worktree costs against git itself."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from timing import Bench, Figure, milliseconds

from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.workspace.worktrees import GitWorktrees

_FILES = 5_000
_RUN = RunId("20260101-120000-aaaaaa")


def snapshot(bench: Bench) -> Iterator[Figure]:
    """One changed file in a repository of 5,000.

    Against `git add -A && git write-tree` with a copy of an index that knows the other files already.
    """
    project = _repository(bench.folder / "repository")
    head, base = _git(project, "rev-parse", "HEAD"), _git(project, "rev-parse", "HEAD^{tree}")
    worktrees = GitWorktrees(project, bench.folder / "store of worktrees")
    tree = worktrees.ensure(_RUN, head)
    index = bench.folder / "index"
    shutil.copy2(project / ".git" / "worktrees" / _RUN / "index", index)
    numbers = iter(range(1_000_000))

    def changed() -> None:
        (tree / "folder7" / "file7.txt").write_text(f"changed {next(numbers)}\n", encoding="ascii")

    def ours() -> float:
        changed()
        began = time.perf_counter()
        taken = worktrees.snapshot(_RUN, StepName("step"), 1, before=base)
        took = time.perf_counter() - began
        assert taken is not None
        return took

    def theirs() -> float:
        changed()
        began = time.perf_counter()
        _git(tree, "add", "-A", index=index)
        _git(tree, "write-tree", index=index)
        return time.perf_counter() - began

    mine, bare, ratio = bench.paired(ours, theirs)
    what = "snapshot of 5,000 files / git add -A + write-tree"
    yield Figure(what, milliseconds(mine), milliseconds(bare), ratio, 3.0)


def _repository(folder: Path) -> Path:
    for number in range(_FILES):
        path = folder / f"folder{number % 50}" / f"file{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n" * 20, encoding="ascii")
    _git(folder, "init", "-q")
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "commit", "-q", "-m", "first")
    return folder


def _git(folder: Path, *words: str, index: Path | None = None) -> str:
    env = {**os.environ, **({"GIT_INDEX_FILE": str(index)} if index else {})}
    return subprocess.run(
        ["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True
    ).stdout.strip()
