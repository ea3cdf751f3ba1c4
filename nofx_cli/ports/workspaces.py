"""Worktrees that runs work in, and snapshots of them."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.record import record


@record
class TreeSnapshot:
    """A workspace as it was: `tree` is a tree of git, `ref` what keeps it (`refs/nofx/<run>/<step>/<attempt>`)."""

    tree: str
    ref: str


@record
class Surroundings:
    """What a worktree needs that lies outside of it.

    Attributes:
        project: the folder of the project, which has its settings and handlers.
        git: the folder that the worktrees of the repository share; git cannot do without it.
        steering: files and folders of that repository which say what git does and runs; no step may write them.
        lent: folders of the project with its installed packages, which the worktree has links into.
        env: what processes need to find the run's own sources, and not those of the project.
    """

    project: Path
    git: Path
    steering: tuple[Path, ...] = ()
    lent: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


class Worktrees(Protocol):
    """The worktrees of one project. The user's checkout, index, stash, branches and hooks are never touched.

    Methods may be called from several threads and processes at a time.
    """

    def folder(self, run: RunId) -> Path:
        """Where the project lies in the worktree of a run, whether or not that is there.

        Raises:
            errors.Unavailable: the project lies in no repository.
        """
        ...

    def ensure(self, run: RunId, commit: str, *, tree: str = "") -> Path:
        """The same folder, in a worktree on branch `nofx/<run id>` from `commit`; made where it is missing.

        One that was taken away while the run goes on is made again with `tree`, the newest that the run has kept.
        Without a `commit` the repository has none yet, and the worktree begins empty.

        Raises:
            errors.Unavailable: it cannot be made; the reason is git's (code `worktree-failed`).
        """
        ...

    def snapshot(self, run: RunId, step: StepName, attempt: int, *, before: str) -> TreeSnapshot | None:
        """Keep the worktree as it is now, untracked files included, ignored ones not; None where its tree is `before`.

        Raises:
            errors.Unavailable: git could not write it (code `snapshot-not-written`).
        """
        ...

    def current_tree(self, run: RunId) -> str:
        """The tree of what the worktree has now; no reference keeps it.

        Raises:
            errors.Unavailable: git could not write it, or the worktree is gone.
        """
        ...

    def restore(self, run: RunId, tree: str) -> None:
        """Make the worktree what a snapshot has; ignored files stay.

        Raises:
            errors.Unavailable: git could not do it (code `worktree-failed`).
        """
        ...

    def diff(self, run: RunId, old: str, new: str, *, paths: Sequence[str] = ()) -> str:
        """The difference of two trees or commits as a unified diff in git's form; binary files are only named.

        What is no UTF-8 stands in it as surrogates.

        Raises:
            errors.Unavailable: one of them is not there any more.
        """
        ...

    def base_tree(self, commit: str) -> str:
        """The tree of a commit; the empty one for no commit.

        Raises:
            errors.Unavailable: the commit is not there any more.
        """
        ...

    def surroundings(self, run: RunId) -> Surroundings:
        """What the worktree of a run needs that lies outside of it; asked once in the life of a process."""
        ...

    def discard(self, run: RunId) -> None:
        """Take the worktree away, whatever is in it, and its branch where nothing was committed on it.

        Snapshots stay.

        Raises:
            errors.Unavailable: it cannot be removed.
        """
        ...
