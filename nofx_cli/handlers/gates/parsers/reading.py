"""Take values out of a report that may have any shape: what is not as it should be is no evidence."""

import json
import os.path
import re
from pathlib import Path
from typing import Any

from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.gates.evidence import NoEvidence

_LONGEST_TEXT = 2000
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def json_of(data: bytes, *, by: str) -> Any:
    """Parse the JSON report of `by`.

    Raises:
        NoEvidence: it is empty, no JSON, or nested too deeply.
    """
    if not data.strip():
        raise NoEvidence(f"the report of {by} is empty")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise NoEvidence(f"the report of {by} is not JSON ({line_of(str(exc))})") from exc


def mapping(value: Any, what: str) -> dict[str, Any]:
    """A JSON object. Raises `NoEvidence`, which names it by `what`, for anything else."""
    if not isinstance(value, dict):
        raise NoEvidence(f"{what} is no JSON object")
    return value


def objects(value: Any, what: str) -> list[dict[str, Any]]:
    """A list of JSON objects. Raises `NoEvidence`, which names it by `what`, for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise NoEvidence(f"{what} is no list of JSON objects")
    return value


def amount(value: Any, what: str) -> int:
    """A count: a whole number from 0. Raises `NoEvidence`, which names it by `what`, for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NoEvidence(f"{what} is no count")
    return value


def position(value: Any) -> int:
    """A line or column; 0, which is unknown, for anything that cannot be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0


def line_of(value: Any) -> str:
    """A text in one line that can be written anywhere: no line breaks, no half characters, not endless."""
    if not isinstance(value, str):
        return ""
    text = " ".join(value[: 4 * _LONGEST_TEXT].split())
    return shortened(text.encode(errors="replace").decode(), _LONGEST_TEXT)


def without_colours(text: str) -> str:
    """What a program printed, without what it tells a terminal."""
    return _COLOUR.sub("", text)


def relative(path: Any, workspace: Path) -> str:
    """A path as findings have it: POSIX and, where it lies there, relative to the workspace; empty for no path."""
    text = line_of(path)
    if not text:
        return ""
    whole = os.path.normpath(workspace / text)
    inside = Path(whole).is_relative_to(workspace)
    return Path(os.path.relpath(whole, workspace) if inside else whole).as_posix()
