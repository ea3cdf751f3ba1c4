"""A part of the output in which the runner obeys nothing."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TextIO

from nofx_cli.cli.github import on_github


def new_token() -> str:
    """A word that foreign text cannot guess: 128 random bits."""
    return f"nofx-{os.urandom(16).hex()}"


class Fence:
    """Where the fence stands: `word` is what takes it away, empty where there is none."""

    def __init__(self, word: str = "", *, token: Callable[[], str] = new_token) -> None:
        self.word, self._token = word, token

    def lifted(self, command: str) -> list[str]:
        """The lines that let the runner obey one command, of nofx's own; with another word behind it.

        They must be written at once, in the order in which they were made.
        """
        if not self.word:
            return [command]
        before, self.word = self.word, self._token()
        return [f"::{before}::", command, f"::stop-commands::{self.word}"]


@contextmanager
def fenced(environ: Mapping[str, str], stream: TextIO, *, token: Callable[[], str] = new_token) -> Iterator[Fence]:
    """Let the runner obey no line until the end of the block; elsewhere than on GitHub this does nothing.

    The state is the runner's, not the stream's: what other streams print meanwhile is fenced as well.
    """
    if not on_github(environ):
        yield Fence()
        return
    fence = Fence(token(), token=token)
    _say(stream, f"::stop-commands::{fence.word}")
    try:
        yield fence
    finally:
        _say(stream, f"::{fence.word}::")


def _say(stream: TextIO, line: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads any more, which is no reason to end the run
        stream.write(f"{line}\n")
        stream.flush()
