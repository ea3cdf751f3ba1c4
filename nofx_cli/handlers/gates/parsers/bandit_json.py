"""`bandit -f json`: `results`, `errors` (files that it could not examine) and `metrics`, which has every file."""

from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude, severity
from nofx_cli.handlers.gates.parsers.reading import json_of, line_of, mapping, objects, position, relative

_TOTALS = "_totals"
_QUOTES_A_PASSWORD = ("B105", "B106", "B107")
_BROKEN_HINT = "correct the file, or let bandit's settings exclude it"
_HINT = "point the command at the code (`bandit -r .`), and see what bandit's settings exclude"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:
    """Every result fails, at any severity: bandit itself takes out what is below the level that is asked for.

    Raises:
        NoEvidence: the report is not bandit's or contradicts the exit code, or there is no result, but files that
            could not be examined.
    """
    report = mapping(json_of(data, by="bandit"), "the report of bandit")
    metrics = mapping(report.get("metrics"), "`metrics` in the report of bandit")
    results = objects(report.get("results"), "`results` in the report of bandit")
    broken = objects(report.get("errors", []), "`errors` in the report of bandit")
    findings = [_finding(result, workspace) for result in results]
    if broken and not findings:
        raise NoEvidence(_told(broken, workspace), hint=_BROKEN_HINT, retryable=False)
    files = {relative(name, workspace) for name in metrics if name != _TOTALS}
    files -= {relative(error.get("filename"), workspace) for error in broken}
    return conclude(
        "bandit",
        findings,
        data=data,
        exit_code=exit_code,
        last=last,
        examined=len(files),
        counts={"unreadable": len(broken)},
        hint=_HINT,
    )


def _told(broken: list[dict[str, Any]], workspace: Path) -> str:
    path, reason = relative(broken[0].get("filename"), workspace), line_of(broken[0].get("reason"))
    return f"bandit could not examine {path}{' and others' if len(broken) > 1 else ''}: {reason}"


def _finding(result: dict[str, Any], workspace: Path) -> Finding:
    rule, message = line_of(result.get("test_id")), line_of(result.get("issue_text"))
    column = result.get("col_offset")
    return Finding(
        path=relative(result.get("filename"), workspace),
        line=position(result.get("line_number")),
        column=position(column + 1) if isinstance(column, int) else 0,
        rule=rule or "bandit",
        severity=severity(result.get("issue_severity")),
        # What looks like a password is not carried on into logs and reports.
        message=message.partition(": '")[0] if rule in _QUOTES_A_PASSWORD else message,
    )
