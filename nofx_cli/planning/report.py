"""Collects the faults of one text, each at its place."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nofx_cli.planning.nodes import Node

if TYPE_CHECKING:
    from nofx_cli.planning.diagnostics import Diagnostic, PlanInvalid

BYTE_ORDER_MARK = "\ufeff"
_LINE_BREAK = "\r\n|[\n\r\x85\u2028\u2029]"
_COMPARISONS = 10_000
_LONGEST_QUOTE = 60


class Report:
    """The faults found so far in `text`, which is known to people as `source`."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.found: list[Diagnostic] = []
        self._text = text.removeprefix(BYTE_ORDER_MARK)
        self._lines: list[str] | None = None
        self._comparisons_left = _COMPARISONS

    @property
    def lines(self) -> list[str]:
        """The lines as YAML counts them."""
        if self._lines is None:
            self._lines = re.split(_LINE_BREAK, self._text)
        return self._lines

    def place_of(self, offset: int) -> tuple[int, int]:
        """Line and column, from 0, of a character of the text."""
        start = line = 0
        for found in re.finditer(_LINE_BREAK, self._text[:offset]):
            start, line = found.end(), line + 1
        return line, offset - start

    def at(self, code: str, line: int, column: int, message: str, *, hint: str = "", length: int = 1) -> None:
        """Add a fault; line and column count from 0."""
        from nofx_cli.planning.diagnostics import Diagnostic

        text = self.lines[line] if line < len(self.lines) else ""
        self.found.append(Diagnostic(code, message, self.source, line + 1, column + 1, hint, text, length))

    def at_node(self, code: str, node: Node, message: str, *, hint: str = "") -> None:
        """Add a fault of a value: what is underlined is the value, or its first line."""
        start, end = node.start_mark, node.end_mark
        length = end.column - start.column
        if end.line != start.line:
            length = len(self.lines[start.line].rstrip()) - start.column
            if node.id == "mapping" and not node.flow_style and node.value:
                first = node.value[0][0]
                length = first.end_mark.column - start.column
        self.at(code, start.line, start.column, message, hint=hint, length=max(length, 1))

    def at_text(
        self, code: str, node: Node, message: str, *, needles: Iterable[str], nth: int = 0, hint: str = ""
    ) -> None:
        """Add a fault of a part of a scalar: the n-th place where one of `needles` stands in its source."""
        for needle in needles:
            found = self._find(node, needle, nth)
            if found:
                self.at(code, *found, message, hint=hint, length=len(needle))
                return
        self.at_node(code, node, message, hint=hint)

    def _find(self, node: Node, needle: str, nth: int) -> tuple[int, int] | None:
        start, end = node.start_mark, node.end_mark
        for number in range(start.line, min(end.line + 1, len(self.lines))):
            line = self.lines[number]
            column = start.column if number == start.line else 0
            stop = end.column if number == end.line else len(line)
            while (column := line.find(needle, column, stop)) >= 0:
                if _stands_alone(line, column, len(needle)):
                    if nth == 0:
                        return number, column
                    nth -= 1
                column += len(needle)
        return None

    def near(self, word: str, pool: Iterable[str]) -> str:
        """`did you mean …?`, or nothing. Looks only a limited number of times, so that many faults stay linear."""
        names = list(pool)
        if len(names) > self._comparisons_left:
            return ""
        self._comparisons_left -= len(names)
        return did_you_mean(word, names)

    def stop_if_any(self) -> None:
        """Raise all that was found.

        Raises:
            PlanInvalid: there is a fault.
        """
        if self.found:
            raise self.invalid()

    def invalid(self) -> "PlanInvalid":
        """All that was found, as an error."""
        from nofx_cli.planning.diagnostics import PlanInvalid

        return PlanInvalid(self.found)


def _stands_alone(line: str, start: int, length: int) -> bool:
    """Whether what stands there is no part of a longer name."""
    before, after = line[start - 1 : start], line[start + length : start + length + 1]
    first, last = line[start], line[start + length - 1]
    is_longer = (_in_name(first) and (_in_name(before) or before == ".")) or (_in_name(last) and _in_name(after))
    return not is_longer


def _in_name(char: str) -> bool:
    return char.isalnum() or char == "_"


def did_you_mean(word: str, pool: Iterable[str]) -> str:
    """The name that was probably meant, as a question; empty where none is near."""
    from difflib import get_close_matches

    names = list(pool)
    close = get_close_matches(word[:200], names, n=1) or [name for name in names if name.lower() == word.lower()]
    return f"did you mean {quoted(close[0])}?" if close else ""


def quoted(text: str) -> str:
    """A name or value inside a message: in backticks, shortened, on one line."""
    short = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)
    return f"`{shown}`"
