"""`nofx rerun`."""

import typer

from nofx_cli.cli.execution import Wishes, carry_on
from nofx_cli.cli.options import DetachOption, JsonOption, QuietOption, RunArgument, StartWorkerOption, WaitOption
from nofx_cli.cli.output import note
from nofx_cli.engine.create_run import create_run, repeat
from nofx_cli.wiring.session import open_session
from nofx_cli.wiring.workspaces import workspace_for

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def rerun(
    run: RunArgument = "latest",
    detach: DetachOption = False,
    start_worker: StartWorkerOption = True,
    wait: WaitOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a new run from the plan and the parameters of an old one, and execute it."""
    session = open_session()
    old = session.open(run)
    chosen = workspace_for(session, old.plan)
    new = repeat(old, workspace=chosen.workspace)
    opened = create_run(session.services, new, keys=session.keys)
    if not as_json and not quiet:
        note(f"run {opened.run} repeats {old.run}")
    for told in chosen.notes:
        note(told)
    raise typer.Exit(
        carry_on(
            session, opened, Wishes(stay=wait, as_json=as_json, quiet=quiet, detach=detach, start_worker=start_worker)
        )
    )
