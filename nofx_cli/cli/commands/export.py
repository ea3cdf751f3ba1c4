"""`nofx export`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.options import JsonOption, RunArgument
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.render.carried_view import exported_json, exported_words, next_of_export
from nofx_cli.engine.export_run import ExportedRun
from nofx_cli.wiring.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

STDOUT = "-"
SUFFIX = ".nofx.tgz"


@app.command()
def export(
    run: RunArgument = "latest",
    *,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="Where to write it; - is standard output [default: RUN.nofx.tgz].",
            metavar="FILE",
            show_default=False,
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run to one file, to go on with it in another job or on another machine.

    It has the journal, the plan, artifacts, logs, what people were shown, what models answered, and the trees of a
    worktree; every byte is covered by a digest, and no secret is in it. Take it in with nofx import, and go on in one
    place only. A run that a living process executes is refused, exit code 5.
    """  # fmt: skip
    session = open_session()
    found = session.find(run)
    if output == STDOUT:
        if as_json or sys.stdout.isatty():
            raise errors.UsageError(
                "standard output cannot take the file here", hint="give -o FILE, or send the output to another program"
            )
        _tell(_to_stdout(session, found), as_json=False, quiet=True)
        return
    _tell(_to_file(session, found, Path(output or f"{found}{SUFFIX}"), force=force), as_json=as_json)


def _to_file(session: Session, run: str, path: Path, *, force: bool) -> ExportedRun:
    from nofx_cli.domain.ids import RunId
    from nofx_cli.engine.export_run import export_run, new_file
    from nofx_cli.wiring.carrying import bearers_of

    with new_file(path, force=force) as file:
        return export_run(session.services, bearers_of(session), RunId(run), file, name=str(path))


def _to_stdout(session: Session, run: str) -> ExportedRun:
    import shutil
    import tempfile

    from nofx_cli.domain.ids import RunId
    from nofx_cli.engine.export_run import export_run
    from nofx_cli.wiring.carrying import bearers_of

    with tempfile.TemporaryFile() as file:
        done = export_run(session.services, bearers_of(session), RunId(run), file, name=STDOUT)
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return done


def _tell(done: ExportedRun, *, as_json: bool, quiet: bool = False) -> None:
    if as_json:
        out_json(exported_json(done))
        return
    (note if quiet else out)(exported_words(done))
    if done.missing:
        note(f"the archive lacks what models answered to {done.missing} of its requests: it cannot be replayed there")
    for line in next_of_export(done):
        note(safe(line))
