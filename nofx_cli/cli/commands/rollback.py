"""`nofx rollback`."""

from typing import Annotated

import typer

from nofx_cli.cli.asked import says_yes
from nofx_cli.cli.completion import complete_step
from nofx_cli.cli.execution import wants_to_stay
from nofx_cli.cli.notified import notified
from nofx_cli.cli.options import JsonOption, RunArgument
from nofx_cli.cli.output import note, out, out_json, tell_error
from nofx_cli.cli.render import rollback_view
from nofx_cli.engine.roll_back import RolledBack, WayBack, find_way_back, roll_back
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import open_session
from nofx_cli.worker.recovery import settle_the_dead

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def rollback(
    run: RunArgument = "latest",
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="To just after this step ended, or to the event of this number.",
            metavar="STEP|SEQ",
            autocompletion=complete_step,
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept on record.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask, also where something was done outside.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Set a run back to an earlier point: its steps, outputs, approvals, artifacts, and its worktree's files.

    Nothing is erased: every event stays, and a rollback can be rolled back. What was changed outside (pushed, written
    into a database, sent) is not undone, and is listed. What models cost stays spent. `nofx resume` goes on from there.
    """
    session = open_session()
    opened = session.open(run)
    way = find_way_back(opened, to)
    if dry_run:
        _tell(way, None, as_json=as_json)
        return
    if way.outside and not yes and not as_json and wants_to_stay() and not _confirmed(way):
        note("nothing was changed")
        raise typer.Exit(ExitCode.DENIED)
    done = roll_back(opened, to, reason=reason, settle_the_dead=settle_the_dead)
    with notified(session, opened.run):
        _tell(done.way, done, as_json=as_json)
    if done.fault is not None:
        tell_error(done.fault)
        note(f"run {opened.run} is rolled back on record; its files will be when it goes on: nofx resume {opened.run}")
        raise typer.Exit(done.fault.exit_code)


def _confirmed(way: WayBack) -> bool:
    for line in rollback_view.outside_lines(way):
        note(line)
    return says_yes("roll back all the same?")


def _tell(way: WayBack, done: RolledBack | None, *, as_json: bool) -> None:
    if as_json:
        out_json(rollback_view.as_json(way, done))
        return
    for line in rollback_view.lines(way, done):
        out(line)
    for command in rollback_view.commands(way, done):
        note(command)
