"""`gate:lint`: ruff.

The verdict rests on two things that ruff reports of one and the same execution: its JSON report, in which any finding
fails the gate (a file that does not parse is one), and its verbose messages, which name every file that it really
examined. `--show-files` would also name files that `lint.exclude` then leaves out, so it is only asked where the
messages cannot be read. A file for which no rule is selected is not examined, whatever ruff looked into: ruff itself
tells what is selected. ruff is kept from mending anything (a project may have `fix = true`) and from using a cache
that another gate could see.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, GateHandler, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.eslint import Eslint
from nofx_cli.handlers.gates.parsers.ruff_json import read_findings
from nofx_cli.handlers.gates.programs import program
from nofx_cli.handlers.gates.ruff_rules import without_rule

_MESSAGE = re.compile(r"(?:\[[^\]]*\])+\[(?:TRACE|DEBUG|INFO)\] (?P<text>.*)")
_SETTINGS = frozenset({"pyproject.toml", "ruff.toml", ".ruff.toml"})
_NO_RULE_HINT = "select rules in ruff's settings (`lint.select`)"
_VACUOUS_HINT = "point `paths` at the code, see what ruff's settings exclude, or leave the gate out"


class Ruff:
    """The check of Python behind `gate:lint`."""

    name = "ruff"
    report = "ruff.json"
    refused_args = (
        "--fix", "--fix-only", "--unsafe-fixes", "--diff", "--watch", "-w", "--add-noqa", "--add-ignore",
        "--show-files", "--show-settings", "--statistics", "--exit-zero", "-e", "--output-format", "--output-file",
        "-o", "--stdin-filename", "--quiet", "-q", "--silent", "-s",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_python(workspace)

    def command(self, exam: Examination) -> list[str]:
        report = str(exam.reports / self.report)
        return self._command(exam, "--verbose", "--output-format", "json", "--output-file", report)

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        messages = exam.reports / "ruff-messages.txt"
        result = run_program(exam.ctx, "ruff", self.command(exam), stderr=messages)
        examined, said = read_messages(read_report(messages, by="ruff").decode(errors="replace"))
        if said:
            exam.ctx.log("\n".join(said))
        last = f": {said[-1].strip()}" if said else ""
        if result.exit_code not in (0, 1):
            raise NoEvidence(f"ruff exited with code {result.exit_code}{last}")
        report = read_report(exam.reports / self.report, by="ruff")
        files = self._listed(exam) if examined is None else examined
        evidence = judge(report, exit_code=result.exit_code, files=len(files), workspace=exam.workspace)
        return self._but_without_rule(exam, files, evidence) if evidence.verdict is Verdict.PASSED else evidence

    def _but_without_rule(self, exam: Examination, files: list[str], evidence: Evidence) -> Evidence:
        """Only asked before a pass: with no rule, ruff still tells what does not parse."""
        unruled = without_rule(files, exam.workspace, lambda file: self._settings(exam, file))
        if unruled == len(files):
            return replace(evidence, verdict=Verdict.VACUOUS, summary="no rule is selected", hint=_NO_RULE_HINT)
        if not unruled:
            return evidence
        left = len(files) - unruled
        summary = f"no findings in {counted(left, 'file')}; no rule is selected for {counted(unruled, 'file')} more"
        return replace(evidence, summary=summary, counts={**evidence.counts, "files": left})

    def _settings(self, exam: Examination, file: str) -> Path:
        settings = exam.reports / "ruff-settings.txt"
        options = ("--show-settings", "--output-file", str(settings))
        run_program(exam.ctx, "ruff", self._command(exam, *options, paths=[file]))
        return settings

    def _listed(self, exam: Examination) -> list[str]:
        listing = exam.reports / "ruff-files.txt"
        run_program(exam.ctx, "ruff", self._command(exam, "--show-files", "--output-file", str(listing)))
        return [*filter(_is_code, read_report(listing, by="ruff").decode(errors="replace").splitlines())]

    def _command(self, exam: Examination, *options: str, paths: Sequence[str] = ()) -> list[str]:
        ruff = program(exam.workspace, "ruff")
        own = [word for store in exam.left_out for word in ("--extend-exclude", store)]
        where = paths or exam.paths or ["."]
        return [*ruff, "check", *exam.args, *own, "--no-cache", "--no-fix", "--no-fix-only", *options, "--", *where]


def read_messages(text: str) -> tuple[list[str] | None, list[str]]:
    """Read ruff's verbose messages: the files that it examined (None where it does not say), and what else it said."""
    examined: list[str] = []
    told, said = False, []
    for line in text.splitlines():
        message = _MESSAGE.match(line)
        if message is None:
            said.append(line)
        elif message["text"].startswith("Checking: "):
            examined.append(message["text"].removeprefix("Checking: "))
        elif message["text"].startswith("Checked "):
            told = True
    return ([*filter(_is_code, examined)] if told else None), [line for line in said if line.strip()]


def judge(report: bytes, *, exit_code: int, files: int, workspace: Path) -> Evidence:
    """Make evidence of ruff's JSON report about that many files.

    Raises:
        NoEvidence: the report is not ruff's, contradicts the exit code, or tells of files that could not be read.
    """
    findings, fixable = read_findings(report, workspace)
    if exit_code == 1 and not findings:
        raise NoEvidence("ruff exited with code 1, yet reported no finding")
    if not (files or findings):
        return Evidence(Verdict.VACUOUS, "there was no Python file to examine", {"files": 0}, hint=_VACUOUS_HINT)
    return Evidence(
        Verdict.FAILED if findings else Verdict.PASSED,
        f"{counted(len(findings), 'finding')} in {counted(files, 'file')}",
        {"files": files, "findings": len(findings), "fixable": fixable},
        findings,
        report,
    )


def _is_code(path: str) -> bool:
    """ruff looks into its settings files too, but settings alone are nothing to lint."""
    return bool(path) and Path(path).name not in _SETTINGS


HANDLER = GateHandler(("gate:lint",), Ruff(), Eslint())
