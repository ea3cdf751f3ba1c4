"""Answers that have whole files: each in a fence, with its path before the fence, behind it, or in its first line.

What is in doubt is refused, for a file that is cut short looks like any other: a fence without a path (but for
commands and their output), fences inside that are not balanced, a last fence without an end that has others in it.
A last fence that is merely not closed goes to the end of the answer.
"""

import re
from collections.abc import Iterator

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.answer_lines import Fence, outline
from nofx_cli.handlers.edits.directives import directives
from nofx_cli.handlers.edits.edit import EditKind, FileEdit, Refused
from nofx_cli.handlers.edits.named_paths import Named, named_by
from nofx_cli.handlers.edits.nothing_found import FILE_HEADERS, HUNK, SEARCH_MARKER, nothing_found

_NO_FILES = frozenset({"bash", "sh", "shell", "zsh", "console", "shell-session", "text", "txt", "plaintext", "output"})
_MARKDOWN = re.compile(r"\.(?:md|markdown|mdx|qmd|rmd)\Z", re.IGNORECASE)
_DIFF_FILE = re.compile(r"\.(?:diff|patch)\Z", re.IGNORECASE)


def parse_whole(text: str) -> tuple[FileEdit, ...]:
    """The files of an answer.

    Raises:
        Refused: it has none, or some part of it is in doubt.
    """
    found = outline(text)
    edits, reasons, markdown = directives(found.outside), list[str](), ""
    for fence in found.fences:
        named = named_by(fence)
        if not named.paths and _is_no_file(fence) and not markdown:
            continue
        faults = list(_faults(fence, named, markdown))
        reasons += faults
        if not faults:
            edits.append(_edit(fence, named))
        if any(map(_MARKDOWN.search, named.paths)):
            markdown = named.paths[0]
    if reasons or not edits:
        raise Refused(*(reasons or [nothing_found(text, EditFormat.WHOLE)]))
    return tuple(sorted(edits, key=lambda edit: edit.place))


def _is_no_file(fence: Fence) -> bool:
    return fence.info.partition(" ")[0].casefold() in _NO_FILES


def _edit(fence: Fence, named: Named) -> FileEdit:
    lines = fence.lines[1:] if named.told_by else fence.lines
    return FileEdit(named.paths[0], EditKind.WRITE, fence.place, "".join(lines), told_by=named.told_by)


def _faults(fence: Fence, named: Named, markdown: str) -> Iterator[str]:
    where = f"the fence at line {fence.place} of the answer"
    if not named.paths and markdown:
        yield (
            f"{where} has no path; if it belongs to {markdown}, the fence around that file must be longer than all "
            "fences in it"
        )
    elif not named.paths:
        yield f"{where} has no path; write the path of its file on the line before it, in backticks"
    elif len(named.paths) > 1:
        yield f"{where} has more than one path before it: {', '.join(named.paths)}; name one"
    if fence.open_inside:
        yield f"in {where} another one is not closed; the fence around a file must be longer than all fences in it"
    if not fence.is_closed and not fence.open_inside and _has_fences(fence):
        yield f"{where} is not closed, and others are in it; where its file ends is not clear"
    if named.paths:
        yield from _other_formats(fence, named.paths[0], where)


def _has_fences(fence: Fence) -> bool:
    return any(line.startswith(("```", "~~~")) for line in fence.lines)


def _other_formats(fence: Fence, path: str, where: str) -> Iterator[str]:
    inside = "".join(fence.lines)
    if SEARCH_MARKER.search(inside):
        yield f"{where} has SEARCH/REPLACE blocks; asked for was the whole text of {path}"
    elif not _DIFF_FILE.search(path) and _is_diff(fence, inside):
        yield f"{where} has a diff; asked for was the whole text of {path}"


def _is_diff(fence: Fence, inside: str) -> bool:
    if fence.info.partition(" ")[0].partition(":")[0].casefold() in ("diff", "patch"):
        return True
    return bool(FILE_HEADERS.match(inside) or HUNK.match(inside)) or inside.startswith("diff --git ")
