"""Answers that have a unified diff, as `diff -u` and `git diff` write it, and as models do.

Numbers and counts of lines are hints; what a hunk says of the text decides where it belongs. Text around the parts of
files is left out. Renames, deletions and the mode of programs are read; binary patches, links and submodules refused.

A library does this better only for diffs that are right: `unidiff` leaves out lines without a word where a count is too
small and stops where it is too large, and `whatthepatch` takes the headers of the next file for lines of this one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.answer_lines import fence_of, lines_of, starts_with
from nofx_cli.handlers.edits.edit import REMOVED, Block, EditKind, FileEdit, Refused
from nofx_cli.handlers.edits.hunks import is_header, read_hunk
from nofx_cli.handlers.edits.named_paths import path_alone
from nofx_cli.handlers.edits.nothing_found import nothing_found

_NOTHING = "/dev/null"
_GIT = re.compile(r'diff --git (?:"((?:[^"\\]|\\.)*)"|(\S.*?)) (?:"((?:[^"\\]|\\.)*)"|(b/.*|\S+))')
_EXTENDED = re.compile(
    r"(new file mode|deleted file mode|new mode|old mode|rename from|rename to|copy from|copy to) (.*)"
)
_BINARY = ("GIT binary patch", "Binary files ")
_PREFIXES = ("a/", "b/")
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_MODES = {"100644": False, "100755": True}


def parse_unified_diff(text: str) -> tuple[FileEdit, ...]:
    """The files of a diff, each with its hunks.

    Raises:
        Refused: it has none, or some part of it cannot be read.
    """
    reader = _Reader(lines_of(text))
    reader.read()
    if reader.reasons or not reader.edits:
        raise Refused(*(reader.reasons or [nothing_found(text, EditFormat.UNIFIED_DIFF)]))
    return tuple(reader.edits)


@dataclass
class _Part:
    """The part of one file. Paths are None until they are told."""

    place: int
    old: str | None = None
    new: str | None = None
    said: dict[str, str] = field(default_factory=dict)
    """The extended headers of git."""
    blocks: list[Block] = field(default_factory=list)
    has_headers: bool = False
    is_binary: bool = False


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.edits: list[FileEdit] = []
        self.reasons: list[str] = []
        self._lines = lines
        self._part: _Part | None = None
        self._before = ""

    def read(self) -> None:
        at = 0
        while at < len(self._lines):
            at = self._take(at)
        self._end()

    def _take(self, at: int) -> int:
        """Take what begins at a line, counted from 0; returns the line behind it."""
        line = self._lines[at]
        bare = line.rstrip("\r\n")
        if is_header(line):
            return self._take_hunk(at)
        if bare.startswith("diff --git "):
            self._begin(at, *_git_paths(bare))
        elif bare.startswith("--- ") and starts_with(self._lines, at + 1, "+++ "):
            self._take_headers(at)
            return at + 2
        elif self._part is not None and not self._part.blocks and (found := _EXTENDED.fullmatch(bare)):
            self._part.said[found[1]] = _unquoted(found[2])
        elif bare.startswith(_BINARY):
            self._take_binary(at)
        elif bare and fence_of(line) is None:
            self._before = line
        return at + 1

    def _begin(self, at: int, old: str | None = None, new: str | None = None) -> _Part:
        self._end()
        self._part = _Part(at + 1, old, new)
        return self._part

    def _take_headers(self, at: int) -> None:
        part = self._part
        if part is None or part.has_headers or part.blocks:
            part = self._begin(at)
        part.old, part.new = (_header_path(line) for line in self._lines[at : at + 2])
        part.has_headers = True

    def _take_binary(self, at: int) -> None:
        part = self._part or self._begin(at)
        part.is_binary = True

    def _take_hunk(self, at: int) -> int:
        if self._part is None:
            path = path_alone(self._before)
            self._begin(at, path or None, path or None)
        hunk = read_hunk(self._lines, at)
        if hunk.fault:
            self.reasons.append(hunk.fault)
        if self._part is not None:
            self._part.blocks.append(hunk.block)
        return hunk.end

    def _end(self) -> None:
        part, self._part, self._before = self._part, None, ""
        if part is None:
            return
        reason = _fault(part)
        if reason:
            self.reasons.append(reason)
        else:
            self.edits.append(_edit(part))


def _fault(part: _Part) -> str:
    old, new = _paths(part)
    return _fault_of_kind(part, new or old) or _fault_of_content(part, old, new)


def _fault_of_kind(part: _Part, name: str) -> str:
    modes = [mode for said, mode in part.said.items() if said.endswith("mode")]
    if part.is_binary:
        return f"{name or 'the diff'}: a binary patch at line {part.place} of the answer; only text can be changed"
    if not name:
        return f"the hunk at line {part.place} of the answer names no file; write `--- a/…` and `+++ b/…` before it"
    if any(mode not in _MODES for mode in modes):
        return f"{name}: is to become a link, a submodule or the like; only regular files can be changed"
    if "copy from" in part.said:
        return f"{name}: is a copy of {part.said['copy from']}; write the new file whole"
    return ""


def _fault_of_content(part: _Part, old: str, new: str) -> str:
    name = new or old
    if old and new and old != new and "rename from" not in part.said:
        return f"{new}: was {old} in the other header; a file is renamed by `rename from` and `rename to`"
    if not old and any(mark == REMOVED for block in part.blocks for mark, _ in block.lines):
        return f"{name}: is said to be new, and lines of it are removed"
    if not part.blocks and not part.said and new:
        return f"{name}: the part at line {part.place} of the answer has no hunk"
    return ""


def _paths(part: _Part) -> tuple[str, str]:
    """Before and after; empty where there is no file."""
    old, new = part.old or "", part.new or ""
    if (old == _NOTHING or old.startswith("a/")) and (new == _NOTHING or new.startswith("b/")):
        old, new = old.removeprefix("a/"), new.removeprefix("b/")
    elif old == f"{new}.orig" or (old[:2] in _PREFIXES and old[2:] == new):
        old = new
    elif new[:2] in _PREFIXES and new[2:] == old:
        new = old
    return (
        part.said.get("rename from", "" if old == _NOTHING else old),
        part.said.get("rename to", "" if new == _NOTHING else new),
    )


def _edit(part: _Part) -> FileEdit:
    old, new = _paths(part)
    mode = part.said.get("new mode", part.said.get("new file mode"))
    executable = None if mode is None else _MODES[mode]
    if not new or "deleted file mode" in part.said:
        return FileEdit(old or new, EditKind.DELETE, part.place, blocks=tuple(part.blocks))
    if not old or "new file mode" in part.said:
        text = "".join(line for block in part.blocks for line in block.new)
        return FileEdit(new, EditKind.CREATE, part.place, text, executable=executable)
    renamed = old if old != new else ""
    return FileEdit(
        new, EditKind.CHANGE, part.place, blocks=tuple(part.blocks), renamed_from=renamed, executable=executable
    )


def _git_paths(line: str) -> tuple[str | None, str | None]:
    """Those of `diff --git a/x b/x`, which is all there is where a file is empty or only its mode changes."""
    rest = line.removeprefix("diff --git ")
    half = len(rest) // 2
    if rest[:2] == "a/" and rest[half : half + 3] == " b/" and rest[2:half] == rest[half + 3 :]:
        return rest[:half], rest[half + 1 :]  # also where blanks are in it
    found = _GIT.fullmatch(line)
    if found is None:
        return None, None
    quoted_old, old, quoted_new, new = found.groups()
    return (
        _unquoted(f'"{quoted_old}"' if quoted_old else old),
        _unquoted(f'"{quoted_new}"' if quoted_new else new),
    )


def _header_path(line: str) -> str:
    """Of `--- a/x` and `+++ b/x`: a tab and what follows it, such as a time, is not of the path."""
    text = line[4:].rstrip("\r\n")
    return _unquoted(text if text.startswith('"') else text.partition("\t")[0].rstrip())


def _unquoted(text: str) -> str:
    """A path as C would write a string, which is how git writes names with unusual characters."""
    if len(text) < 2 or text[0] != '"':
        return text
    text = text[1 : text.rfind('"')] if text.rfind('"') > 0 else text[1:]
    return _bytes_of(text).decode("utf-8", "surrogateescape")


def _bytes_of(text: str) -> bytes:
    found = re.findall(r"\\([0-7]{3})|\\(.)|([^\\]+)", text)
    parts: Sequence[bytes] = [
        bytes([int(octal, 8) & 255])
        if octal
        else bytes([_ESCAPES[escape]])
        if escape in _ESCAPES
        else (escape or plain).encode("utf-8", "surrogateescape")
        for octal, escape, plain in found
    ]
    return b"".join(parts)
