"""`nofx reject`."""

from typing import Annotated

import typer

from nofx_cli.cli.answering import AnswerOptions, give_answer
from nofx_cli.cli.completion import complete_run, complete_step

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def reject(
    step: Annotated[str, typer.Argument(help="The waiting step.", autocompletion=complete_step)],
    run: Annotated[
        str,
        typer.Option("--run", "-r", help="The run [default: the newest that waits so].", autocompletion=complete_run),
    ] = "",
    note: Annotated[str, typer.Option("--note", "-m", help="Why; kept on record.")] = "",
    no_resume: Annotated[bool, typer.Option("--no-resume", help="Only record the answer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Say no to a waiting step: it fails, and what needs it is skipped."""
    options = AnswerOptions(step=step, run=run, note=note, resume=not no_resume, as_json=as_json)
    raise typer.Exit(give_answer("rejected", options))
