"""The lines of an answer, and the fences in it: what stands inside of one, and what around it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nofx_cli.domain.record import record

MOST_CHARACTERS = 1_000
"""Lines that are longer are content; nothing is looked for in them."""
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*(.*)", re.DOTALL)


@record
class Fence:
    """A fenced part of an answer.

    Attributes:
        info: what stands behind the opening fence.
        place: the line of the opening fence, from 1.
        lines: what is inside, with its ends, without the indentation of the opening fence.
        before: the lines outside of fences since the last fence that are not blank, the nearest last.
        is_closed: whether the closing fence is there; without it the rest of the answer is inside.
        open_inside: how many fences inside were opened and not closed.
    """

    info: str
    place: int
    lines: tuple[str, ...]
    before: tuple[str, ...]
    is_closed: bool
    open_inside: int


@record
class Outline:
    """An answer: its fences, and the lines outside of them with their places, from 1."""

    fences: tuple[Fence, ...]
    outside: tuple[tuple[int, str], ...]


def lines_of(text: str) -> list[str]:
    """Split after each newline and nowhere else: a form feed or a lone carriage return does not end a line."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def fence_of(line: str) -> tuple[str, str, str] | None:
    """The indentation, the fence and the info of a line that can open a fence, or close one; None for any other."""
    if len(line) > MOST_CHARACTERS:
        return None
    found = _FENCE.fullmatch(line.rstrip("\r\n"))
    if found is None or (found[2].startswith("`") and "`" in found[3]):
        return None
    return found[1], found[2], found[3].strip()


def outline(text: str) -> Outline:
    """Find the fences of an answer.

    A fence is closed by one that is as long, of the same character and with nothing behind it. One inside that has
    something behind it opens a fence of its own, which is closed first.
    """
    reader = _Reader()
    for place, line in enumerate(lines_of(text), 1):
        reader.take(place, line)
    return reader.finish()


@dataclass
class _Open:
    indent: str
    info: str
    place: int
    fences: list[str]
    """The fences that are open, the outermost first."""
    lines: list[str] = field(default_factory=list)

    def takes(self, line: str) -> bool:
        """Take a line of the inside, or say that it closes the fence."""
        inside = line.removeprefix(self.indent)
        found = fence_of(inside)
        if found is not None and len(found[0]) <= 3 and found[1][0] == self.fences[0][0]:
            fence, info = found[1:]
            if not info and len(fence) >= len(self.fences[-1]):
                self.fences.pop()
                if not self.fences:
                    return False
            elif info and len(fence) >= len(self.fences[0]):
                self.fences.append(fence)
        self.lines.append(inside)
        return True


class _Reader:
    def __init__(self) -> None:
        self._open: _Open | None = None
        self._fences: list[Fence] = []
        self._outside: list[tuple[int, str]] = []
        self._before: list[str] = []

    def take(self, place: int, line: str) -> None:
        if self._open is not None:
            if not self._open.takes(line):
                self._end(self._open, is_closed=True)
            return
        found = fence_of(line)
        if found is None:
            self._outside.append((place, line))
            if line.strip():
                self._before.append(line)
        else:
            self._open = _Open(found[0], found[2], place, [found[1]])

    def finish(self) -> Outline:
        if self._open is not None:
            self._end(self._open, is_closed=False)
        return Outline(tuple(self._fences), tuple(self._outside))

    def _end(self, ended: _Open, *, is_closed: bool) -> None:
        self._fences.append(
            Fence(
                info=ended.info,
                place=ended.place,
                lines=tuple(ended.lines),
                before=tuple(self._before),
                is_closed=is_closed,
                open_inside=max(len(ended.fences) - 1, 0),
            )
        )
        self._open, self._before = None, []


def starts_with(lines: list[str], place: int, words: str) -> bool:
    """Whether a line, counted from 0, is there and begins so."""
    return place < len(lines) and lines[place].startswith(words)


def first_words(text: str, most: int = 120) -> str:
    """The beginning of an answer in one line, for messages."""
    shown = " ".join(text[: most * 4].split())
    return f"{shown[:most]}…" if len(shown) > most else shown


def numbered(lines: list[str], first: int) -> Iterator[str]:
    """Lines as messages show them, with their numbers."""
    for number, line in enumerate(lines, first):
        yield f"  {number}| {first_line(line)}"


def first_line(line: str) -> str:
    shown = line.rstrip("\r\n")
    return f"{shown[:160]}…" if len(shown) > 160 else shown
