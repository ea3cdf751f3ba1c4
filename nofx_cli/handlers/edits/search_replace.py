"""Answers that have search/replace blocks:

    src/a.py
    <<<<<<< SEARCH
    what is there
    =======
    what comes in its place
    >>>>>>> REPLACE

The path stands before the block, before or behind the fence around it, or is that of the block before. All blocks are
of the file as it is now, not as an earlier block leaves it. A block without a search is a new file. Fences around
blocks are of no account, so it does not matter whether they are closed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.answer_lines import MOST_CHARACTERS, fence_of, lines_of
from nofx_cli.handlers.edits.directives import directives
from nofx_cli.handlers.edits.edit import ADDED, KEPT, REMOVED, Block, EditKind, FileEdit, Refused
from nofx_cli.handlers.edits.named_paths import path_alone, path_before, path_of_info
from nofx_cli.handlers.edits.nothing_found import nothing_found

_BEGIN = re.compile(r"[ \t]{0,8}(<{5,9})[ \t]*(?:SEARCH|ORIGINAL)\b.{0,80}", re.IGNORECASE)
_DIVIDER = re.compile(r"[ \t]{0,8}(={5,9})[ \t]*")
_END = re.compile(r"[ \t]{0,8}(>{5,9})[ \t]*(REPLACE|UPDATED)?:?[ \t]*", re.IGNORECASE)


def parse_search_replace(text: str) -> tuple[FileEdit, ...]:
    """The blocks of an answer, each as an edit of its own.

    Raises:
        Refused: it has none, or some part of it is in doubt.
    """
    reader = _Reader()
    for place, line in enumerate(lines_of(text), 1):
        reader.take(place, line)
    edits, reasons = reader.finish()
    if reasons or not edits:
        raise Refused(*(reasons or [nothing_found(text, EditFormat.SEARCH_REPLACE)]))
    return tuple(sorted(edits, key=lambda edit: edit.place))


@dataclass
class _Raw:
    """A block that is being read."""

    place: int
    length: int
    path: tuple[str, ...]
    indent: str
    lines: list[str] = field(default_factory=list)


@dataclass
class _OutsideFence:
    """A fence that is open between blocks. `has_more` is whether it has lines that are in no block."""

    place: int
    fence: str
    path: str
    has_block: bool = False
    has_more: bool = False


class _Reader:
    def __init__(self) -> None:
        self._block: _Raw | None = None
        self._fence: _OutsideFence | None = None
        self._before: list[str] = []
        self._outside: list[tuple[int, str]] = []
        self._path: tuple[str, ...] = ()
        self._edits: list[FileEdit] = []
        self._reasons: list[str] = []

    def take(self, place: int, line: str) -> None:
        bare = line.rstrip("\r\n") if len(line) <= MOST_CHARACTERS else ""
        if begin := _BEGIN.fullmatch(bare):
            self._begin(place, begin[1], bare)
        elif self._block is None:
            self._take_outside(place, line)
        elif (end := _END.fullmatch(bare)) and (end[2] or len(end[1]) == self._block.length):
            self._end(self._block)
        else:
            self._block.lines.append(line.removeprefix(self._block.indent))

    def finish(self) -> tuple[list[FileEdit], list[str]]:
        if self._block is not None:
            self._reasons.append(
                f"the block at line {self._block.place} of the answer is not closed by >>>>>>> REPLACE"
            )
        self._close_fence()
        return [*self._edits, *directives(self._outside)], self._reasons

    def _begin(self, place: int, marker: str, bare: str) -> None:
        if self._block is not None:
            self._reasons.append(
                f"the block at line {self._block.place} of the answer is not closed when another begins at line {place}"
            )
        self._path = self._path_before() or self._path
        if self._fence is not None:
            self._fence.has_block = True
        self._block = _Raw(place, len(marker), self._path, bare[: len(bare) - len(bare.lstrip())])

    def _path_before(self) -> tuple[str, ...]:
        """That of the lines since the block before; the fence around this block may tell it too."""
        behind = self._fence.path if self._fence is not None and not self._fence.has_block else ""
        return (behind,) if behind else path_before(self._before)

    def _take_outside(self, place: int, line: str) -> None:
        found = fence_of(line)
        if found is None:
            if line.strip():
                self._before.append(line)
            if self._fence is None:
                self._outside.append((place, line))
            elif line.strip() and not path_alone(line):
                self._fence.has_more = True
        elif self._fence is not None and not found[2] and found[1].startswith(self._fence.fence):
            self._close_fence()
        elif self._fence is None:
            before = path_of_info(found[2])
            self._fence = _OutsideFence(place, found[1], before or next(iter(path_before(self._before)), ""))

    def _close_fence(self) -> None:
        fence, self._fence = self._fence, None
        if fence is not None and fence.path and fence.has_more and not fence.has_block:
            self._reasons.append(
                f"the fence at line {fence.place} of the answer, for {fence.path}, has no SEARCH/REPLACE block"
            )

    def _end(self, raw: _Raw) -> None:
        self._block, self._before = None, []
        faults = list(_faults(raw))
        self._reasons += faults
        if not faults:
            self._edits.append(_edit(raw))


def _faults(raw: _Raw) -> Iterator[str]:
    where = f"the block at line {raw.place} of the answer"
    if not raw.path:
        yield f"{where} has no path; write the path of its file on the line before it"
    elif len(raw.path) > 1:
        yield f"{where} has more than one path before it: {', '.join(raw.path)}; name one"
    dividers = _dividers(raw)
    if not dividers:
        yield f"{where} has no ======= between what is searched and what replaces it"
    elif len(dividers) > 1:
        yield f"{where} has {len(dividers)} lines of =======; where the text has such a line, write longer markers"
    else:
        search, replace = _parts(raw)
        if search == replace:
            yield f"{where} changes nothing: what is searched is what replaces it"


def _dividers(raw: _Raw) -> list[int]:
    """Where lines of `=` stand: those as long as the first marker, or where there is none, any."""
    found = [
        (number, len(match[1]))
        for number, line in enumerate(raw.lines)
        if len(line) < MOST_CHARACTERS and (match := _DIVIDER.fullmatch(line.rstrip("\r\n")))
    ]
    return [number for number, length in found if length == raw.length] or [number for number, _ in found]


def _parts(raw: _Raw) -> tuple[list[str], list[str]]:
    (divider,) = _dividers(raw)
    return raw.lines[:divider], raw.lines[divider + 1 :]


def _edit(raw: _Raw) -> FileEdit:
    search, replace = _parts(raw)
    if not any(line.strip() for line in search):
        return FileEdit(raw.path[0], EditKind.CREATE, raw.place, "".join(replace))
    block = Block(tuple(_marked(search, replace)), raw.place)
    return FileEdit(raw.path[0], EditKind.CHANGE, raw.place, blocks=(block,))


def _marked(search: list[str], replace: list[str]) -> Iterator[tuple[str, str]]:
    """What is the same at both ends is kept."""
    shorter = min(len(search), len(replace))
    head = next((n for n in range(shorter) if search[n] != replace[n]), shorter)
    left = shorter - head
    tail = next((n for n in range(left) if search[-1 - n] != replace[-1 - n]), left)
    yield from ((KEPT, line) for line in search[:head])
    yield from ((REMOVED, line) for line in search[head : len(search) - tail])
    yield from ((ADDED, line) for line in replace[head : len(replace) - tail])
    yield from ((KEPT, line) for line in search[len(search) - tail :])
