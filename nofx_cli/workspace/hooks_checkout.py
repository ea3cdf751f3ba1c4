"""The checkout that runs of hooks work in: one that is kept, so that a commit costs what it changes.

    <store>/.worktrees/hooks               the checkout, while no run has it; hooks.index and hooks.lock belong to it
    <git folder>/worktrees/nofx-hooks-…    what git knows of it, named by the path of the store

    take ─▶ it gets the names of the run ─▶ what git does not have goes ─▶ its files become those of a tree ─▶ the run
    give back ─▶ it gets its own names again; where another one came back before, that is removed

One process at a time takes or gives back. Of two hooks at once each has a checkout, and one of them is made anew. Crash
points: what a killed hook had taken is a leftover, as that of any run, which `nofx clean` tells of; the next hook makes
another one. What was renamed in a part only is not whole, and is removed when it is met.

What an earlier run left does not count: a file that differs is written anew, and what git does not have goes, ignored
files too. Caches of tools stay that know a file again by its size and time, in seconds: they go as well where files are
written in the second in which they were written before.

Files have the bytes that are committed, also where `working-tree-encoding` says that git is to write them in another
encoding: what a tool seeks would not be found in it. While a run has the checkout, git takes them for unchanged; to
load a tree, it looks at them all the same.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace import snapshots
from nofx_cli.workspace.checkout import Repository
from nofx_cli.workspace.dependencies import FOLDERS, lend
from nofx_cli.workspace.places import FOLDER, Place, place_of
from nofx_cli.workspace.worktrees import GitWorktrees, told_as

_NAME = "hooks"
_CACHES = ("__pycache__", ".mypy_cache", ".ruff_cache")
_IGNORE = ".gitignore"
_RECODED = (".", ":(exclude,attr:!working-tree-encoding)")


class HookCheckout(GitWorktrees):
    """The worktrees of a project, where that of a run begins with the files of `tree` on top of `commit`.

    Args:
        repository: where the project lies.
    """

    def __init__(self, project: Path, store: Path, repository: Repository, *, commit: str, tree: str) -> None:
        super().__init__(project, store)
        self.repository = repository
        self._commit, self._tree = commit, tree
        base = store / FOLDER
        self._kept = Place(base / _NAME, base / f"{_NAME}.index", base / f"{_NAME}.lock", base / f"{_NAME}.making")

    def ensure(self, run: RunId, commit: str, *, tree: str = "") -> Path:
        place = place_of(self._store, run)
        if not place.is_whole:
            with self._kept.held(), told_as(f"the worktree of run {run} cannot be made", code="worktree-failed"):
                self._take(run, place, tree or self._tree)
        return self.folder(run)

    def give_back(self, run: RunId) -> None:
        """Keep the checkout of a run that has ended, for the next one.

        Raises:
            errors.Unavailable: it could not be put away; the next hook makes another one.
        """
        place = place_of(self._store, run)
        with self._kept.held(), told_as(f"the worktree of run {run} cannot be kept", code="worktree-failed"):
            if not place.is_whole:
                self.discard(run)
                return
            self._clear()
            self._move(place, self._admin(run), to=self._kept, admin=self._kept_admin)
            place.lock.unlink(missing_ok=True)

    def keep_base(self, run: RunId) -> None:
        """Let a reference keep what the run began with: it goes on when the commit may have been given up."""
        self._base_commit(run)

    def _base_commit(self, run: RunId) -> str:
        """A commit of what the run began with; it is made when it is first needed."""
        if kept := self.base_of(run):
            return kept
        told = f"nofx: what run {run} began with"
        return snapshots.keep(self._bare, self._tree, snapshots.base_ref(run), message=told, parent=self._commit)

    @cached_property
    def _kept_admin(self) -> Path:
        name = digest_of_bytes(os.fsencode(self._store.resolve()))[:8]
        return self.repository.common / "worktrees" / f"nofx-hooks-{name}"

    @property
    def _is_kept(self) -> bool:
        return self._kept.is_whole and self._kept.index.is_file() and (self._kept_admin / "HEAD").is_file()

    def _take(self, run: RunId, place: Place, tree: str) -> None:
        place.making.touch()
        if self._is_kept:
            self._move(self._kept, self._kept_admin, to=place, admin=self._admin(run))
            try:
                self._load(run, place, tree)
            except errors.Unavailable:  # whatever is wrong with it: a new one has nothing of that
                self._remove(place)
                place.making.touch()
                self._make_new(run, place, tree)
        else:
            self._clear()
            self._make_new(run, place, tree)
        self.folder(run).mkdir(parents=True, exist_ok=True)
        lend(self._project, self.folder(run))
        place.making.unlink()

    def _make_new(self, run: RunId, place: Place, tree: str) -> None:
        git = Git(self._project)
        base = self._commit or snapshots.empty_commit(git)
        git.do("worktree", "add", "--force", "--no-checkout", "--detach", str(place.tree), base)
        if not self._admin(run).is_dir():
            raise errors.Unavailable(f"git keeps it in another place than {self._admin(run)}", code="git-failed")
        place.index.unlink(missing_ok=True)
        self._load(run, place, tree)

    def _load(self, run: RunId, place: Place, tree: str) -> None:
        git, index = self._own(run, place), place.index
        _set_head(git, self._admin(run) / "HEAD", self._commit or snapshots.empty_commit(git))
        if index.exists():
            kept = [*self._lent(run), *(() if _same_second(index) else _CACHES)]
            git.do("clean", "-ffdxq", *(f"--exclude={name}/" for name in kept))
        snapshots.load_tree(git, tree)
        _write_as_committed(git)
        os.utime(index)
        snapshots.copy_index(index, self._admin(run) / "index")

    def _lent(self, run: RunId) -> Iterator[str]:
        """The folders of packages that are still as they would be lent now, as git takes them for patterns."""
        folder = self.folder(run)
        for name in FOLDERS:
            if _is_as_lent(folder / name, self._project / name):
                path = (folder / name).relative_to(place_of(self._store, run).tree)
                yield "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path.as_posix())

    def _move(self, source: Place, known: Path, *, to: Place, admin: Path) -> None:
        """Give a checkout other names; what git knows of it goes along, and goes first."""
        (known / "gitdir").write_text(f"{to.tree / '.git'}\n", "utf-8", "surrogateescape")
        os.rename(known, admin)
        os.rename(source.index, to.index)
        os.rename(source.tree, to.tree)
        pointer = to.tree / ".git"
        if not _reads(pointer, f"gitdir: {admin}\n"):
            _take_away(pointer)  # a step may have put anything there
            pointer.write_text(f"gitdir: {admin}\n", "utf-8", "surrogateescape")

    def _clear(self) -> None:
        """Remove a kept checkout, or what is left of one."""
        for path in (self._kept.tree, self._kept_admin, self._kept.index):
            _take_away(path)


def _write_as_committed(git: Git) -> None:
    """Give the files that git wrote in another encoding the bytes of their objects."""
    entries = [line.partition(b"\t") for line in git.do("ls-files", "-s", "-z", "--", *_RECODED).split(b"\0")]
    objects = {name: facts.split()[1] for facts, _, name in entries if facts.startswith(b"100")}
    if not objects:
        return
    told, at = git.do("cat-file", "--batch", stdin=b"\n".join(objects.values()) + b"\n"), 0
    for name in objects:
        start = told.index(b"\n", at) + 1
        end = start + int(told[at:start].split()[2])
        (git.folder / os.fsdecode(name)).write_bytes(told[start:end])
        at = end + 1
    git.do("update-index", "-z", "--assume-unchanged", "--stdin", stdin=b"\0".join(objects) + b"\0")


def _set_head(git: Git, file: Path, commit: str) -> None:
    """Have a checkout stand on a commit. It is nobody's but ours: where git has that in a plain file, git is spared."""
    now = file.read_text("ascii", "replace").strip()
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", now) is None:
        git.do("update-ref", "--no-deref", "HEAD", commit)
    elif now != commit:
        file.write_text(f"{commit}\n", "ascii")


def _same_second(index: Path) -> bool:
    """Whether files may be written now in the second in which those that the index knows were written."""
    return int(index.stat().st_mtime) >= int(time.time())


def _is_as_lent(lent: Path, own: Path) -> bool:
    """Whether a folder of links has nothing but those, and was made after the packages last came or went."""
    try:
        with os.scandir(lent) as entries:
            others = [entry.name for entry in entries if not entry.is_symlink()]
        return others == [_IGNORE] and own.stat().st_mtime_ns < (lent / _IGNORE).stat().st_mtime_ns
    except OSError:
        return False


def _reads(file: Path, text: str) -> bool:
    try:
        return not file.is_symlink() and file.read_text("utf-8", "surrogateescape") == text
    except OSError:
        return False


def _take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
