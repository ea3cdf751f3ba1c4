"""The part of the terminal that is drawn again and again, at the bottom of what was printed before.

Only lines that differ from what stands there are written, each over the old one and erased behind its end, so that
nothing flickers. Between frames the cursor is hidden and stands at the start of the last line; from there the first
line is found again. When the terminal becomes narrower it folds the lines that were too long, so the way up is
counted in the rows that they take then. Lines never wrap by themselves: wrapping is off while a frame is written,
since a terminal may hold a character for wider than it is.
"""

import io
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import COLOR_SYSTEMS, Console
from rich.segment import Segment
from rich.text import Text

from nofx_cli.cli.live.palette import IN_ASCII

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"
_TO_LINE_END, _TO_END, _LINE = "\x1b[K", "\x1b[J", "\x1b[2K"
_KNOWN_LINES = 2_000


class Canvas:
    """Draws frames on a terminal. Not for use by several threads at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = Console(file=io.StringIO(), force_terminal=True, highlight=False, markup=False, emoji=False)
        self._colours = COLOR_SYSTEMS.get(self._console.color_system or "")
        self._utf8 = (stream.encoding or "").lower().replace("-", "") in ("utf8", "")
        self._drawn: list[str] = []
        self._cells: list[int] = []
        self._width = 0
        self._known: dict[tuple[object, ...], str] = {}

    def draw(self, frame: Sequence[Text], *, width: int) -> None:
        """Make the area show `frame`; `width` is the terminal's now."""
        lines = [self._ansi(line) for line in frame]
        if lines == self._drawn and width == self._width:
            return
        begin = self._up(width) if width == self._width else self._erased(width)
        if width != self._width:
            self._drawn = []
        self._width = width
        self._write(f"{_HIDE}{_WRAP_OFF}{begin}{self._changes(lines)}\r{_WRAP_ON}")
        self._drawn, self._cells = lines, [line.cell_len for line in frame]

    def print_above(self, lines: Sequence[Text], *, width: int) -> None:
        """Print lines that stay, above the area; the area is to be drawn anew."""
        text = "".join(f"{self._ansi(line)}\r\n" for line in lines)
        self._write(f"{self._erased(width)}{text}")
        self._forget()

    def clear(self, *, width: int) -> None:
        """Take the area away and give the cursor back."""
        self._write(f"{self._erased(width)}{_SHOW}")
        self._forget()

    def _forget(self) -> None:
        self._drawn, self._cells, self._width = [], [], 0

    def _rows_above(self, width: int) -> int:
        return sum(max(-(-cells // max(width, 1)), 1) for cells in self._cells[:-1])

    def _up(self, width: int) -> str:
        """Go to the start of the area."""
        rows = self._rows_above(width)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _erased(self, width: int) -> str:
        """Erase the area, line by line: where it begins at the top, all at once would go to tmux's history."""
        return f"\r{_TO_END if self._drawn else ''}" + f"\x1b[A{_LINE}" * self._rows_above(width)

    def _changes(self, lines: Sequence[str]) -> str:
        written = []
        for place, line in enumerate(lines):
            same = place < len(self._drawn) and self._drawn[place] == line
            written.append("" if same else f"{line}{_TO_LINE_END}")
        rest = f"\r\n{_TO_END}\x1b[A" if len(lines) < len(self._drawn) else ""
        return "\r\n".join(written) + rest

    def _ansi(self, line: Text) -> str:
        """The line with its colours, as this terminal can show it."""
        key = (line.plain, line.style, *line.spans)
        known = self._known.get(key)
        if known is None:
            if len(self._known) > _KNOWN_LINES:
                self._known.clear()
            known = self._known[key] = self._rendered(line)
        return known

    def _rendered(self, line: Text) -> str:
        segments: Iterable[Segment] = Text().append_text(line).render(self._console)
        if self._console.no_color:
            segments = Segment.remove_color(segments)
        text = "".join(
            part.style.render(part.text, color_system=self._colours) if part.style else part.text for part in segments
        )
        if self._utf8:
            return text
        encoding = self._stream.encoding
        return text.translate(IN_ASCII).encode(encoding, "replace").decode(encoding)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
