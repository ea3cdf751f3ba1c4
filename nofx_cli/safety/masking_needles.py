"""Finding many fixed strings at once, at a cost that hardly depends on how many they are.

A string of at least 15 bytes, wherever it begins, covers one aligned block of 8; so the blocks of a text that stand at
multiples of 8 tell which strings can be in it. For each string the eight blocks that it may cover first are kept in a
table, and one pass of C code holds the blocks of the text against that table. Strings of 7 to 14 bytes go by blocks of
4; shorter ones are looked for one by one. Only strings that may be there are then searched for.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Literal

_BLOCKS: tuple[tuple[int, Literal["Q", "I"]], ...] = ((8, "Q"), (4, "I"))


class Needles:
    """A fixed set of strings of bytes. Its `repr` does not tell them."""

    __slots__ = ("_single", "_spread", "_tables", "_tiny")

    def __init__(self, needles: Iterable[bytes]) -> None:
        left = sorted(set(needles))
        self._single, self._spread = (
            _Beginnings(n for n in left if b"\n" not in n),
            _Beginnings(n for n in left if b"\n" in n),
        )
        self._tables = []
        for size, code in _BLOCKS:
            table = _table([needle for needle in left if len(needle) >= 2 * size - 1], size)
            left = [needle for needle in left if len(needle) < 2 * size - 1]
            if table:
                self._tables.append((size, code, frozenset(table), table))
        self._tiny = tuple(left)

    def __repr__(self) -> str:
        return "Needles(…)"

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Start and end of every occurrence, those that overlap too, in no order."""
        found: list[tuple[int, int]] = []
        for needle in self._present(data):
            start = data.find(needle)
            while start >= 0:
                found.append((start, start + len(needle)))
                start = data.find(needle, start + 1)
        return found

    def begun(self, data: bytes, end: int, *, shortest: int) -> int:
        """Where a string begins that is cut off at `end`, after at least so many bytes; `end` where none does."""
        return min(part.begun(data, end, shortest) for part in (self._single, self._spread))

    def settled(self, data: bytes) -> int:
        """How much of `data` holds no beginning of a string that whatever comes next could complete."""
        line = data.rfind(b"\n") + 1
        return min(self._single.settled(data, line), self._spread.settled(data, 0))

    def _present(self, data: bytes) -> list[bytes]:
        present = [needle for needle in self._tiny if needle in data]
        for size, code, keys, table in self._tables:
            length = len(data) - len(data) % size
            if length and not keys.isdisjoint(blocks := memoryview(data)[:length].cast(code).tolist()):
                hits = keys.intersection(blocks)
                present += {needle for hit in hits for needle in table[hit]}
        return present


def _table(needles: Iterable[bytes], size: int) -> Mapping[int, list[bytes]]:
    table: dict[int, list[bytes]] = {}
    for needle in needles:
        for at in range(size):
            table.setdefault(int.from_bytes(needle[at : at + size], sys.byteorder), []).append(needle)
    return table


class _Beginnings:
    """What strings begin with, to see which ends of a text may become one of them."""

    __slots__ = ("_longest", "_of_four", "_short")

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._of_four: dict[bytes, list[bytes]] = {}
        self._longest = 0
        for needle in needles:
            self._of_four.setdefault(needle[:4], []).append(needle)
            self._longest = max(self._longest, len(needle))
        self._short = {four[:length] for four in self._of_four for length in (1, 2, 3)}

    def begun(self, data: bytes, end: int, shortest: int) -> int:
        """As `Needles.begun`."""
        for at in range(max(0, end - self._longest), end - shortest + 1):
            needles = self._of_four.get(data[at : at + 4])
            if needles and any(needle.startswith(data[at:end]) for needle in needles):
                return at
        return end

    def settled(self, data: bytes, start: int) -> int:
        """Where the first end of `data`, from `start` on, lies that is the beginning of a string."""
        length, of_four = len(data), self._of_four
        if not of_four or start == length:
            return length
        for at in range(max(start, length - self._longest + 1), length - 3):
            if data[at : at + 4] in of_four:
                end = data[at:]
                if any(needle.startswith(end) and len(needle) > len(end) for needle in of_four[end[:4]]):
                    return at
        for at in range(max(start, length - 3), length):
            if data[at:] in self._short:
                return at
        return length
