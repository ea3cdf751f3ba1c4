"""Worktrees that nobody needs any more, and what of them can be taken away without a loss."""

from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.workspace.places import place_of
from nofx_cli.workspace.worktrees import GitWorktrees


@record
class Leftover:
    """A worktree in the store. `why` says why it stays; empty where it can be removed."""

    run: RunId
    path: Path
    why: str = ""


def examine(store: Path, run: RunId, *, project: Path, tree: str, goes_on: str = "", given: str = "") -> Leftover:
    """Look whether the worktree of a run can go.

    Args:
        tree: the newest that the run has kept; empty for a worktree that no run knows: then the commit's own counts.
        goes_on: why the run may still need it.
        given: a tree that the user made, and that no reference of the run's need keep.
    """
    path = place_of(store, run).tree
    if goes_on:
        return Leftover(run, path, goes_on)
    worktrees = GitWorktrees(project, store)
    try:
        expected = tree or worktrees.base_tree(worktrees.base_of(run))
        return Leftover(run, path, worktrees.unsaved(run, expected, given=given))
    except errors.Unavailable as exc:
        return Leftover(run, path, exc.message)
