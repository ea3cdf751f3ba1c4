"""`ruff check --output-format json`: a list of findings; a file that does not parse is one.

It does not say how many files ruff examined; who knows that otherwise says it by `files`.
"""

from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude, severity
from nofx_cli.handlers.gates.parsers.reading import json_of, line_of, objects, position, relative

_UNREADABLE = "E902"
_UNREADABLE_HINT = "make it a readable file in UTF-8, or let ruff's settings exclude it"
_HINT = "`gate:lint` counts the files; `min_examined: 0` takes the report as it is"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path, files: int | None = None) -> Evidence:
    """Every finding fails, whatever the exit code.

    Raises:
        NoEvidence: the report is not ruff's, contradicts the exit code, or tells of files that could not be read.
    """
    findings, fixable = read_findings(data, workspace)
    return conclude(
        "ruff",
        findings,
        data=data,
        exit_code=exit_code,
        last=last,
        examined=files,
        counts={"fixable": fixable},
        hint=_HINT,
    )


def read_findings(data: bytes, workspace: Path) -> tuple[tuple[Finding, ...], int]:
    """The findings of a report, and how many of them ruff can mend.

    Raises:
        NoEvidence: the report is not ruff's, or tells of files that could not be read.
    """
    items = objects(json_of(data, by="ruff"), "the report of ruff")
    findings = tuple(_finding(item, workspace) for item in items)
    unreadable = [finding for finding in findings if finding.rule == _UNREADABLE]
    if unreadable:
        told = f"{unreadable[0].path}{' and others' if len(unreadable) > 1 else ''}: {unreadable[0].message}"
        raise NoEvidence(f"ruff could not read {told}", hint=_UNREADABLE_HINT, retryable=False)
    return findings, sum(1 for item in items if item.get("fix"))


def _finding(item: dict[str, Any], workspace: Path) -> Finding:
    place = item.get("location")
    row, column = (place.get("row"), place.get("column")) if isinstance(place, dict) else (0, 0)
    return Finding(
        path=relative(item.get("filename"), workspace),
        line=position(row),
        column=position(column),
        rule=line_of(item.get("code")) or "invalid-syntax",
        severity=severity(item.get("severity") or "error"),
        message=line_of(item.get("message")),
    )
