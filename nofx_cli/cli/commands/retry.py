"""`nofx retry`."""

from typing import Annotated

import typer

from nofx_cli.cli.completion import complete_step
from nofx_cli.cli.execution import Wishes, carry_on
from nofx_cli.cli.options import DetachOption, JsonOption, QuietOption, RunArgument, StartWorkerOption, WaitOption
from nofx_cli.cli.output import note
from nofx_cli.domain.ids import StepName
from nofx_cli.engine.retry import retry as retry_run
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def retry(
    run: RunArgument = "latest",
    start: Annotated[
        str,
        typer.Option("--from", help="Do this step and all that needs it again.", autocompletion=complete_step),
    ] = "",
    detach: DetachOption = False,
    start_worker: StartWorkerOption = True,
    wait: WaitOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Do the failed or cancelled part of a run again, or with --from any part, in the same run.

    The run has ended, or waits for a person: what was asked about a step that is done again is asked anew. What
    succeeded stays as it is, unless it needs a step that is done again. The earlier attempts stay on record.
    """
    session = open_session()
    opened = session.open(run)
    reset = retry_run(opened, start=StepName(start) if start else None)
    if not as_json and not quiet:
        note(f"again: {', '.join(reset)}")
    raise typer.Exit(
        carry_on(
            session, opened, Wishes(stay=wait, as_json=as_json, quiet=quiet, detach=detach, start_worker=start_worker)
        )
    )
