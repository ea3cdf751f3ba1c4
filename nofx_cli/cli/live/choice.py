"""Which view a run gets."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from nofx_cli.cli.ci import in_ci
from nofx_cli.cli.live.watched import View, WatchedRun


def choose_view(
    watched: WatchedRun,
    *,
    stderr: TextIO | None = None,
    stdin: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    verbose: bool = False,
) -> View:
    """The live view where standard error is a terminal that can be drawn on, else plain lines.

    Keys are taken only where standard input is a terminal too. `verbose` asks for plain lines with all output.
    """
    stderr, stdin = stderr or sys.stderr, stdin or sys.stdin
    if verbose or not is_drawable(stderr, os.environ if environ is None else environ):
        from nofx_cli.cli.live.plain import PlainView

        return PlainView(watched, stream=stderr, verbose=verbose)
    from nofx_cli.cli.live.keyboard import Keyboard
    from nofx_cli.cli.live.live_view import LiveView

    keyboard = Keyboard(stdin.fileno()) if stdin is not None and stdin.isatty() else None
    return LiveView(watched, stream=stderr, keyboard=keyboard)


def is_drawable(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that obeys control sequences and belongs to a person, not to a CI job."""
    return stream.isatty() and environ.get("TERM", "dumb") not in {"dumb", "unknown"} and not in_ci(environ)
