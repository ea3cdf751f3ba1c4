"""A repository for tests of what nofx does with git."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from nofx_cli.domain.ids import RunId

RUN = RunId("20260101-120000-aaaaaa")
Files = Mapping[str, str | bytes | None]
"""Content by path; None where nothing is to be."""


def git(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    return done.stdout.strip()


def put(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def make(folder: Path, files: Files) -> Path:
    """A repository with one commit of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "trunk")
    put(folder, files)
    return commit(folder)


def commit(folder: Path) -> Path:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "commit")
    return folder


def tree_of(folder: Path, index: Path) -> str:
    """What git would take of the folder, with an index of the test's own."""
    env = {"GIT_INDEX_FILE": str(index)}
    git(folder, "add", "-A", env=env)
    return git(folder, "write-tree", env=env)
