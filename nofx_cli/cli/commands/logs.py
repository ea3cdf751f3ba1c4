"""`nofx logs`."""

import sys
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.completion import complete_run, complete_step
from nofx_cli.cli.meant import run_and_step
from nofx_cli.cli.output import note, out, paint, safe
from nofx_cli.domain.ids import StepName
from nofx_cli.engine.read_logs import AttemptLog, follow_logs, logs_of
from nofx_cli.engine.view_run import RunView
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def logs(
    run: Annotated[
        str,
        typer.Argument(help="The run, or a step of the newest run.", autocompletion=complete_run),
    ] = "latest",
    step: Annotated[
        str, typer.Argument(help="Only this step [default: all that have started].", autocompletion=complete_step)
    ] = "",
    *,
    following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the step, or else the run, has ended.")
    ] = False,
    attempt: Annotated[
        int,
        typer.Option("--attempt", min=0, help="Of this attempt [default: the last].", metavar="N", show_default=False),
    ] = 0,
    raw: Annotated[
        bool, typer.Option("--raw", help="The bytes as they were written; not on a terminal, and for one step only.")
    ] = False,
) -> None:
    """Show the output of steps, or follow it.

    Control characters and commands to CI runners (`::error::`) are neutralised, secrets were masked when it was
    written. Without STEP each line is preceded by the name of its step.
    """
    session = open_session()
    view, name = run_and_step(session, run, step)
    if raw:
        _tell_raw(session, view, name, attempt, following=following)
    elif following:
        _follow(session, view, name, attempt)
    else:
        _tell(session, view, name, attempt)


def _tell(session: Session, view: RunView, step: StepName | None, attempt: int) -> None:
    found = logs_of(session.services, view, step=step, attempt=attempt)
    shown = _Shown(view, step)
    for log in found:
        for line in log.lines(final=True):
            shown.line(log, line)
    if not shown.any:
        _tell_silence(view, step, attempt, started=bool(found))


def _follow(session: Session, view: RunView, step: StepName | None, attempt: int) -> None:
    if view.interrupted:
        note(f"no process executes run {view.run}; go on with it: nofx resume {view.run}")
    shown = _Shown(view, step)
    for log, line in follow_logs(session.services, view, step=step, attempt=attempt):
        shown.line(log, line)
        sys.stdout.flush()


def _tell_raw(session: Session, view: RunView, step: StepName | None, attempt: int, *, following: bool) -> None:
    if step is None or following:
        raise errors.UsageError("--raw gives the whole output of one step", hint="nofx logs RUN STEP --raw")
    if sys.stdout.isatty():
        raise errors.UsageError(
            "--raw is not for a terminal: it would obey the control sequences in the output",
            code="raw-on-terminal",
            hint=f"leave --raw out, or write it to a file: nofx logs {view.run} {step} --raw > output.log",
        )
    sys.stdout.flush()
    for log in logs_of(session.services, view, step=step, attempt=attempt):
        for block in log.blocks():
            sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


class _Shown:
    """Writes lines, each with the name of its step where there may be several."""

    def __init__(self, view: RunView, step: StepName | None) -> None:
        self.any = False
        self._alone = step is not None
        self._wide = min(max((len(name) for name in view.state.steps), default=0), 24)

    def line(self, log: AttemptLog, line: bytes) -> None:
        self.any = True
        text = safe(line.removesuffix(b"\r").decode("utf-8", "replace"))
        prefix = "" if self._alone else paint(f"{safe(log.step):<{self._wide}} │ ", "dim")
        out(prefix + text)


def _tell_silence(view: RunView, step: StepName | None, attempt: int, *, started: bool) -> None:
    what = f"step {step}" if step else "no step"
    if attempt and not started:
        note(f"{what} of run {view.run} has had no attempt {attempt}")
    elif step is None:
        note(f"no step of run {view.run} has written anything")
    else:
        note(f"{what} of run {view.run} has " + ("written nothing" if started else "not started"))
