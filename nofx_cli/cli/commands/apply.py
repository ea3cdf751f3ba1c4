"""`nofx apply`."""

from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.options import JsonOption, RunArgument
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.wording import counted
from nofx_cli.engine.kept_trees import TreeChange, project_of, whole_change
from nofx_cli.engine.view_run import RunView, view_run
from nofx_cli.safety.never_written import STEERING
from nofx_cli.wiring.session import open_session
from nofx_cli.workspace.applying import Applied, apply_changes

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def apply(
    run: RunArgument = "latest",
    *,
    stage: Annotated[bool, typer.Option("--stage", help="Put what is applied into git's index, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring what a run changed in its worktree into your folder: all of it, or nothing.

    Changes of yours to other lines of the same files are kept. Where both changed the same lines, or a merge of yours
    is not finished, nothing is changed: exit code 5. Applied again, it changes nothing.
    """
    session = open_session()
    view = view_run(session.services, session.find(run))
    change = whole_change(view)
    try:
        applied = apply_changes(Path(project_of(view)), change.old, change.new, stage=stage)
    except errors.Conflict as exc:
        raise errors.Conflict(exc.message, code=exc.code, hint=_hint(view, change), context=exc.context) from exc
    if as_json:
        paths: dict[str, JsonValue] = {"changed": applied.changed, "already": applied.already}
        out_json(session.services.mask({"run": view.run, "tree": change.new, "staged": stage, **paths}))
    else:
        _tell(view, applied)


def _hint(view: RunView, change: TreeChange) -> str:
    return (
        f"see what the run changed: nofx diff {view.run}; commit your changes or put them aside, and apply again; "
        f"or take single files: git checkout {change.ref} -- FILE"
    )


def _tell(view: RunView, applied: Applied) -> None:
    if not view.state.ended:
        note(f"run {view.run} is {view.state.status}: what it changes from now on is not applied")
    for path in applied.changed:
        out(safe(path))
    if applied.changed:
        note(f"{counted(len(applied.changed), 'file')} changed")
    elif applied.already:
        note(f"run {view.run} was applied before: {counted(len(applied.already), 'file')} as it left them")
    else:
        note(f"run {view.run} changed nothing")
    steering = sorted({path.split("/")[0] for path in applied.changed} & set(STEERING))
    if steering:
        note(f"look at {' and '.join(steering)}: it says what steps may do")
