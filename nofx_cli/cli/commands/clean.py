"""`nofx clean`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import columns, note, out, out_json, safe
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.wording import counted
from nofx_cli.engine.view_run import RunView, view_run
from nofx_cli.wiring.hooks import is_of_hook
from nofx_cli.wiring.session import Session, open_session
from nofx_cli.workspace.leftovers import Leftover, examine
from nofx_cli.workspace.places import runs_with_places
from nofx_cli.workspace.worktrees import GitWorktrees

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def clean(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the worktrees of ended runs that hold nothing that is not kept.

    What the runs changed stays: it can be looked at, applied, and gone on with. A worktree with changes that no
    snapshot has is never removed.
    """
    session = open_session()
    told = []
    for found, project in _leftovers(session):
        if not found.why and not dry_run:
            GitWorktrees(project, session.settings.store.value).discard(found.run)
        told.append(found)
    if as_json:
        fields = tuple({"run": one.run, "path": str(one.path), "stays": one.why} for one in told)
        out_json(session.services.mask({"removed": not dry_run, "worktrees": fields}))
    else:
        _tell(told, dry_run=dry_run)


def _tell(told: list[Leftover], *, dry_run: bool) -> None:
    verb = "would be removed" if dry_run else "removed"
    for line in columns([(one.run, f"stays: {safe(one.why)}" if one.why else verb) for one in told]):
        out(line)
    gone = sum(not one.why for one in told)
    note(f"{counted(gone, 'worktree')} {verb}" if told else "there are no worktrees")


def _leftovers(session: Session) -> Iterator[tuple[Leftover, Path]]:
    store = session.settings.store.value
    for run in runs_with_places(store):
        view = _view(session, run)
        workspace = view.state.created.workspace if view and view.state.created else {}
        project = Path(str(workspace.get("path") or session.project))
        tree, goes_on = (view.state.tree, _goes_on(view)) if view else ("", "")
        given = str(workspace.get("base", "")) if view and is_of_hook(view.state) else ""
        yield examine(store, run, project=project, tree=tree, goes_on=goes_on, given=given), project


def _view(session: Session, run: RunId) -> RunView | None:
    try:
        return view_run(session.services, run)
    except errors.NotFound:
        return None


def _goes_on(view: RunView) -> str:
    if view.holder is not None:
        return f"the run is executed by {view.holder.who}"
    return "" if view.state.ended else f"the run has not ended: it is {view.state.status}"
