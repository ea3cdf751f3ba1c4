"""The check of JavaScript and TypeScript behind `gate:lint`: eslint.

The verdict rests on eslint's JSON report, which lists every file that it looked at; see `parsers.eslint_json`. A file
that does not parse is a finding. Beyond that:

    exit code   eslint says                                  verdict
    2           no file, or all of them are ignored          vacuous
    2           otherwise (settings, a rule that breaks)     errored
    0           it ran without a single rule on any file     vacuous (from version 9, which can say so)

eslint mends nothing and uses no cache unless it is told to, which a plan may not.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.manifest import is_set_up
from nofx_cli.handlers.gates.javascript.node_programs import major_version, node_program
from nofx_cli.handlers.gates.parsers import eslint_json
from nofx_cli.handlers.gates.parsers.reading import json_of, objects

SETTINGS = (
    *(f"eslint.config.{kind}" for kind in ("js", "mjs", "cjs", "ts", "mts", "cts")),
    *(f".eslintrc{kind}" for kind in ("", ".js", ".cjs", ".yaml", ".yml", ".json")),
)
_TELLS_RULES = 9
"""The version from which `--stats` names the rules that ran."""
_NOTHING = ("No files matching", "are ignored.")
_HINT = "point `paths` at the code, and see what eslint's settings ignore"
_NO_RULES_HINT = "turn rules on in eslint's settings, or leave the gate out"


class Eslint:
    """eslint, where the project is set up for it."""

    name = "eslint"
    report = "eslint.json"
    refused_args = (
        "--fix", "--fix-dry-run", "--fix-type", "--cache", "--cache-file", "--cache-location", "--cache-strategy",
        "--format", "-f", "--output-file", "-o", "--quiet", "--stats", "--init", "--env-info", "--print-config",
        "--inspect-config", "--stdin", "--stdin-filename", "--help", "-h", "--version", "-v", "--suppress-all",
        "--suppress-rule", "--prune-suppressions", "--pass-on-no-patterns", "--no-error-on-unmatched-pattern",
        "--exit-on-fatal-error",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_set_up(workspace, "eslint", key="eslintConfig", files=SETTINGS)

    def command(self, exam: Examination) -> list[str]:
        eslint = node_program(exam.workspace, "eslint", paths=exam.paths)
        stats = ["--stats"] if major_version(eslint, "eslint") >= _TELLS_RULES else []
        report = ["--format", "json", "--output-file", str(exam.reports / self.report), *stats]
        return [str(eslint), *exam.args, *_leaving_out_the_store(exam), *report, "--", *(exam.paths or ["."])]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        messages = exam.reports / "messages.txt"
        command = self.command(exam)
        result = run_program(exam.ctx, "eslint", command, stderr=messages)
        said = read_report(messages, by="eslint").decode(errors="replace")
        exam.ctx.log(said)
        if result.exit_code not in (0, 1):
            return _broken(said, result.exit_code or 0)
        report = read_report(exam.reports / self.report, by="eslint")
        stats, last = "--stats" in command, _told(said)
        return judge(report, exit_code=result.exit_code, last=last, workspace=exam.workspace, tells_rules=stats)


def judge(report: bytes, *, exit_code: int, last: str, workspace: Path, tells_rules: bool) -> Evidence:
    """Make evidence of a report; with `tells_rules` it says which rules it applied to each file.

    Settings of eslint that it examines are nothing of the project, nor is a file examined by no rule.

    Raises:
        NoEvidence: as the parser.
    """
    files = objects(json_of(report, by="eslint"), "the report of eslint")
    kept = [file for file in files if file.get("messages") != [] or _is_examined(file, tells_rules)]
    data = json.dumps(kept).encode()
    evidence = replace(eslint_json.judge(data, exit_code=exit_code, last=last, workspace=workspace), report=report)
    if evidence.verdict is not Verdict.VACUOUS:
        return evidence
    if tells_rules and files and not any(map(_rules, files)):
        return replace(evidence, summary="eslint examined no file by any rule", hint=_NO_RULES_HINT)
    return replace(evidence, hint=_HINT)


def _is_examined(file: dict[str, Any], tells_rules: bool) -> bool:
    settings = str(file.get("filePath", "")).rpartition("/")[2] in SETTINGS
    return not settings and (not tells_rules or bool(_rules(file)))


def _rules(file: dict[str, Any]) -> list[str]:
    """The rules that were applied to a file, as a report with `--stats` has it."""
    at: Any = file
    for key in ("stats", "times", "passes"):
        at = at.get(key) if isinstance(at, dict) else None
    passes = [one.get("rules") for one in at if isinstance(one, dict)] if isinstance(at, list) else []
    return [rule for rules in passes if isinstance(rules, dict) for rule in rules]


def _broken(said: str, exit_code: int) -> Evidence:
    told = _told(said)
    if exit_code == 2 and any(words in told for words in _NOTHING):
        return Evidence(Verdict.VACUOUS, "eslint examined no file", {"files": 0}, hint=_HINT)
    raise NoEvidence(f"eslint exited with code {exit_code}{told}")


def _told(said: str) -> str:
    """What eslint gives as the reason: below the line with its version, else the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    below = next((index + 1 for index, line in enumerate(lines) if line.startswith("ESLint: ")), len(lines))
    reason = lines[below : below + 1] or lines[-1:]
    return f": {reason[0]}" if reason else ""


def _leaving_out_the_store(exam: Examination) -> list[str]:
    return ["--ignore-pattern", f"{exam.store}/**"] if exam.store else []
