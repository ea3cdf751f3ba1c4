"""`nofx list`."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.output import colourful, note, out, out_json, terminal_width
from nofx_cli.cli.render import run_list
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.list_runs import INTERRUPTED, ListedRun, list_runs
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_STATUSES = (*(status.value for status in RunStatus), INTERRUPTED)


def _complete_status(incomplete: str) -> list[str]:
    return [status for status in _STATUSES if status.startswith(incomplete)]


@app.command("list")
def list_(
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many runs at most.", metavar="COUNT")] = 20,
    status: Annotated[
        str,
        typer.Option(
            help=f"Only runs with this status: {', '.join(_STATUSES)}.",
            autocompletion=_complete_status,
            metavar="STATUS",
        ),
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All runs, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False,
) -> None:
    """List runs, newest first.

    A run that its journal calls running and that no process executes any more is shown as `interrupted`; with --json
    it is "running" with "live": false. The bold end of an id is enough to name the run.
    """
    if status and status not in _STATUSES:
        raise errors.UsageError(
            f"{status!r} is no status of a run", code="bad-status", hint=f"one of {', '.join(_STATUSES)}"
        )
    session = open_session()
    runs = list(list_runs(session.services, limit=None if every else number, status=status))
    if as_json:
        out_json([run_list.as_json(listed) for listed in runs])
    elif runs:
        _tell(session, runs)
    else:
        note(f"no run is {status}" if status else "there is no run yet; make one with: nofx run PLAN")


def _tell(session: Session, runs: Sequence[ListedRun]) -> None:
    every = list(session.services.store.runs()) if colourful(sys.stdout) else []
    marked = run_list.shortest_names([listed.run for listed in runs], every) if every else {}
    for line in run_list.lines(
        runs, clock=session.services.clock, marked=marked, terminal_width=terminal_width(sys.stdout)
    ):
        out(line)
    cut_off = [listed for listed in runs if listed.interrupted]
    if cut_off:
        note(f"go on with an interrupted run: nofx resume {cut_off[0].run}")
