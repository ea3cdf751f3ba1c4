"""What `mypy` prints: lines of text, or with `--output json` one object a line.

How much it examined is in the last line of the text (`checked 12 source files`); JSON has no such line.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import shortened
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude, severity
from nofx_cli.handlers.gates.parsers.reading import json_of, line_of, mapping, position, relative

_PLACE = r"(?P<path>[^\s:][^:\n]*)(?::(?P<line>\d{1,9}))?(?::(?P<column>\d{1,9}))?(?::\d{1,9}:\d{1,9})?"
_MESSAGE = re.compile(rf"{_PLACE}: (?P<level>error|warning|note): (?P<text>.*?)(?:  \[(?P<rule>[a-z0-9-]+)\])?")
_CHECKED = r"(?:(?P<one>1) source file|(?P<many>\d{1,9}) source files)"
_SUCCESS = re.compile(rf"Success: no issues found in {_CHECKED}")
_FOUND = re.compile(
    r"Found (?P<errors>\d{1,9}) errors? in \d{1,9} files? "
    rf"\((?:checked {_CHECKED}|errors prevented further checking)\)"
)
_NOTHING = "There are no .py[i] files in directory"
_COULD_NOT_CHECK = 2
_HINT = "let the command print mypy's last line, without `--no-error-summary` and `--output json`"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path, files: int | None = None) -> Evidence:
    """Errors fail; notes are told. `files` is how many were examined, for who knows; else it is what mypy says.

    Raises:
        NoEvidence: mypy broke, or its output contradicts itself or the exit code.
    """
    text = data.decode(errors="replace")
    lines = [line.rstrip() for line in text.splitlines()]
    if exit_code and (_NOTHING in last or any(line.startswith(_NOTHING) for line in lines)):
        return Evidence(Verdict.VACUOUS, "mypy examined no file", {"files": 0}, report=data)
    findings = list(_findings(lines, workspace))
    errors = sum(finding.severity == "error" for finding in findings)
    found = [match for line in lines if (match := _FOUND.fullmatch(line))]
    passed = [match for line in lines if (match := _SUCCESS.fullmatch(line))]
    if exit_code == _COULD_NOT_CHECK and not errors:
        raise NoEvidence(f"mypy could not check{last}", retryable=False)
    if exit_code and not errors:
        raise NoEvidence(f"mypy exited with code {exit_code}, yet reported no error{last}")
    if sum(int(match["errors"]) for match in found) > errors or (passed and errors):
        raise NoEvidence(f"mypy's output contradicts itself: it shows {errors} errors, and ends with: {lines[-1]}")
    if not (found or passed or findings) and text.strip():
        raise NoEvidence(f"mypy does not print such as: {shortened(line_of(text), 80)}")
    said = [int(number) for match in (*found, *passed) if (number := match["one"] or match["many"])]
    examined = files if files is not None else sum(said) if said else None
    return conclude(
        "mypy",
        findings,
        data=data,
        exit_code=exit_code,
        last=last,
        examined=examined,
        blocking=("error",),
        hint=_HINT,
    )


def _findings(lines: list[str], workspace: Path) -> Iterator[Finding]:
    for line in lines:
        if line.startswith("{"):
            yield _of_json(mapping(json_of(line.encode(errors="replace"), by="mypy"), "a line of mypy"), workspace)
        elif match := _MESSAGE.fullmatch(line):
            yield Finding(
                path=relative(match["path"], workspace),
                line=int(match["line"] or 0),
                column=int(match["column"] or 0),
                rule=match["rule"] or "mypy",
                severity=severity(match["level"]),
                message=line_of(match["text"]),
            )


def _of_json(item: dict[str, Any], workspace: Path) -> Finding:
    column = item.get("column")
    return Finding(
        path=relative(item.get("file"), workspace),
        line=position(item.get("line")),
        # Text counts columns from 1, JSON from 0.
        column=position(column + 1) if isinstance(column, int) else 0,
        rule=line_of(item.get("code")) or "mypy",
        severity="note" if item.get("severity") == "note" else "error",
        message=line_of(item.get("message")),
    )
