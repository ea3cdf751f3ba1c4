"""GitLab's security report of the type `sast`, format 15: https://gitlab.com/gitlab-org/security-products/security-report-schemas.

It has the findings of the gates that look for weaknesses and for secrets; all others are in the code quality report.
"""

import json
from collections.abc import Iterable

from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import JsonValue, digest_of
from nofx_cli.domain.reports.gate_report import GateReport

FORMAT = "15.0.7"
GATES = ("gate:sast", "gate:secrets", "gate:audit")
_SEVERITIES = {"error": "High", "warning": "Medium", "note": "Low"}
_NO_TIME = "1970-01-01T00:00:00"


def gitlab_sast_text(reports: Iterable[GateReport], *, version: str) -> str:
    """The report; without findings where none of those gates has run."""
    chosen = [report for report in reports if report.gate in GATES]
    found = {finding.fingerprint: _of(finding) for report in chosen for finding in report.new_findings}
    whole = all(report.judged for report in chosen)
    return json.dumps(
        {
            "version": FORMAT,
            "scan": {
                "type": "sast",
                "status": "success" if whole else "failure",
                "start_time": _time(min((r.started_at for r in chosen if r.started_at), default="")),
                "end_time": _time(max((r.ended_at for r in chosen if r.ended_at), default="")),
                "analyzer": _tool(version),
                "scanner": _tool(version),
            },
            "vulnerabilities": list(found.values()),
        },
        ensure_ascii=False,
        indent=1,
    )


def _of(finding: Finding) -> dict[str, JsonValue]:
    rule = finding.rule or finding.tool
    location: dict[str, JsonValue] = {"file": finding.path or "nofx.yaml"}
    if finding.line:
        location["start_line"] = finding.line
    return {
        "id": digest_of([finding.fingerprint]),
        "name": f"{finding.tool} {rule}".strip()[:255],
        "description": finding.message or rule,
        "severity": _SEVERITIES[finding.severity],
        "location": location,
        "identifiers": [{"type": f"{finding.tool}_rule", "name": f"{finding.tool} {rule}", "value": rule}],
    }


def _tool(version: str) -> dict[str, JsonValue]:
    return {"id": "nofx", "name": "nofx", "version": version, "vendor": {"name": "nofx"}}


def _time(at: str) -> str:
    """As the format has it: UTC, to the second, without a zone."""
    return at[:19] or _NO_TIME
