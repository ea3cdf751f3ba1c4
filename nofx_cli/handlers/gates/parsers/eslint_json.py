"""`eslint --format json`: one object a file, with its messages.

A file that eslint was told to leave out is in the list too, with a warning that says so: it was not examined. A file
that it could not parse has a message marked `fatal`, which is a finding.
"""

from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude
from nofx_cli.handlers.gates.parsers.reading import amount, json_of, line_of, objects, position, relative

_IGNORED = "File ignored"
_HINT = "point the command at the code, and see what eslint's settings ignore"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:
    """Errors fail; warnings do where the exit code says so (`--max-warnings`).

    Raises:
        NoEvidence: the report is not eslint's, or contradicts itself or the exit code.
    """
    files = objects(json_of(data, by="eslint"), "the report of eslint")
    examined = 0
    findings: list[Finding] = []
    for file in files:
        messages = objects(file.get("messages"), "`messages` in the report of eslint")
        told = [message for message in messages if not _says_ignored(message)]
        found = [_finding(message, relative(file.get("filePath"), workspace)) for message in told]
        _hold_against_totals(file, found)
        examined += len(told) == len(messages)
        findings += found
    return conclude(
        "eslint",
        findings,
        data=data,
        exit_code=exit_code,
        last=last,
        examined=examined,
        blocking=("error",),
        hint=_HINT,
    )


def _says_ignored(message: dict[str, Any]) -> bool:
    """Such a warning has neither a rule nor a place."""
    text = message.get("message")
    nowhere = message.get("ruleId") is None and not message.get("fatal") and not position(message.get("line"))
    return nowhere and isinstance(text, str) and text.startswith(_IGNORED)


def _finding(message: dict[str, Any], path: str) -> Finding:
    fatal = message.get("fatal") is True
    return Finding(
        path=path,
        line=position(message.get("line")),
        column=position(message.get("column")),
        rule=line_of(message.get("ruleId")) or ("parse-error" if fatal else "eslint"),
        severity="error" if fatal or message.get("severity") != 1 else "warning",
        message=line_of(message.get("message")),
    )


def _hold_against_totals(file: dict[str, Any], found: list[Finding]) -> None:
    errors = sum(finding.severity == "error" for finding in found)
    claimed = max(amount(file.get(name, 0), f"`{name}`") for name in ("errorCount", "fatalErrorCount"))
    if claimed > errors:
        raise NoEvidence(f"eslint's report contradicts itself: it lists {errors} errors of {claimed}")
