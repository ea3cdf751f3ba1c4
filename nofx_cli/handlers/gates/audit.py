"""`gate:audit`: pip-audit.

What is audited is told in `audit_sources`. pip-audit asks an advisory service over the network; where it cannot, it
writes no report and the gate is errored, which is not failed: nothing is known. A package that pip-audit had to leave
out was not examined. A project that names no packages is skipped.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted, shortened
from nofx_cli.handlers.gates import pyproject
from nofx_cli.handlers.gates.audit_sources import NOTHING_HINT, requirements, sources
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.npm_audit import NpmAudit
from nofx_cli.handlers.gates.options import abbreviated
from nofx_cli.handlers.gates.parsers.reading import json_of, line_of, mapping, objects
from nofx_cli.handlers.gates.programs import program

_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")
_OFFLINE_HINT = "pip-audit needs the network: it asks an advisory service about every package; the log says what failed"


class PipAudit:
    """The check of Python behind `gate:audit`."""

    name = "pip-audit"
    report = "pip-audit.json"
    refused_args = (
        "-f", "-o", "-d", "-V", "-h",
        *abbreviated("--format", "--output", "--dry-run", "--fix", "--version", "--help", "--progress-spinner"),
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        """Also where requirements files are all that there is of Python."""
        return is_python(workspace) or bool(requirements(workspace))

    def command(self, exam: Examination) -> list[str]:
        return next(self._commands(exam))

    def _commands(self, exam: Examination) -> Iterator[list[str]]:
        own = [
            *("--format", "json", "--output", str(exam.reports / self.report)),
            *("--progress-spinner", "off", "--cache-dir", str(exam.reports / "cache")),
        ]
        for source in sources(exam.workspace, exam.paths):
            yield [*program(exam.workspace, "pip-audit"), *exam.args, *own, *source]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        reports, exit_code = [], 0
        for command in self._commands(exam):
            reports.append(self._audited(exam, command))
            exit_code = max(exit_code, reports[-1][1])
        files = [exam.workspace / file for file in exam.paths or requirements(exam.workspace)]
        data = reports[0][0] if len(reports) == 1 else _merged([report for report, _ in reports])
        return judge(data, exit_code=exit_code, files=files, workspace=exam.workspace)

    def _audited(self, exam: Examination, command: Sequence[str]) -> tuple[bytes, int]:
        report = exam.reports / self.report
        report.unlink(missing_ok=True)
        result = run_program(exam.ctx, "pip-audit", command)
        told = f"pip-audit exited with code {result.exit_code}{last_words(result)}"
        if result.exit_code not in (0, 1) or (result.exit_code == 1 and not report.exists()):
            raise NoEvidence(told, hint=_OFFLINE_HINT)
        return read_report(report, by="pip-audit"), result.exit_code


def _merged(reports: Sequence[bytes]) -> bytes:
    """Reports of several sources as one, with each version of a package once."""
    packages: dict[tuple[str, str], dict[str, Any]] = {}
    for data in reports:
        report = mapping(json_of(data, by="pip-audit"), "the report of pip-audit")
        for one in objects(report.get("dependencies"), "`dependencies` in the report of pip-audit"):
            packages[_normal(line_of(one.get("name"))), line_of(one.get("version"))] = one
    return json.dumps({"dependencies": [*packages.values()]}).encode()


def judge(data: bytes, *, exit_code: int, files: Sequence[Path], workspace: Path) -> Evidence:
    """Make evidence of pip-audit's JSON report; a finding is told at the line of `files` that names the package.

    Raises:
        NoEvidence: the report is not pip-audit's, or contradicts the exit code.
    """
    report = mapping(json_of(data, by="pip-audit"), "the report of pip-audit")
    packages = objects(report.get("dependencies"), "`dependencies` in the report of pip-audit")
    skipped = [package for package in packages if "skip_reason" in package]
    audited = [package for package in packages if "skip_reason" not in package]
    places = _places(files, workspace)
    findings = tuple(finding for package in audited for finding in _findings(package, places))
    if exit_code == 1 and not findings:
        raise NoEvidence("pip-audit exited with code 1, yet reported no vulnerability")
    counts = {"packages": len(audited), "findings": len(findings), "skipped": len(skipped)}
    if not audited:
        told = f"no package was audited{_left_out(skipped)}"
        return Evidence(Verdict.VACUOUS, told, counts, report=data, hint=NOTHING_HINT)
    told = f"{counted(len(findings), 'vulnerability', 'vulnerabilities')} in {counted(len(audited), 'package')}"
    verdict = Verdict.FAILED if findings else Verdict.PASSED
    return Evidence(verdict, told + _left_out(skipped), counts, findings, data)


def _left_out(skipped: list[dict[str, Any]]) -> str:
    """What was not audited is told with the first reason, also by a gate that passes."""
    if not skipped:
        return ""
    return f"; {counted(len(skipped), 'package')} left out: {line_of(skipped[0].get('skip_reason'))}"


def _findings(package: dict[str, Any], places: Mapping[str, tuple[str, int]]) -> Iterator[Finding]:
    name, version = line_of(package.get("name")), line_of(package.get("version"))
    path, line = places.get(_normal(name)) or places.get("", (pyproject.FILE, 0))
    for found in objects(package.get("vulns"), "`vulns` in the report of pip-audit"):
        versions = found.get("fix_versions")
        fixes = ", ".join(line_of(fix) for fix in versions) if isinstance(versions, list) else ""
        mended = f"fixed in {fixes}" if fixes else "there is no fixed version"
        rule = line_of(found.get("id")) or "vulnerability"
        about = shortened(line_of(found.get("description")), 200)
        message = f"{name} {version} is vulnerable, {mended}" + (f": {about}" if about else "")
        yield Finding(path, line, 0, rule, "error", message)


def _places(files: Sequence[Path], workspace: Path) -> dict[str, tuple[str, int]]:
    """Where each package is named, and under no name the first file: for what only others depend on."""
    found: dict[str, tuple[str, int]] = {}
    for file in files:
        path = file.relative_to(workspace).as_posix()
        found.setdefault("", (path, 0))
        for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
            if match := _REQUIREMENT.match(line):
                found.setdefault(_normal(match["name"]), (path, number))
    return found


def _normal(name: str) -> str:
    """A package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


HANDLER = GateHandler(("gate:audit",), PipAudit(), NpmAudit())
