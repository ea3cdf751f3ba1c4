"""Worktrees of runs: made from a recorded commit, recorded after steps, brought back, removed.

    ensure ─▶ `<run>.making` ─▶ git worktree add ─▶ files ─▶ index ─▶ packages lent ─▶ `<run>.making` is taken away

Crash points: a worktree whose making was cut off still has its mark, no step has worked in it, and it is made anew.
One that was made before its run was on record is a leftover, which `nofx clean` tells of and removes. A snapshot whose
reference was written and whose event was not belongs to an attempt that counts as cut off; the next one of that
attempt's number takes its place.

Of the user's repository this writes objects, `refs/nofx/<run>/…`, the branch `nofx/<run>` and `worktrees/<run>` in
the git folder; nothing else. All git commands here name the worktree's repository themselves, and do not believe what
the file `.git` in the worktree says, which a step may have written.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.ports.workspaces import Surroundings, TreeSnapshot
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace import snapshots
from nofx_cli.workspace.checkout import Repository, find_repository
from nofx_cli.workspace.dependencies import import_path, lend, lent_folders
from nofx_cli.workspace.places import Place, place_of
from nofx_cli.workspace.tree_changes import Lines, changes_between, lines_between

_REMEMBERED = 100
_STEERING = ("config", "config.worktree", "hooks", "info")


class GitWorktrees:
    """Implements `ports.workspaces.Worktrees` for the project in `project`, with a store in `store`."""

    def __init__(self, project: Path, store: Path) -> None:
        self._project, self._store = project, store
        self._surroundings: dict[RunId, Surroundings] = {}

    @cached_property
    def repository(self) -> Repository:
        """Where the project lies; raises as `find_repository`."""
        return find_repository(self._project)

    def folder(self, run: RunId) -> Path:
        return place_of(self._store, run).tree / self.repository.prefix

    def ensure(self, run: RunId, commit: str, *, tree: str = "") -> Path:
        place = place_of(self._store, run)
        if not place.is_whole:
            with place.held():
                if not place.is_whole:
                    self._make(run, place, commit, tree)
        return self.folder(run)

    def snapshot(self, run: RunId, step: StepName, attempt: int, *, before: str) -> TreeSnapshot | None:
        place = place_of(self._store, run)
        with place.held(), told_as(f"what step {step} of run {run} left cannot be kept", code="snapshot-not-written"):
            tree = self._current_tree(run, place)
            if tree == before:
                return None
            git, ref = self._bare, snapshots.ref_of(run, step, attempt)
            parent = self._base_commit(run)
            snapshots.keep(git, tree, ref, message=f"nofx: {step} of run {run}, attempt {attempt}", parent=parent)
            return TreeSnapshot(tree, ref)

    def restore(self, run: RunId, tree: str) -> None:
        place = place_of(self._store, run)
        with place.held(), told_as(f"the worktree of run {run} cannot be made what it was", code="worktree-failed"):
            if self._current_tree(run, place) != tree:
                snapshots.load_tree(self._own(run, place), tree)

    def diff(self, run: RunId, old: str, new: str, *, paths: Sequence[str] = ()) -> str:
        options = ("-r", "-p", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color")
        told = self._bare.do("diff-tree", *options, old, new, "--", *(f":(top,literal){path}" for path in paths))
        return told.decode("utf-8", "surrogateescape")

    def changes(self, old: str, new: str) -> Mapping[str, tuple[str, Lines | None]]:
        """How each path differs (`A`, `D`, `M`), and how many lines were added and removed (None: binary)."""
        lines = lines_between(self._bare, old, new)
        return {c.path: (c.status, lines.get(c.path)) for c in changes_between(self._bare, old, new)}

    def base_tree(self, commit: str) -> str:
        git = self._bare
        if not commit:
            return snapshots.empty_tree(git)
        return git.do("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()

    def surroundings(self, run: RunId) -> Surroundings:
        if run not in self._surroundings:
            if len(self._surroundings) >= _REMEMBERED:
                self._surroundings.clear()
            common, folder = self.repository.common, self.folder(run)
            own = self._admin(run)
            steering = [*(common / name for name in _STEERING), own / "config.worktree", own / "commondir"]
            lent: tuple[Path, ...] = ()
            with suppress(errors.Unavailable):  # an index that cannot be read: then the worktree has no links either
                lent = tuple(path.resolve() for path in lent_folders(self._project))
            env = import_path(self._project, folder)
            self._surroundings[run] = Surroundings(self._project, common, tuple(steering), lent, env)
        return self._surroundings[run]

    def current_tree(self, run: RunId) -> str:
        """The tree of what the worktree has now; the objects are written, no reference.

        Raises:
            errors.Unavailable: git could not write it.
        """
        place = place_of(self._store, run)
        with place.held():
            return self._current_tree(run, place)

    def discard(self, run: RunId) -> None:
        place = place_of(self._store, run)
        with place.held():
            self._remove(place)
            self._drop_branch(run)
            place.lock.unlink(missing_ok=True)

    def unsaved(self, run: RunId, tree: str, *, given: str = "") -> str:
        """Why the worktree cannot go without a loss; empty where `tree` is what it has, and a reference keeps that.

        Files that git ignores do not count, nor need the tree be kept that the run was `given`.

        Raises:
            errors.Unavailable: git cannot say.
        """
        place = place_of(self._store, run)
        if place.is_whole and self.current_tree(run) != tree:
            return "it has changes that no snapshot has"
        if tree == given:
            return ""
        kept = self._bare.do("for-each-ref", "--format=%(tree)", f"refs/nofx/{run}").decode().split()
        return "" if tree in kept else "no reference keeps what it has"

    def base_of(self, run: RunId) -> str:
        """The commit that a run began from; empty where none is kept."""
        return (self._bare.ask("rev-parse", "--verify", "--quiet", snapshots.base_ref(run)) or "").strip()

    def _base_commit(self, run: RunId) -> str:
        return self._bare.do("rev-parse", snapshots.base_ref(run)).decode().strip()

    @cached_property
    def _bare(self) -> Git:
        """The repository, with no files."""
        return Git(self._project, git_dir=self.repository.common)

    def _own(self, run: RunId, place: Place) -> Git:
        """The worktree with the index that snapshots are taken with."""
        return Git(place.tree, git_dir=self._admin(run), index=place.index)

    def _admin(self, run: RunId) -> Path:
        return self.repository.common / "worktrees" / run

    def _current_tree(self, run: RunId, place: Place) -> str:
        if not place.is_whole:
            raise errors.Unavailable(
                f"the worktree of run {run} in {place.tree} is gone",
                code="worktree-failed",
                hint=f"nofx resume {run}; it is made again as it was after the last step",
            )
        git = self._own(run, place)
        if not place.index.exists():
            git.do("read-tree", snapshots.base_ref(run))
        try:
            return snapshots.record_tree(git)
        except errors.Unavailable:
            # A tree that was only looked at is kept by no reference: `git gc` takes what the index still counts on.
            git.do("read-tree", "--reset", snapshots.base_ref(run))
            return snapshots.record_tree(git)

    def _make(self, run: RunId, place: Place, commit: str, tree: str) -> None:
        if place.making.exists():
            self._remove(place)
        if place.tree.exists() and any(place.tree.iterdir()):
            raise errors.Unavailable(
                f"the folder {place.tree} is there, and is no worktree of {self.repository.common}",
                code="worktree-failed",
                hint="see what is in it and move it away; the worktree is made again from the snapshots of the run",
            )
        with told_as(f"the worktree of run {run} cannot be made", code="worktree-failed"):
            place.making.touch()
            self._add(run, place, commit)
            tree = tree or self.base_tree(self.base_of(run))
            snapshots.load_tree(self._own(run, place), tree)
            self._write_own_index(run, place, tree)
            self.folder(run).mkdir(parents=True, exist_ok=True)
            lend(self._project, self.folder(run))
            place.making.unlink()

    def _add(self, run: RunId, place: Place, commit: str) -> None:
        git, branch = Git(self._project), f"nofx/{run}"
        base = commit or snapshots.empty_commit(git)
        is_there = git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}") is not None
        where = (str(place.tree), branch) if is_there else ("-b", branch, str(place.tree), base)
        git.do("worktree", "add", "--force", "--no-checkout", *where)
        if not is_there or not self.base_of(run):
            git.do("update-ref", snapshots.base_ref(run), base)
        place.index.unlink(missing_ok=True)
        if not self._admin(run).is_dir():
            raise errors.Unavailable(f"git keeps it in another place than {self._admin(run)}", code="git-failed")

    def _write_own_index(self, run: RunId, place: Place, tree: str) -> None:
        """The worktree's own index is that of its HEAD: what steps see of it in `git status` is what they changed."""
        own = Git(place.tree, git_dir=self._admin(run))
        if own.do("rev-parse", "HEAD^{tree}").decode().strip() == tree:
            snapshots.copy_index(place.index, self._admin(run) / "index")
        else:
            own.do("read-tree", "HEAD")

    def _remove(self, place: Place) -> None:
        """Take the worktree away, with what git knows of it; nothing behind its links is touched."""
        with told_as(f"the worktree {place.tree} cannot be removed", code="worktree-failed"):
            if place.tree.exists():
                shutil.rmtree(place.tree)
            admin = self._admin(RunId(place.tree.name))
            if admin.is_dir():
                Git(self._project).do("worktree", "remove", "--force", "--force", str(place.tree))
            for file in (place.index, place.making):
                file.unlink(missing_ok=True)

    def _drop_branch(self, run: RunId) -> None:
        """Where nothing was committed on it: it is where the run began."""
        git, branch = self._bare, f"refs/heads/nofx/{run}"
        at = (git.ask("rev-parse", "--verify", "--quiet", branch) or "").strip()
        if at and at == self.base_of(run):
            git.do("update-ref", "-d", branch, at)


@contextmanager
def told_as(what: str, *, code: str) -> Iterator[None]:
    """Say of a failure of git, or of the file system, what could not be done."""
    try:
        yield
    except OSError as exc:
        raise errors.Unavailable(f"{what}: {(exc.strerror or str(exc)).lower()}", code=code) from exc
    except errors.Unavailable as exc:
        if exc.code != "git-failed":
            raise
        raise errors.Unavailable(f"{what}: {exc.message}", code=code, hint=exc.hint) from exc
