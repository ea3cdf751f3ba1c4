"""`npm audit --json`: version 2 of the report (npm 7 and later) has `vulnerabilities`, version 1 `advisories`.

Without a network or a lock file it answers with an `error`, and behind some registries with nothing at all: that is
no audit. Every vulnerability fails, also one below `audit-level`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude, severity
from nofx_cli.handlers.gates.parsers.reading import amount, json_of, line_of, mapping

MANIFEST = "package.json"
_LEVELS = ("info", "low", "moderate", "high", "critical")


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:  # noqa: ARG001
    """Findings are vulnerabilities, at the manifest of the package.

    Raises:
        NoEvidence: there was no audit, the report is not npm's, or contradicts itself or the exit code.
    """
    report = mapping(json_of(data, by="npm audit"), "the report of npm audit")
    _refuse_error(report)
    metadata = mapping(report.get("metadata"), "`metadata` in the report of npm audit")
    modern = "vulnerabilities" in report
    findings = list(_vulnerabilities(report) if modern else _advisories(report))
    claimed = _claimed(metadata)
    if claimed and not findings:
        raise NoEvidence(f"npm's report contradicts itself: it lists none of {claimed} vulnerabilities")
    return conclude(
        "npm audit",
        findings,
        data=data,
        exit_code=exit_code,
        last=last,
        examined=_packages(metadata),
        unit="package",
    )


def _refuse_error(report: dict[str, Any]) -> None:
    if "error" not in report:
        return
    error = report["error"] if isinstance(report["error"], dict) else {}
    words = [line_of(error.get("code")), line_of(error.get("summary")) or line_of(report.get("message"))]
    offline = "ENOLOCK" not in words[0]
    raise NoEvidence(
        "npm could not audit" + "".join(f": {word}" for word in words if word),
        hint="" if offline else "npm install --package-lock-only",
        retryable=offline,
    )


def _vulnerabilities(report: dict[str, Any]) -> Iterator[Finding]:
    for name, found in mapping(report["vulnerabilities"], "`vulnerabilities`").items():
        one = mapping(found, "a vulnerability in the report of npm audit")
        via = one.get("via")
        causes = [cause for cause in via if isinstance(cause, dict)] if isinstance(via, list) else []
        package = f"{line_of(name)} {line_of(one.get('range'))}".strip()
        for cause in causes:
            yield _finding(cause, package, one)
        if not causes:
            through = ", ".join(line_of(cause) for cause in via) if isinstance(via, list) else ""
            yield _finding({"title": f"through {through}" if through else "vulnerable"}, package, one)


def _advisories(report: dict[str, Any]) -> Iterator[Finding]:
    for found in mapping(report.get("advisories"), "`advisories` in the report of npm audit").values():
        one = mapping(found, "an advisory in the report of npm audit")
        name, versions = line_of(one.get("module_name")), line_of(one.get("vulnerable_versions"))
        yield _finding(one, f"{name} {versions}".strip(), one)


def _finding(cause: dict[str, Any], package: str, whole: dict[str, Any]) -> Finding:
    url = line_of(cause.get("url"))
    rule = url.rpartition("/")[2] or "npm-audit"
    level = severity(cause.get("severity", whole.get("severity")))
    return Finding(MANIFEST, 0, 0, rule, level, f"{package}: {line_of(cause.get('title'))}")


def _claimed(metadata: dict[str, Any]) -> int:
    totals = mapping(metadata.get("vulnerabilities"), "`metadata.vulnerabilities`")
    return sum(amount(totals.get(level, 0), f"`{level}`") for level in _LEVELS)


def _packages(metadata: dict[str, Any]) -> int:
    """Version 2 counts by kind and in all, version 1 has numbers side by side."""
    held = metadata.get("dependencies")
    if isinstance(held, dict):
        return amount(held.get("total"), "`metadata.dependencies.total`")
    if "totalDependencies" in metadata:
        return amount(metadata["totalDependencies"], "`metadata.totalDependencies`")
    return amount(held, "`metadata.dependencies`")
