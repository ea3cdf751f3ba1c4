"""Where an answer names the file that a fence or a block is of: before it, behind the fence, or in its first line."""

import re
from collections.abc import Sequence

from nofx_cli.domain.record import record
from nofx_cli.handlers.edits.answer_lines import MOST_CHARACTERS, Fence

_LOOKED_BACK = 4
_WITHOUT_ENDING = frozenset(
    {"makefile", "dockerfile", "license", "readme", "changelog", "procfile", "justfile", "gemfile", "codeowners"}
)
_ENDING = re.compile(r"\.[A-Za-z0-9_+-]{1,15}\Z")
_MARKER = re.compile(r"\A(?:#{1,6}[ \t]+|[-*+][ \t]+|\d+[.)][ \t]+|>[ \t]*)+")
_COLONS = ":\uff1a"
_LABEL = re.compile(
    r"(?:(?:new|updated|modified|changed|full|complete)[ \t]+)?"
    r"(?:file[ \t]?name|filepath|file|path|datei|pfad|fichier|archivo|文件|файл|ファイル)[ \t]*[:=\uff1a][ \t]*",
    re.IGNORECASE,
)
_REMARK = re.compile(r"[ \t]+\((?:new|updated|modified|created|changed|full|complete)[^()]*\)\Z", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(?:path|file|filename|name|title)=(?:"([^"]+)"|'([^']+)'|(\S+))""")
_COMMENT = re.compile(
    r"(?:#(?!!)|//|--|;|%|/\*|<!--|\(\*)[ \t]*(?:file(?:name)?[ \t]*:[ \t]*)?(\S+)[ \t]*(?:\*/|-->|\*\))?",
    re.IGNORECASE,
)
_IN_BACKTICKS = re.compile(r"`([^`]+)`")


@record
class Named:
    """The paths that were found where one was looked for; one is what is wanted.

    Attributes:
        told_by: the first line of a fence's content where that is what told it.
    """

    paths: tuple[str, ...] = ()
    told_by: str = ""


def looks_like_path(text: str) -> bool:
    """Whether a word is more likely the path of a file than anything else."""
    if not text.strip() or len(text) > MOST_CHARACTERS or "://" in text or text.endswith(("/", "...", "…")):
        return False
    name = text.replace("\\", "/").rpartition("/")[2]
    return "/" in text or "\\" in text or bool(_ENDING.search(text)) or name.casefold() in _WITHOUT_ENDING


def named_by(fence: Fence) -> Named:
    """Find the path of a fence: behind it, then before it, then in its first line."""
    behind, before = path_of_info(fence.info), path_before(fence.before)
    if behind:
        alone = path_alone(_nearest(fence.before))
        return Named((behind,) if not alone or same_path(alone, behind) else (alone, behind))
    if before:
        return Named(before)
    first = fence.lines[0] if fence.lines else ""
    inside = _path_of_first_line(first)
    return Named((inside,), first) if inside else Named()


def path_of_info(info: str) -> str:
    """The path in ` ```python src/a.py `, ` ```python:src/a.py `, ` ```src/a.py ` or ` ```py title="src/a.py" `."""
    if found := _ATTRIBUTE.search(info):
        return next(part for part in found.groups() if part)
    language, _, rest = info.partition(" ")
    rest = _plain(rest.strip())
    if looks_like_path(rest) and (" " not in rest or _ENDING.search(rest)):
        return rest
    behind = language.partition(":")[2]
    if looks_like_path(behind) and len(language.partition(":")[0]) > 1:
        return behind
    return language if not rest and looks_like_path(language) else ""


def path_before(lines: Sequence[str]) -> tuple[str, ...]:
    """The paths that the nearest line names; else one that stands alone in one of the lines above it.

    Args:
        lines: those that are not blank, the nearest last.
    """
    nearest = _nearest(lines)
    if found := _paths_in(nearest):
        return found
    above = reversed(lines[-_LOOKED_BACK:-1])
    return next(((path,) for line in above if (path := path_alone(line))), ())


def path_alone(line: str) -> str:
    """The path that is all there is in a line but its decoration: a heading, a label, backticks, stars."""
    if len(line) > MOST_CHARACTERS:
        return ""
    text = _MARKER.sub("", line.strip(), count=1).replace("**", "").strip("* \t")
    labelled = _LABEL.match(text)
    if labelled:
        text = text[labelled.end() :]
    text = _REMARK.sub("", text.rstrip(f"{_COLONS} \t")).rstrip(f"{_COLONS} \t")
    plain = _plain(text)
    is_quoted = plain != text or bool(labelled)
    return plain if looks_like_path(plain) and (is_quoted or _may_have_blanks(plain)) else ""


def _may_have_blanks(text: str) -> bool:
    """Whether a text without quotes is one path: of its words only the first has a folder, only the last an ending."""
    first, *more = text.split()
    return not more or ("/" in first and not any(map(_ENDING.search, (first, *more[:-1]))) and len(more) < 4)


def same_path(one: str, other: str) -> bool:
    return one.removeprefix("./") == other.removeprefix("./")


def _paths_in(line: str) -> tuple[str, ...]:
    if len(line) > MOST_CHARACTERS:
        return ()
    if alone := path_alone(line):
        return (alone,)
    if line.lstrip().startswith("<") and (found := _ATTRIBUTE.search(line)):
        return (next(part for part in found.groups() if part),)
    quoted = tuple(dict.fromkeys(filter(looks_like_path, _IN_BACKTICKS.findall(line))))
    if quoted or not line.rstrip().endswith(tuple(_COLONS)):
        return quoted
    words = (word.strip(f"*\"'(),{_COLONS}") for word in line.split())
    return tuple(dict.fromkeys(word for word in words if looks_like_path(word) and _ENDING.search(word)))


def _path_of_first_line(line: str) -> str:
    if len(line) > MOST_CHARACTERS:
        return ""
    text = line.strip()
    if found := _COMMENT.fullmatch(text):
        return found[1] if looks_like_path(found[1]) and _ENDING.search(found[1]) else ""
    return text if "/" in text and not re.search(r"[\s(){}<>;,\"'=]", text) and _ENDING.search(text) else ""


def _nearest(lines: Sequence[str]) -> str:
    return lines[-1] if lines else ""


def _plain(text: str) -> str:
    """Without the backticks or quotes around all of it."""
    for quote in ("`", '"', "'"):
        if len(text) > 2 and text[0] == text[-1] == quote and quote not in text[1:-1]:
            return text[1:-1]
    return text
