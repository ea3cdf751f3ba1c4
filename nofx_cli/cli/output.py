"""What commands print: results on standard output, everything else on standard error.

Whatever comes from files, models or tools goes through `safe` before it is shown.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from nofx_cli.errors import NofxError
from nofx_cli.safety.terminal_text import fence_workflow_commands, neutralise

if TYPE_CHECKING:
    from nofx_cli.safety.masking import Masker

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


def safe(text: str) -> str:
    """One line of foreign text, harmless to a terminal and to a CI runner."""
    return fence_workflow_commands(neutralise(text))


def colourful(stream: TextIO) -> bool:
    """Whether a stream takes colour: NO_COLOR, then FORCE_COLOR, then whether it is a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, *styles: str, stream: TextIO | None = None) -> str:
    """Colour a text where the stream (standard output by default) takes colour."""
    if not text or not styles or not colourful(stream or sys.stdout):
        return text
    return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def out(text: str = "") -> None:
    """A line of the result."""
    sys.stdout.write(text + "\n")


def note(text: str = "") -> None:
    """A line for the person, beside the result; what was printed of the result before stands before it."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def out_json(value: object) -> None:
    """The result as one JSON object on one line."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    # Some runners obey `##[…]` wherever in a line it stands. In JSON it can only stand in a string.
    sys.stdout.write(text.replace("##", "#\\u0023") + "\n")
    sys.stdout.flush()


def width(text: str) -> int:
    """How many columns of a terminal a line takes; its own colours take none."""
    if "\x1b" in text:
        import re

        text = re.sub("\x1b\\[[0-9;]*m", "", text)
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def terminal_width(stream: TextIO) -> int:
    """The columns of the terminal behind a stream; 0 where there is none, and lines may be of any length."""
    if not stream.isatty():
        return 0
    told = os.environ.get("COLUMNS", "")
    try:
        return int(told) if told.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0


def shorten(text: str, limit: int) -> str:
    """A plain line cut to `limit` columns; the cut is told by an ellipsis."""
    if width(text) <= limit:
        return text
    while text and width(text) > limit - 1:
        text = text[: min(len(text) - 1, limit - 1)]
    return text.rstrip() + "…"


def columns(rows: Sequence[Sequence[str]], *, styles: Sequence[Sequence[str]] = ()) -> Iterable[str]:
    """Align rows of cells, which may be painted; `styles` gives the colours of each cell, row by row."""
    widths = [max(width(row[at]) for row in rows) for at in range(len(rows[0]))] if rows else []
    for number, row in enumerate(rows):
        cells = []
        for at, cell in enumerate(row):
            style = styles[number][at] if styles else ""
            padding = " " * (widths[at] - width(cell)) if at + 1 < len(row) else ""
            cells.append((paint(cell, style) if style else cell) + padding)
        yield "  ".join(cells).rstrip()


def tell_error(error: NofxError, *, as_json: bool = False) -> None:
    """Tell an error, masked: on standard error for people; `as_json` as an object on standard output as well."""
    mask = process_masker()
    if as_json:
        told = {"code": error.code, "message": error.message, "hint": error.hint, "context": dict(error.context)}
        out_json({"error": mask.data(told), "exit_code": int(error.exit_code)})  # type: ignore[arg-type]
    lines = [safe(line) for line in mask.text(error.message).split("\n")]
    if len(lines) == 1 and ": error[" not in lines[0]:
        note(paint(f"error[{error.code}]", "red", "bold", stream=sys.stderr) + f": {lines[0]}")
    else:
        note("\n".join(lines))
    if error.hint:
        note(paint("  hint", "cyan", stream=sys.stderr) + f": {safe(mask.text(error.hint))}")


def process_masker() -> "Masker":
    """What this process knows of secrets; also where it came to no session."""
    from nofx_cli.safety.masking import Masker
    from nofx_cli.safety.masking_names import secret_values

    masker = Masker.of_this_process()
    masker.learn(secret_values(os.environ))
    return masker


def _plain(value: object) -> object:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return dict(value) if isinstance(value, Mapping) else str(value)
