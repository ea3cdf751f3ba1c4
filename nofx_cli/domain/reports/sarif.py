"""SARIF 2.1.0 (OASIS), as code scanners and editors read it: one run of SARIF for each gate.

The driver is nofx, whatever program found something: it is nofx that ran it, read its report and judged. The program
is a property of the result. Paths are relative to `%SRCROOT%`, the workspace. `automationDetails.id` differs from gate
to gate, because forges take only one run of a tool and a category.
"""

import json
from collections.abc import Iterable
from urllib.parse import quote

from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.reports.gate_report import GateReport

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "nofx/v1"
_ROOT = "%SRCROOT%"


def sarif_text(reports: Iterable[GateReport], *, version: str) -> str:
    """A SARIF log; `version` is that of nofx."""
    runs: list[JsonValue] = [_run(report, version) for report in reports]
    log: JsonValue = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _run(report: GateReport, version: str) -> dict[str, JsonValue]:
    rules = list(dict.fromkeys(_rule(finding) for finding in report.findings))
    places = {rule: place for place, rule in enumerate(rules)}
    return {
        "tool": {
            "driver": {
                "name": "nofx",
                "fullName": f"nofx {version} {report.gate}",
                "version": version,
                "rules": [{"id": rule} for rule in rules],
            }
        },
        "automationDetails": {"id": f"nofx/{report.step}/{report.run}"},
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "the workspace of the run"}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places[_rule(finding)]) for finding in report.findings],
        "properties": {"gate": report.gate, "verdict": report.verdict.value, "counts": dict(report.counts)},
    }


def _invocation(report: GateReport) -> dict[str, JsonValue]:
    """Successful is what came to a result. The exit code is what nofx gives for such a gate."""
    told: dict[str, JsonValue] = {
        "executionSuccessful": report.judged,
        "exitCode": 0 if report.verdict is Verdict.PASSED else 1,
        "exitCodeDescription": f"{report.verdict.value}: {report.summary}",
    }
    times = {"startTimeUtc": report.started_at, "endTimeUtc": report.ended_at}
    told.update({name: at for name, at in times.items() if at})
    if not report.judged:
        level = "note" if report.verdict is Verdict.SKIPPED else "error"
        text = f"{report.verdict.value}: {report.summary}" + (f" ({report.hint})" if report.hint else "")
        told["toolExecutionNotifications"] = [{"level": level, "message": {"text": text}}]
    return told


def _result(finding: Finding, place: int) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {
        "ruleId": _rule(finding),
        "ruleIndex": place,
        "level": finding.severity,
        "message": {"text": finding.message or finding.rule or "no message"},
    }
    if finding.path:
        told["locations"] = [{"physicalLocation": _location(finding)}]
    if finding.fingerprint:
        told["partialFingerprints"] = {FINGERPRINT: finding.fingerprint}
    if finding.state:
        told["baselineState"] = finding.state
    if finding.tool:
        told["properties"] = {"tool": finding.tool}
    return told


def _location(finding: Finding) -> dict[str, JsonValue]:
    absolute = finding.path.startswith("/")
    uri = quote(finding.path, safe="/")
    # A first part with a colon would read as a scheme; `quote` has encoded it.
    artifact: dict[str, JsonValue] = {"uri": f"file://{uri}"} if absolute else {"uri": uri, "uriBaseId": _ROOT}
    located: dict[str, JsonValue] = {"artifactLocation": artifact}
    if finding.line:
        region: dict[str, JsonValue] = {"startLine": finding.line}
        located["region"] = {**region, "startColumn": finding.column} if finding.column else region
    return located


def _rule(finding: Finding) -> str:
    return finding.rule or finding.tool or "nofx"
