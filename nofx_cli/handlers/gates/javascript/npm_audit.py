"""The check of JavaScript behind `gate:audit`: npm audit.

The verdict rests on npm's JSON report, which counts the packages that it knows of; see `parsers.npm_audit`. Without a
network there is no answer, and so no audit: `errored`, which can be tried again.
"""

from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.ecosystem import is_javascript
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, last_words, run_program
from nofx_cli.handlers.gates.javascript.node_programs import NPM_QUIET, npm
from nofx_cli.handlers.gates.parsers import npm_audit as parser

LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_FOREIGN = {"yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm", "bun.lock": "bun", "bun.lockb": "bun"}
_VACUOUS_HINT = "package.json and its lock file name no packages: leave the gate out"


class NpmAudit:
    """npm audit, for the package at the top of the workspace."""

    name = "npm-audit"
    report = "npm-audit.json"
    refused_args = (
        "--json", "--no-json", "--audit-level", "--dry-run", "--offline", "--prefer-offline", "--force", "--loglevel",
        "--silent", "--prefix", "--global", "--help", "--version", "--no-audit", "--package-lock", "--no-package-lock",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_javascript(workspace)

    def command(self, exam: Examination) -> list[str]:
        _refuse_without_lock(exam.workspace)
        return [str(npm()), "audit", *exam.args, "--json", "--no-offline", "--package-lock"]

    def examine(self, exam: Examination) -> Evidence:
        report = exam.reports / self.report
        result = run_program(exam.ctx, "npm audit", self.command(exam), env=NPM_QUIET, stdout=report)
        last = last_words(result)
        return judge(
            read_report(report, by="npm audit"), exit_code=result.exit_code or 0, last=last, workspace=exam.workspace
        )


def judge(data: bytes, *, exit_code: int, last: str, workspace: Path) -> Evidence:
    """Make evidence of npm's report.

    Raises:
        NoEvidence: as the parser; or npm broke.
    """
    evidence = parser.judge(data, exit_code=exit_code, last=last, workspace=workspace)
    if exit_code not in (0, 1):
        raise NoEvidence(f"npm audit exited with code {exit_code}{last}")
    if evidence.verdict is Verdict.PASSED and exit_code:
        raise NoEvidence(f"npm audit exited with code {exit_code}, yet reported no vulnerability{last}")
    return replace(evidence, hint=_VACUOUS_HINT) if evidence.verdict is Verdict.VACUOUS else evidence


def _refuse_without_lock(workspace: Path) -> None:
    if any((workspace / name).is_file() for name in LOCKS):
        return
    foreign = next((name for name in _FOREIGN if (workspace / name).is_file()), "")
    if foreign:
        raise NoEvidence(
            f"npm cannot audit what {foreign} locks",
            hint=f"declare the gate in nofx.yaml with a command of {_FOREIGN[foreign]} that writes a report",
            retryable=False,
        )
    raise NoEvidence("there is no package-lock.json to audit", hint="npm install --package-lock-only", retryable=False)
