"""`nofx plugin`: begin a handler of one's own, and see which are there."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nofx_cli import errors
from nofx_cli.cli.options import JsonOption
from nofx_cli.cli.output import columns, note, out, out_json, safe
from nofx_cli.wiring.session import open_session

if TYPE_CHECKING:
    from nofx_cli.wiring.new_plugin.draft import Draft

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def plugin() -> None:
    """Begin a handler of your own, and see which are there."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The name of its file, such as `greet`.", metavar="NAME")],
    *,
    tool: Annotated[
        str, typer.Option("--tool", "-t", help="The tool, or `family:*` [default: NAME].", metavar="PATTERN")
    ] = "",
    effect: Annotated[bool, typer.Option("--effect", help="One that changes the world outside, once.")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="One that judges: `gate:NAME`.")] = False,
    package: Annotated[bool, typer.Option("--package", help="A package to publish, in a folder nofx-NAME.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a handler and its test; both work as they are.

    The handler goes to nofx_handlers/, the test to where the project keeps its tests. Nothing is written over: where
    one of the files is there, it exits with 5.
    """
    from nofx_cli.wiring.new_plugin import draft, make, project

    if effect and gate:
        raise errors.UsageError("--effect and --gate do not go together: a gate looks, and changes nothing")
    kind = draft.Kind.EFFECT if effect else draft.Kind.GATE if gate else draft.Kind.PLAIN
    session = open_session()
    place = Path.cwd() if package else session.project
    if package:
        drafted = draft.draft_package(name, tool=tool, kind=kind)
    else:
        drafted = draft.draft_handler(name, tool=tool, kind=kind, tests=project.tests_folder(place))
    make.check_free(session, drafted)
    written = make.write(drafted, place)
    following = _package_next(drafted) if package else _next(place, drafted)
    if as_json:
        out_json({"tool": drafted.tool, "files": [str(place / path) for path in written], "step": drafted.step})
        return
    for path in written:
        out(f"{_from_here(place / path)}: written")
    for line in (*following, f"a step that uses it: {drafted.step}"):
        note(line)


@app.command(name="list")
def list_plugins(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON array.")] = False
) -> None:
    """List the handlers that are not built in, and what cannot be loaded.

    The project's own come first, then those of installed packages; each is loaded to see whether it can be.
    """
    from nofx_cli.cli.render import plugin_view
    from nofx_cli.wiring.plugins import plugins_of

    session = open_session()
    found = plugins_of(session.project)
    if as_json:
        out_json(session.masker.data(plugin_view.as_json(found)))
        return
    if not found:
        note("there is no plugin; begin one: nofx plugin new NAME")
        return
    rows, styles = plugin_view.rows(found)
    for line in columns(rows, styles=styles):
        out(session.masker.text(line))


def _next(project: Path, drafted: "Draft") -> Iterator[str]:
    """What to type now."""
    from nofx_cli.wiring.new_plugin.project import lacks_nofx, python_of_tests

    python = python_of_tests(project)
    shown = _from_here(python) if python and python.is_relative_to(project) else "python"
    if python and lacks_nofx(python):
        yield f"its test needs nofx: {shown} -m pip install nofx-cli"
    yield f"run its test: {shown} -m pytest {_from_here(project / drafted.test)}"


def _package_next(drafted: "Draft") -> Iterator[str]:
    folder = drafted.files[0][0].partition("/")[0]
    yield f"run its test: cd {folder} && python -m pytest"
    yield f"install it where nofx is: python -m pip install -e {folder}"


def _from_here(path: Path) -> str:
    return safe(os.path.relpath(path))
