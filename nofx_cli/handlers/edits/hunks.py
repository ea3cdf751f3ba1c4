"""The hunks of a unified diff, also where their counts of lines are wrong.

A hunk ends where its counts say, if what comes there cannot belong to it. Else it ends where the next hunk, file or
fence begins, or where nothing comes but text. A context line that is empty may have lost its blank.
"""

import re

from nofx_cli.domain.record import record
from nofx_cli.handlers.edits.answer_lines import starts_with
from nofx_cli.handlers.edits.edit import ADDED, KEPT, REMOVED, Block

_HEADER = re.compile(r"@@(?: -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@.*| .*)?", re.DOTALL)
_MARKS = (KEPT, REMOVED, ADDED)
_NO_NEWLINE = "\\"


@record
class Hunk:
    """A hunk, and the line of the answer behind it, counted from 0. `fault` is empty where it could be read."""

    block: Block
    end: int
    fault: str = ""


def is_header(line: str) -> bool:
    return line.startswith("@@") and _HEADER.fullmatch(line.rstrip("\r\n")) is not None


def begins_file(lines: list[str], at: int) -> bool:
    """Whether the part of another file begins at a line, counted from 0."""
    line = lines[at]
    return line.startswith("diff --git ") or (line.startswith("--- ") and starts_with(lines, at + 1, "+++ "))


def read_hunk(lines: list[str], at: int) -> Hunk:
    """Read the hunk whose header is at a line, counted from 0."""
    found = _HEADER.fullmatch(lines[at].rstrip("\r\n"))
    numbers = found.groups() if found else (None,) * 4
    start = int(numbers[0] or 0)
    end = _counted_end(lines, at + 1, *_counts(numbers)) if numbers[0] else 0
    fault = ""
    if not end:
        end, fault = _seen_end(lines, at + 1)
    marked = _marked(lines[at + 1 : end])
    if not fault and all(mark == KEPT for mark, _ in marked):
        fault = f"the hunk at line {at + 1} of the answer adds and removes nothing"
    return Hunk(Block(tuple(marked), at + 1, start, "the hunk"), end, fault)


def _counts(numbers: tuple[str | None, ...]) -> tuple[int, int]:
    return tuple(1 if number is None else int(number) for number in (numbers[1], numbers[3]))  # type: ignore[return-value]


def _counted_end(lines: list[str], at: int, old: int, new: int) -> int:
    """Where the counts are used up; 0 where they do not fit."""
    while (old or new) and at < len(lines):
        mark = _mark(lines[at])
        if mark == _NO_NEWLINE:
            at += 1
            continue
        old -= mark in (KEPT, REMOVED)
        new -= mark in (KEPT, ADDED)
        if not mark or min(old, new) < 0:
            return 0
        at += 1
    while at < len(lines) and _mark(lines[at]) == _NO_NEWLINE:
        at += 1
    return 0 if old or new or _goes_on(lines, at) else at


def _goes_on(lines: list[str], at: int) -> bool:
    """Whether the line belongs to the hunk that was to end before it."""
    return at < len(lines) and lines[at][0] in _MARKS and bool(lines[at].strip()) and not begins_file(lines, at)


def _seen_end(lines: list[str], at: int) -> tuple[int, str]:
    """Where the next thing begins, or what is no part of a hunk; and what is wrong there."""
    first = at
    while at < len(lines) and not _begins_other(lines, at):
        if not _mark(lines[at]):
            break
        at += 1
    last = at
    while last > first and not lines[last - 1].strip("\r\n"):
        last -= 1
    return last, _cut(lines, at)


def _begins_other(lines: list[str], at: int) -> bool:
    return is_header(lines[at]) or begins_file(lines, at) or lines[at].startswith(("```", "~~~"))


def _cut(lines: list[str], at: int) -> str:
    """Whether more of the hunk comes behind a line that has no mark."""
    if at >= len(lines) or _begins_other(lines, at):
        return ""
    for later in range(at + 1, min(at + 200, len(lines))):
        if _begins_other(lines, later):
            return ""
        if lines[later][0] in (REMOVED, ADDED) and not lines[later].startswith(("- ", "---", "+++")):
            return (
                f"line {at + 1} of the answer begins with neither a blank nor - nor +, and the hunk goes on behind it"
            )
    return ""


def _mark(line: str) -> str:
    """What a line of a hunk begins with; empty where it is none. An empty line is one of context."""
    if not line.strip("\r\n"):
        return KEPT
    return line[0] if line[0] in (*_MARKS, _NO_NEWLINE) else ""


def _marked(lines: list[str]) -> list[tuple[str, str]]:
    marked: list[tuple[str, str]] = []
    for line in lines:
        mark = _mark(line)
        if mark == _NO_NEWLINE:
            if marked:
                end = "\r\n" if line.endswith("\r\n") else "\n"  # a carriage return that only this line has is text
                marked[-1] = (marked[-1][0], marked[-1][1].removesuffix(end))
        else:
            ended = line if line.endswith("\n") else f"{line}\n"  # the last line of the answer
            marked.append((mark, ended[1:] if ended[0] in _MARKS else ended))
    return marked
