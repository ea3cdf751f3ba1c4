"""What `pytest` prints. Its JUnit report says more: prefer `--junit-xml={report}` and `parser: junit`.

Only the line of totals is believed (`3 passed, 1 skipped in 0.12s`): without one there is no evidence.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.reading import line_of, relative, without_colours

_PART = r"\d{1,9} (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun|subtests passed)"
_TOTALS = re.compile(
    rf"=*\s*(?P<parts>no tests ran|{_PART}(?:, {_PART})*) in [\d.]{{1,12}}s(?: \([\d:]{{1,12}}\))?\s*=*"
)
_FAILED = re.compile(r"(?P<kind>FAILED|ERROR) (?P<path>[^\s:]+\.\w+)(?:::(?P<test>.*?))?(?: - (?P<message>.*))?")
_HINT = "see which tests the command selects, and which are skipped"
_RAN = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:
    """Judge by the last line of totals, held against the exit code as `gate:unit` does.

    Raises:
        NoEvidence: there is no such line, or it contradicts the exit code or another one.
    """
    lines = [line.strip() for line in without_colours(data.decode(errors="replace")).splitlines()]
    totals = [_numbers(match["parts"]) for line in lines if (match := _TOTALS.fullmatch(line))]
    if not totals:
        raise NoEvidence(f"pytest exited with code {exit_code} without a line of totals{last}")
    number = totals[-1]
    findings = _findings(lines, workspace)
    counts = {
        "tests": sum(number.get(word, 0) for word in _RAN),
        "passed": number.get("passed", 0),
        "failed": number.get("failed", 0),
        "errors": number.get("error", 0),
        "skipped": number.get("skipped", 0),
    }
    summary = f"{counted(counts['tests'], 'test')}: {counts['passed']} passed, {counts['failed']} failed"
    if counts["failed"] or counts["errors"]:
        return Evidence(Verdict.FAILED, summary, counts, findings, data)
    if exit_code == 1 and counts["passed"]:
        return Evidence(Verdict.FAILED, f"{summary}, yet pytest exited with code 1{last}", counts, findings, data)
    if exit_code and not (exit_code == 5 and not counts["tests"]):
        raise NoEvidence(f"pytest exited with code {exit_code}, yet reported no failure{last}")
    if findings or any(one.get("failed") or one.get("error") for one in totals):
        raise NoEvidence("pytest's output contradicts itself: it shows failures, and ends without any")
    if not counts["passed"]:
        return Evidence(Verdict.VACUOUS, f"no test passed: {summary}", counts, (), data, _HINT)
    return Evidence(Verdict.PASSED, summary, counts, (), data)


def _numbers(parts: str) -> dict[str, int]:
    """The numbers by their words; `errors` and `error` are one."""
    pairs = (part.split(" ", 1) for part in parts.split(", ") if part[0].isdigit())
    return {word.removesuffix("s") if word == "errors" else word: int(number) for number, word in pairs}


def _findings(lines: Sequence[str], workspace: Path) -> tuple[Finding, ...]:
    """The lines of the short summary, each once."""
    told = (match for line in lines if (match := _FAILED.fullmatch(line)))
    return tuple(
        dict.fromkeys(
            Finding(
                path=relative(match["path"], workspace),
                line=0,
                column=0,
                rule=line_of(match["test"]) or "collection",
                severity="error",
                message=line_of(match["message"]) or "it failed",
            )
            for match in told
        )
    )
