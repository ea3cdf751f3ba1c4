"""After a restore: the worktrees of runs that go on have what the restored journals say, and not what came later."""

from collections.abc import Iterator
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.engine.view_run import RunView, view_run
from nofx_cli.wiring.session import Session
from nofx_cli.workspace.places import place_of, runs_with_places
from nofx_cli.workspace.worktrees import GitWorktrees


def bring_worktrees_back(session: Session) -> Iterator[str]:
    """Make each what its run has kept last; tells of those that stay as they are, and why.

    What a worktree has now is given up only where a snapshot of the run has it, be it one that came later.
    """
    store = session.layout.root
    for run in runs_with_places(store):
        if view := _going_on(session, run):
            try:
                why = _bring_back(session, run, view)
            except errors.NofxError as exc:
                why = exc.message
            if why:
                place = place_of(store, run).tree
                yield f"the worktree of run {run} is not what the run has kept, and stays: {why}; {place}"


def _going_on(session: Session, run: RunId) -> RunView | None:
    try:
        view = view_run(session.services, run)
    except errors.NofxError:  # one that came later: `nofx clean` sees to its worktree
        return None
    return None if view.state.ended else view


def _bring_back(session: Session, run: RunId, view: RunView) -> str:
    created = view.state.created
    project = Path(str(created.workspace.get("path") or session.project)) if created else session.project
    worktrees = GitWorktrees(project, session.layout.root)
    tree = view.state.tree or worktrees.base_tree(worktrees.base_of(run))
    present = worktrees.current_tree(run)
    if present == tree:
        return ""
    if why := worktrees.unsaved(run, present):
        return why
    worktrees.restore(run, tree)
    return ""
