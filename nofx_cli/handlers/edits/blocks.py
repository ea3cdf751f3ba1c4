"""Blocks are found in the text of their file and put in place of what is there.

All blocks of a file are looked for in the text as it is, so their order is of no account. A block belongs where its
old lines occur; where they occur more than once, a hunk belongs to the line that it names if they occur there, or to
the only place behind the hunk before. A block is there already where its new lines occur and its old lines do not,
or only within the new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from nofx_cli.domain.record import record
from nofx_cli.handlers.edits.answer_lines import first_line, numbered
from nofx_cli.handlers.edits.edit import ADDED, KEPT, Block
from nofx_cli.handlers.edits.file_text import BOM, EXACT, LEVELS, WITHOUT_ENDS, FileText

MOST_BLOCKS = 1_000
_CONTEXT = 3
_MOST_NEAREST = 5
_MOST_SHOWN = 8
_RELAXED = {1: "without regard to its line ends", 2: "without regard to blanks at the ends of its lines"}


@record
class _Found:
    """Where a block belongs: its old lines at `place`, the same at `level`."""

    block: Block
    place: int
    level: int

    @property
    def span(self) -> tuple[int, int]:
        """The lines that are replaced, without those at both ends that are kept: the first, and the one behind."""
        lines = self.block.lines
        head = next((n for n, (mark, _) in enumerate(lines) if mark != KEPT), len(lines))
        tail = next((n for n, (mark, _) in enumerate(reversed(lines)) if mark != KEPT), 0)
        return self.place + head, self.place + len(self.block.old) - tail


@dataclass
class Placing:
    """What came of placing the blocks of a file: its new text where there are no reasons against it."""

    text: str = ""
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def place_blocks(blocks: Sequence[Block], text: str) -> Placing:
    """Put all blocks in their places, or say why that cannot be done."""
    file, placing = FileText(text), Placing()
    if len(blocks) > MOST_BLOCKS:
        placing.reasons.append(f"has {len(blocks)} parts to be replaced; more than {MOST_BLOCKS} are not taken")
        return placing
    found: list[_Found] = []
    for block in blocks:
        place = _Search(file, block, behind=_behind(found, block)).run(placing)
        if place is not None:
            found.append(place)
    found.sort(key=lambda one: one.span)
    placing.reasons += _overlaps(found)
    if not placing.reasons:
        placing.text = _replaced(file, found)
    return placing


def _behind(found: Sequence[_Found], block: Block) -> int:
    """Where the last hunk of the same diff ends; hunks stand in the order of their file."""
    return found[-1].span[1] if found and block.at and found[-1].block.at else 0


class _Search:
    """Looks for one block."""

    def __init__(self, file: FileText, block: Block, *, behind: int) -> None:
        self._file, self._block, self._behind = file, block, behind
        self._where = f"{block.name} at line {block.place} of the answer"

    def run(self, placing: Placing) -> _Found | None:
        if not self._block.old:
            return self._without_old(placing)
        for level in LEVELS:
            if (place := self._claimed(level)) is not None:
                return self._at(place, level, placing)
            if places := self._file.places(self._block.old, level):
                return self._one_of(places, level, placing)
        if self._is_there():
            placing.notes.append(f"{self._where} was applied already")
        else:
            begins = first_line(next((line for line in self._block.old if line.strip()), "")).strip()
            missing = f'{self._where}, with "{begins}", does not occur in the file'
            shown = f"{self._hint()}{self._nearest()}" if len(placing.reasons) < _MOST_NEAREST else ""
            placing.reasons.append(f"{missing}{shown}")
        return None

    def _without_old(self, placing: Placing) -> _Found | None:
        if not self._file.text:
            return _Found(self._block, 0, EXACT)
        if any(self._file.places(self._block.new, level) for level in LEVELS):
            placing.notes.append(f"{self._where} was applied already")
        else:
            placing.reasons.append(f"{self._where} has no line of the file, so it is not clear where it belongs")
        return None

    def _claimed(self, level: int) -> int | None:
        """The place that a hunk names, if its old lines are there and it is clear that its new ones are not."""
        block, place = self._block, self._block.at - 1
        if place < 0 or not self._file.has_at(place, block.old, level):
            return None
        tail = next((n for n, (mark, _) in enumerate(reversed(block.lines)) if mark != KEPT), 0)
        is_last = place + len(block.old) == len(self._file.lines)
        return place if is_last or tail >= _CONTEXT or not self._is_applied_at(place, level) else None

    def _is_applied_at(self, place: int, level: int) -> bool:
        """Whether the old lines that are at a place are part of the new ones, which are there too."""
        old, new = self._block.old, self._block.new
        if len(new) <= len(old):
            return False
        inside = FileText("".join(new)).places(old, level)
        return any(self._file.has_at(place - offset, new, level) for offset in inside)

    def _one_of(self, places: list[int], level: int, placing: Placing) -> _Found | None:
        if all(self._is_applied_at(place, level) for place in places):
            placing.notes.append(f"{self._where} was applied already")
            return None
        later = [place for place in places if place >= self._behind] if self._behind else places
        if len(places) > 1 and len(later) != 1:
            numbers = ", ".join(str(place + 1) for place in places[:5]) + (" and more" if len(places) > 5 else "")
            placing.reasons.append(
                f"{self._where} occurs more than once in the file, at lines {numbers}; add lines around it"
            )
            return None
        return self._at(later[0] if later else places[0], level, placing)

    def _at(self, place: int, level: int, placing: Placing) -> _Found:
        if level != EXACT:
            placing.notes.append(f"{self._where} was found at line {place + 1} {_RELAXED[level]}")
        elif self._block.at and place != self._block.at - 1:
            placing.notes.append(f"{self._where} names line {self._block.at} and was found at line {place + 1}")
        return _Found(self._block, place, level)

    def _is_there(self) -> bool:
        """Whether the new lines are there once, and say enough to be known by: a bare bracket does not."""
        marks = [mark for mark, line in self._block.lines if any(map(str.isalnum, line))]
        is_known = ADDED in marks or (self._block.at > 0 and marks[:1] == marks[-1:] == [KEPT])
        places = next(filter(None, (self._file.places(self._block.new, level) for level in LEVELS)), [])
        return is_known and len(places) == 1

    def _hint(self) -> str:
        from html import unescape

        plain = [unescape(line) for line in self._block.old]
        if plain != list(self._block.old) and self._file.places(plain, WITHOUT_ENDS):
            return "; it does without HTML entities: write the characters themselves, such as < for &lt;"
        return ""

    def _nearest(self) -> str:
        place, count = self._file.nearest(self._block.old)
        if not count:
            return "; nothing in the file resembles it"
        shown = self._file.lines[place : place + min(count, _MOST_SHOWN)]
        lines = "\n".join(numbered(shown, place + 1))
        return f"; the nearest lines of the file are:\n{lines}"


def _overlaps(found: Sequence[_Found]) -> list[str]:
    """Blocks that want the same lines, or to put something at the same place."""
    reasons = []
    for one, other in pairwise(found):
        if other.span[0] < one.span[1] or one.span == other.span:
            first, second = sorted((one.block.place, other.block.place))
            reasons.append(
                f"{one.block.name} at line {first} of the answer and the one at line {second} overlap; make them one"
            )
    return reasons


def _replaced(file: FileText, found: Sequence[_Found]) -> str:
    parts, at = list[str](), 0
    for one in found:
        first, last = one.span
        parts += file.lines[at:first]
        parts += _rendered(file, one)
        at = last
    parts += file.lines[at:]
    inner = [line if line.endswith("\n") else f"{line}{file.line_end}" for line in parts[:-1]]
    return "".join([*inner, *parts[-1:]])


def _rendered(file: FileText, found: _Found) -> list[str]:
    """The new lines between those that are kept at both ends; kept lines stay as the file has them."""
    first, last = found.span
    there = file.lines[first:last] or file.lines[found.place : found.place + len(found.block.old)]
    end = _end_of(there, file)
    rendered, at = list[str](), found.place
    for mark, line in found.block.lines:
        if mark == ADDED:
            rendered.append(line if found.level == EXACT else _with_end(line, end))
            continue
        if mark == KEPT and first <= at < last:
            rendered.append(file.lines[at])
        at += 1
    return rendered if found.level == EXACT else _as_the_file_begins_and_ends(file, found.span, rendered)


def _as_the_file_begins_and_ends(file: FileText, span: tuple[int, int], rendered: list[str]) -> list[str]:
    if rendered and span[0] == 0 and file.text.startswith(BOM):
        first = rendered[0].removeprefix(BOM)
        rendered[0] = BOM + first if span[1] or not file.lines else first
    if rendered and span[1] == len(file.lines) and file.text and not file.text.endswith("\n"):
        rendered[-1] = rendered[-1].removesuffix("\n").removesuffix("\r")
    return rendered


def _end_of(lines: Sequence[str], file: FileText) -> str:
    crlf = sum(line.endswith("\r\n") for line in lines)
    ended = sum(line.endswith("\n") for line in lines)
    return file.line_end if not ended else "\r\n" if 2 * crlf > ended else "\n"


def _with_end(line: str, end: str) -> str:
    return f"{line.removesuffix(chr(10)).removesuffix(chr(13))}{end}" if line.endswith("\n") else line
