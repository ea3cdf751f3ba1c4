"""`nofx reject`."""

import typer

from nofx_cli.cli.answering import AnswerOptions, give_answer
from nofx_cli.cli.options import AskedRunOption, JsonOption, NoResumeOption, NoteOption, StepArgument

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def reject(
    step: StepArgument,
    run: AskedRunOption = "",
    note: NoteOption = "",
    no_resume: NoResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say no to a waiting step: it fails, and what needs it is skipped."""
    options = AnswerOptions(step=step, run=run, note=note, resume=not no_resume, as_json=as_json)
    raise typer.Exit(give_answer("rejected", options))
