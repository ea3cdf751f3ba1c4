"""A part of the output in which the runner obeys nothing."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TextIO

from nofx_cli.cli.github import on_github


def new_token() -> str:
    """A word that foreign text cannot guess: 128 random bits."""
    return f"nofx-{os.urandom(16).hex()}"


@contextmanager
def fenced(environ: Mapping[str, str], stream: TextIO, *, token: Callable[[], str] = new_token) -> Iterator[None]:
    """Let the runner obey no line until the end of the block; elsewhere than on GitHub this does nothing.

    The state is the runner's, not the stream's: what other streams print meanwhile is fenced as well.
    """
    if not on_github(environ):
        yield
        return
    word = token()
    _say(stream, f"::stop-commands::{word}")
    try:
        yield
    finally:
        _say(stream, f"::{word}::")


def _say(stream: TextIO, line: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads any more, which is no reason to end the run
        stream.write(f"{line}\n")
        stream.flush()
