"""The root of the command line."""

import sys
from typing import Annotated

import typer

from nofx_cli import __version__
from nofx_cli.cli.lazy_group import LazyGroup

app = typer.Typer(
    name="nofx",
    cls=LazyGroup,
    help="Durable, auditable runs of plans: gates that verify, people who approve, a timeline that can be proved.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"nofx {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Durable, auditable runs of plans: gates that verify, people who approve, a timeline that can be proved."""


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app()
