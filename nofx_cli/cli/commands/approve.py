"""`nofx approve`."""

from typing import Annotated

import typer

from nofx_cli.cli.answering import AnswerOptions, give_answer
from nofx_cli.cli.completion import complete_run, complete_step

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def approve(
    step: Annotated[str, typer.Argument(help="The waiting step.", autocompletion=complete_step)],
    run: Annotated[
        str,
        typer.Option("--run", "-r", help="The run [default: the newest that waits so].", autocompletion=complete_run),
    ] = "",
    note: Annotated[str, typer.Option("--note", "-m", help="Why; kept on record.")] = "",
    no_resume: Annotated[bool, typer.Option("--no-resume", help="Only record the answer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Approve a waiting step.

    Shows what is approved and binds the approval to exactly that. The run goes on in the process that waits for it;
    where there is none, right here, and then the exit code is that of the run. If what would run has changed since
    it was asked, nothing is approved, it is asked anew, and the exit code is 5.
    """
    options = AnswerOptions(step=step, run=run, note=note, resume=not no_resume, as_json=as_json)
    raise typer.Exit(give_answer("granted", options))
