"""`nofx waive`."""

from typing import Annotated

import typer

from nofx_cli.cli.answering import AnswerOptions, give_answer
from nofx_cli.cli.options import AskedRunOption, JsonOption, NoResumeOption, StepArgument

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def waive(
    step: StepArgument,
    note: Annotated[str, typer.Option("--note", "-m", help="Why; kept on record. Required.")],
    run: AskedRunOption = "",
    no_resume: NoResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Pass a waiting step over: it does not run, and what needs it goes on. A note must say why."""
    options = AnswerOptions(step=step, run=run, note=note, resume=not no_resume, as_json=as_json)
    raise typer.Exit(give_answer("waived", options))
