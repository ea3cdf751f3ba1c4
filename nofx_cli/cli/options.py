"""Options that several commands have, declared once."""

from typing import Annotated, TypeAlias

import typer

from nofx_cli.cli.completion import complete_run, complete_step

RunArgument: TypeAlias = Annotated[str, typer.Argument(help="The run.", autocompletion=complete_run)]
StepArgument: TypeAlias = Annotated[str, typer.Argument(help="The waiting step.", autocompletion=complete_step)]
AskedRunOption: TypeAlias = Annotated[
    str, typer.Option("--run", "-r", help="The run [default: the newest that waits so].", autocompletion=complete_run)
]
NoteOption: TypeAlias = Annotated[str, typer.Option("--note", "-m", help="Why; kept on record.")]
NoResumeOption: TypeAlias = Annotated[bool, typer.Option("--no-resume", help="Only record the answer.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
DetachOption: TypeAlias = Annotated[bool, typer.Option("--detach", "-d", help="Leave the run to a worker.")]
StartWorkerOption: TypeAlias = Annotated[
    bool, typer.Option("--start-worker/--no-start-worker", help="With --detach: start a worker where none lives.")
]
WaitOption: TypeAlias = Annotated[
    bool | None, typer.Option("--wait/--no-wait", help="Stay while a person is waited for [default: on a terminal].")
]
