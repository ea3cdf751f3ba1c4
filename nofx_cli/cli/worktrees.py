"""The worktree of a run, for the commands that look at it and apply it."""

from pathlib import Path

from nofx_cli.engine.kept_trees import project_of
from nofx_cli.engine.view_run import RunView
from nofx_cli.wiring.session import Session
from nofx_cli.workspace.worktrees import GitWorktrees


def worktrees_of(session: Session, view: RunView) -> GitWorktrees:
    """Those of the project that the run was made in, which may be another one with the same store.

    Raises:
        errors.NotFound: the run works in place (code `no-worktree`).
    """
    return GitWorktrees(Path(project_of(view)), session.settings.store.value)
