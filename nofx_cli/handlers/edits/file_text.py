"""The text of a file as its lines, and where other lines occur in it.

Lines are compared at three levels, each laxer than the one before: as they are, without their ends (and without the
mark of byte order that a file may begin with), without the blanks at their ends.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate

from nofx_cli.handlers.edits.answer_lines import lines_of

EXACT, WITHOUT_ENDS, WITHOUT_BLANKS = LEVELS = range(3)
BOM = "\ufeff"
MOST_PLACES = 6
"""So many places are looked for and told of what occurs more often than once."""
_MOST_POSITIONS = 50


def as_it_is(line: str) -> str:
    return line


def without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r").removeprefix(BOM)


def without_blanks(line: str) -> str:
    return line.removeprefix(BOM).rstrip()


KEYS: Sequence[Callable[[str], str]] = (as_it_is, without_end, without_blanks)


class FileText:
    """The text of a file, which has no NUL. Places in it are numbers of lines, counted from 0."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = lines_of(text)
        self._searched: dict[int, tuple[str, list[int]]] = {}

    @cached_property
    def line_end(self) -> str:
        """The end that most of the lines have."""
        crlf = self.text.count("\r\n")
        return "\r\n" if 2 * crlf > self.text.count("\n") else "\n"

    @property
    def is_mixed(self) -> bool:
        return 0 < self.text.count("\r\n") < self.text.count("\n")

    def places(self, wanted: Sequence[str], level: int) -> list[int]:
        """Where lines occur one after the other, the first `MOST_PLACES` times."""
        if not wanted:
            return []
        text, starts = self._text_at(level)
        needle = _joined(wanted, level)
        found: list[int] = []
        at = text.find(needle)
        while at >= 0 and len(found) < MOST_PLACES:
            found.append(bisect_right(starts, at) - 1)
            at = text.find(needle, at + 1)
        return found

    def has_at(self, place: int, wanted: Sequence[str], level: int) -> bool:
        """Whether lines occur at a place."""
        there = self.lines[place : place + len(wanted)] if place >= 0 else []
        key = KEYS[level]
        return len(there) == len(wanted) and all(
            key(one) == key(other) for one, other in zip(there, wanted, strict=True)
        )

    def nearest(self, wanted: Sequence[str]) -> tuple[int, int]:
        """The place of the lines that resemble others most, and how many they are; 0 of them where none does.

        Lines that are the same but for their blanks vote for where the others would be; where there is none, the
        first line is compared with the lines of the file as far as that is cheap.
        """
        votes: dict[int, int] = defaultdict(int)
        for number, line in enumerate(wanted):
            positions = self._positions.get(line.strip(), ()) if line.strip() else ()
            for position in positions:
                votes[max(position - number, 0)] += 1
        if votes:
            best = max(votes, key=lambda place: (votes[place], -place))
            return best, min(len(wanted), len(self.lines) - best)
        place = self._like(next((line for line in wanted if line.strip()), ""))
        return (0, 0) if place is None else (place, min(len(wanted), len(self.lines) - place))

    @cached_property
    def _positions(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(self.lines):
            positions = found[line.strip()]
            if len(positions) < _MOST_POSITIONS:
                positions.append(number)
        return found

    def _like(self, wanted: str) -> int | None:
        from difflib import SequenceMatcher

        matcher, best, most = SequenceMatcher(None, "", wanted.strip()[:200], autojunk=False), None, 0.6
        for number, line in enumerate(self.lines[:2_000]):
            matcher.set_seq1(line.strip()[:200])
            if matcher.real_quick_ratio() > most and matcher.quick_ratio() > most and (ratio := matcher.ratio()) > most:
                best, most = number, ratio
        return best

    def _text_at(self, level: int) -> tuple[str, list[int]]:
        """All lines at a level in one text, each behind a NUL, and where each begins."""
        if level not in self._searched:
            lengths = (len(KEYS[level](line)) + 1 for line in self.lines)
            self._searched[level] = _joined(self.lines, level), list(accumulate(lengths, initial=0))
        return self._searched[level]


def _joined(lines: Sequence[str], level: int) -> str:
    return "".join(f"\0{KEYS[level](line)}" for line in lines) + "\0"
