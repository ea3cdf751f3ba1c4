"""Git checkouts as people have them, and all of their state that no run may change."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

OF_NOFX = ("worktrees/", "refs/nofx", "refs/heads/nofx", "logs/refs/nofx", "logs/refs/heads/nofx", "objects/")
"""What a run may add to a git folder."""
NOT_OF_THE_USER = ("local_data",)


def git(folder: Path, *words: str, env: dict[str, str] | None = None) -> str:
    """Run git as the user would; returns what it printed."""
    done = subprocess.run(
        ["git", *words], cwd=folder, check=False, capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


class Checkout:
    """A repository with a project in it.

    Args:
        project: the project's folder, where it is not the top of the repository.
    """

    def __init__(self, top: Path, project: Path | None = None) -> None:
        self.top, self.project = top, project or top
        self.top.mkdir(parents=True, exist_ok=True)
        self.project.mkdir(parents=True, exist_ok=True)

    def git(self, *words: str) -> str:
        return git(self.top, *words)

    def begin(self) -> "Checkout":
        """Make it, with two files that are committed."""
        self.git("init", "-q", "-b", "trunk")
        (self.project / "nofx.yaml").touch()
        (self.project / "a.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
        (self.project / "b.txt").write_text("b\n")
        return self.commit("first")

    def commit(self, message: str) -> "Checkout":
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self

    def state(self) -> dict[str, str]:
        """Every file of the user's folder and of the git folder, with mode and content; refs and logs among them.

        Times count in the user's folder alone: git sets that of a shared index whenever it looks into it.
        """
        common = Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir").strip())
        own = Path(self.git("rev-parse", "--absolute-git-dir").strip())
        found = {f"tree {path}": what for path, what in _files(self.top, skip=(".git/", *NOT_OF_THE_USER))}
        found |= {f"git {path}": what for path, what in _files(common, skip=OF_NOFX, times=False)}
        if own != common:
            found |= {f"own {path}": what for path, what in _files(own, skip=(), times=False)}
        return found


def _files(folder: Path, *, skip: tuple[str, ...], times: bool = True) -> Iterator[tuple[str, str]]:
    for above, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(above, name))]
        for name in (*files, *links):
            place = os.path.join(above, name)
            path = os.path.relpath(place, folder)
            if not path.startswith(skip):
                yield path, _told(place, times=times)


def _told(place: str, *, times: bool) -> str:
    found = os.lstat(place)
    if stat.S_ISLNK(found.st_mode):
        return f"link to {os.readlink(place)}"
    digest = hashlib.sha256(Path(place).read_bytes()).hexdigest() if stat.S_ISREG(found.st_mode) else "special"
    return f"{found.st_mode:o} {found.st_mtime_ns if times else 0} {digest}"
