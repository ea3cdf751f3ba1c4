"""`nofx cancel`."""

from typing import Annotated

import typer

from nofx_cli.cli.notified import notified
from nofx_cli.cli.options import JsonOption, RunArgument
from nofx_cli.cli.output import out, out_json
from nofx_cli.engine.cancel import cancel as cancel_run
from nofx_cli.wiring.session import open_session
from nofx_cli.worker.recovery import end_leftovers

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def cancel(
    run: RunArgument = "latest",
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept on record.")] = "",
    as_json: JsonOption = False,
) -> None:
    """End a run: its running steps are stopped, whatever process executes them; nothing follows."""
    session = open_session()
    opened = session.open(run)
    new = cancel_run(opened, reason=reason or f"cancelled by {session.services.actor.id}")
    services = session.services
    holder = services.liveness.holder(opened.run)
    if holder is None or (holder.shared and services.artifacts.left_scratch(opened.run)):
        end_leftovers(opened)
    services.queue.drop(opened.run)
    with notified(session, opened.run):
        if as_json:
            out_json({"run": opened.run, "status": opened.state.status.value, "new": new})
        else:
            out(f"run {opened.run} is cancelled" + ("" if new else "; it was before"))
