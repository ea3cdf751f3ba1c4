"""The code quality report of GitLab: a JSON array of findings.

GitLab compares two reports by fingerprint, so each is there once, and known ones are there too. A gate that came to no
result is an entry of its own: without it, a report of a linter that crashed would look like one of clean code.
"""

from collections.abc import Iterable

from nofx_cli.domain.findings import Finding, json_array
from nofx_cli.domain.ids import JsonValue, digest_of
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.reports.gate_report import GateReport

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}
_NO_FILE = "nofx.yaml"
"""What an entry points at that belongs to no file; there must be one."""


def gitlab_text(reports: Iterable[GateReport]) -> str:
    """The report, an entry a line."""
    entries: dict[str, dict[str, JsonValue]] = {}
    for report in reports:
        if not report.judged and report.verdict is not Verdict.SKIPPED:
            entries[_gate_fingerprint(report)] = _of_gate(report)
        for finding in report.findings:
            entries[finding.fingerprint] = _of_finding(finding)
    return json_array(entries.values())


def _of_finding(finding: Finding) -> dict[str, JsonValue]:
    return {
        "description": finding.message or finding.rule,
        "check_name": finding.rule or finding.tool,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": finding.path or _NO_FILE, "lines": {"begin": finding.line or 1}},
    }


def _of_gate(report: GateReport) -> dict[str, JsonValue]:
    return {
        "description": f"{report.gate} {report.verdict.value}: {report.summary}",
        "check_name": report.gate,
        "fingerprint": _gate_fingerprint(report),
        "severity": "blocker" if report.blocking else "minor",
        "location": {"path": _NO_FILE, "lines": {"begin": 1}},
    }


def _gate_fingerprint(report: GateReport) -> str:
    return digest_of([report.gate, report.step, report.verdict.value])[:32]
