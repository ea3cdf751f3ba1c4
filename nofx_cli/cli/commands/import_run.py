"""`nofx import`."""

from pathlib import Path
from typing import Annotated

import typer

from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import note, out, out_json, safe
from nofx_cli.cli.render.carried_view import imported_json, imported_words, next_of_import
from nofx_cli.wiring.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `nofx export` wrote.", metavar="FILE")],
    *,
    expect_head: Annotated[
        str,
        typer.Option(help="The head of the run, as the job that wrote the file told it.", metavar="SEQ:DIGEST|DIGEST"),
    ] = "",
    any_commit: Annotated[
        bool, typer.Option("--any-commit", help="Though the project is on another commit than the run.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in a run that was exported; it goes on in this project.

    The file is held against all its digests, and the journal against its chain, before anything is written: of one in
    which a byte was changed nothing is taken, exit code 3. A run that is here already is brought forward where the
    file has what follows; with another journal it is a conflict, exit code 5. Only --expect-head shows a file that
    somebody made anew from end to end.
    """
    from nofx_cli.engine.import_run import import_run
    from nofx_cli.engine.verify_run import parse_head
    from nofx_cli.engine.view_run import view_run
    from nofx_cli.wiring.carrying import bearers_of

    expected = parse_head(expect_head) if expect_head else None
    session = open_session()
    done = import_run(
        session.services, bearers_of(session), file, keys=session.keys, expected=expected, any_commit=any_commit
    )
    if as_json:
        out_json(imported_json(done))
    else:
        out(imported_words(done))
    for told in done.notes:
        note(safe(told))
    view = view_run(session.services, done.run)
    if not as_json and not (view.state.ended and done.notes):
        for line in next_of_import(view):
            note(safe(line))
