"""`nofx show`."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run, complete_step
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import out, out_json, terminal_width
from nofx_cli.cli.render import run_view
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.view_run import RunView, find_step, view_run
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def show(
    run: Annotated[
        str,
        typer.Argument(help="The run: its id, a unique start or end of it, or `latest`.", autocompletion=complete_run),
    ] = "latest",
    step: Annotated[
        str,
        typer.Option(
            "--step", "-s", help="Only this step, with all its attempts.", autocompletion=complete_step, metavar="STEP"
        ),
    ] = "",
    lineage: Annotated[
        bool, typer.Option("--lineage", help="Where the run and its artifacts come from, instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a run: its steps, gates, artifacts, what it waits for, why it failed and what to type next."""
    if step and lineage:
        raise errors.UsageError("--step and --lineage show different things", hint="give one of them")
    session = open_session()
    view = view_run(session.services, session.find(run))
    if lineage:
        _tell_lineage(session, view, as_json=as_json)
    elif step:
        _tell_step(view, step, as_json=as_json)
    elif as_json:
        out_json(run_view.as_json(view))
    else:
        width, found = terminal_width(sys.stdout), _findings(session, view)
        for line in run_view.lines(view, clock=session.services.clock, terminal_width=width, findings=found):
            out(line)


def _findings(session: Session, view: RunView) -> dict[StepName, Sequence[Finding]]:
    """Those of the gates that failed."""
    from nofx_cli.engine.collect_findings import findings_of

    failed = view.state.in_status(StepStatus.FAILED)
    return {step.name: findings_of(session.services, view.run, step) for step in failed if step.gate is not None}


def _tell_step(view: RunView, text: str, *, as_json: bool) -> None:
    from nofx_cli.cli.render import step_view

    name = find_step(view, text)
    if as_json:
        out_json(step_view.as_json(view, name))
        return
    for line in step_view.lines(view, name):
        out(line)


def _tell_lineage(session: Session, view: RunView, *, as_json: bool) -> None:
    from nofx_cli.cli.render import lineage_view
    from nofx_cli.domain.lineage import products_of
    from nofx_cli.engine.view_run import origins

    chain = origins(session.services, view.state.created)
    products = products_of(view.plan, view.counting)
    if as_json:
        out_json(lineage_view.as_json(view, chain, products))
        return
    for line in lineage_view.lines(view, chain, products):
        out(line)
