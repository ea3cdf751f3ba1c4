"""Whole new texts: what is wrong with them, and how they keep line ends, first mark and end of what they replace."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape

from nofx_cli.handlers.edits.answer_lines import lines_of
from nofx_cli.handlers.edits.edit import ADDED, Block
from nofx_cli.handlers.edits.elision import elided
from nofx_cli.handlers.edits.file_text import BOM, FileText, without_end

_MASK = "***"
"""What a model is shown in the place of a secret."""
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#39|#x27);")
_HAS_ENTITIES = re.compile(
    r"\.(?:html?|xhtml|xml|svg|vue|jsx|tsx|svelte|md|markdown|mdx|rst|txt|jinja2?|j2|erb|php)\Z", re.IGNORECASE
)


def fault_of_text(path: str, text: str, old: str) -> str:
    """Why a whole text is not taken; empty where it is."""
    if not text.strip() and old.strip():
        return "would be empty; to delete it, say so"
    lines = lines_of(text)
    return fault_of_lines(lines, old) or _entities(path, text, old)


def fault_of_blocks(blocks: Sequence[Block], old: str) -> str:
    """Why what blocks add is not taken."""
    return fault_of_lines((line for block in blocks for mark, line in block.lines if mark == ADDED), old)


def fault_of_lines(lines: Iterable[str], old: str) -> str:
    new = list(lines)
    if any("\0" in line for line in new):
        return "the new text has a NUL in it; only text can be written"
    try:
        "".join(new).encode()
    except UnicodeEncodeError:
        return "the new text has something in it that is no character"
    left_out = elided(new, there=lines_of(old))
    if left_out:
        return f'the line "{left_out}" stands for text that is left out; write all of it'
    masked = next(_masked(new, lines_of(old)), "")
    return f'the line "{masked}" has {_MASK} in the place of a secret; leave that line as it is' if masked else ""


def _masked(new: Sequence[str], old: Sequence[str]) -> Iterator[str]:
    """New lines that are lines of the file as a model was shown them: with a mask where a secret is."""
    there: frozenset[str] | None = None
    for line in (line.strip() for line in new if _MASK in line):
        there = there or frozenset(map(str.strip, old))
        if line not in there and any(map(str.isalnum, line)) and any(_is_masked(line, one) for one in there):
            yield line


def _is_masked(line: str, old: str) -> bool:
    first, *inner, last = line.split(_MASK)
    at, end = len(first), len(old) - len(last)
    if not (old.startswith(first) and old.endswith(last)):
        return False
    for part in inner:
        found = old.find(part, at + 1, end)
        if found < 0:
            return False
        at = found + len(part)
    return at < end


def _entities(path: str, text: str, old: str) -> str:
    """Whether a text was written for a browser: `&lt;` where it has, or should have, `<`."""
    found = _ENTITY.search(text)
    if found is None or _HAS_ENTITIES.search(path) or _ENTITY.search(old):
        return ""
    plain = {line.strip() for line in lines_of(old)}
    changed = (line.strip() for line in lines_of(text) if "&" in line)
    if not ({"<", ">"} & set(text)) or any(unescape(line) in plain for line in changed):
        return f"has HTML entities such as {found[0]}; write the characters themselves"
    return ""


def in_the_manner_of(text: str, old: str) -> str:
    """The new text with the line ends of the old one, its mark of byte order and its missing final newline.

    In a file that has both ends, lines that are the same from its beginning, and from its end, keep theirs.
    """
    if not old:
        return text
    file, new = FileText(old), lines_of(text.removeprefix(BOM))
    ended = [f"{without_end(line)}{file.line_end}" for line in new]
    if file.is_mixed:
        ended = _kept_ends(file, ended)
    if ended and not file.lines[-1].endswith("\n"):
        ended[-1] = without_end(ended[-1])
    return (BOM if old.startswith(BOM) else "") + "".join(ended)


def _kept_ends(file: FileText, new: list[str]) -> list[str]:
    old = [file.lines[0].removeprefix(BOM), *file.lines[1:]]
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if without_end(old[n]) != without_end(new[n])), shorter)
    left = shorter - head
    tail = next((n for n in range(left) if without_end(old[-1 - n]) != without_end(new[-1 - n])), left)
    middle = new[head : len(new) - tail]
    kept = [*old[:head], *middle, *old[len(old) - tail :]]
    return [line if line.endswith("\n") or line is kept[-1] else f"{line}{file.line_end}" for line in kept]
