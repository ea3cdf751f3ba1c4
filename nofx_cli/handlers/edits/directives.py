"""Lines by which an answer deletes or renames a file: `DELETE: path` and `RENAME: old -> new`."""

import re
from collections.abc import Iterable

from nofx_cli.handlers.edits.answer_lines import MOST_CHARACTERS
from nofx_cli.handlers.edits.edit import EditKind, FileEdit
from nofx_cli.handlers.edits.named_paths import path_alone

_DELETE = re.compile(r"DELETE(?: FILE)?:[ \t]*(.+)")
_RENAME = re.compile(r"RENAME(?: FILE)?:[ \t]*(.+?)[ \t]+(?:->|→|=>)[ \t]+(.+)")


def directives(outside: Iterable[tuple[int, str]]) -> list[FileEdit]:
    """The deletions and renames among lines that are outside of fences and blocks."""
    found = (_directive(place, line.strip().strip("*")) for place, line in outside if len(line) <= MOST_CHARACTERS)
    return [edit for edit in found if edit is not None]


def _directive(place: int, line: str) -> FileEdit | None:
    if deleted := _DELETE.fullmatch(line):
        return FileEdit(_path(deleted[1]), EditKind.DELETE, place)
    if renamed := _RENAME.fullmatch(line):
        return FileEdit(_path(renamed[2]), EditKind.CHANGE, place, renamed_from=_path(renamed[1]))
    return None


def _path(text: str) -> str:
    return path_alone(f"file: {text}") or text.strip("`\"' ")
