"""`gate:lint`: ruff.

The verdict rests on two things that ruff reports of one and the same execution: its JSON report, in which any finding
fails the gate (a file that does not parse is one), and its verbose messages, which name every file that it really
examined. `--show-files` would also name files that `lint.exclude` then leaves out, so it is only asked where the
messages cannot be read. ruff is kept from mending anything (a project may have `fix = true`) and from using a cache
that another gate could see.
"""

import json
import re
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import GateHandler, run_program, texts
from nofx_cli.handlers.gates.programs import program
from nofx_cli.ports.handler import StepContext

UNREADABLE = "E902"

_MESSAGE = re.compile(r"(?:\[[^\]]*\])+\[(?:TRACE|DEBUG|INFO)\] (?P<text>.*)")
_VACUOUS_HINT = "point `paths` at the code, see what ruff's settings exclude, or leave the gate out"


class Lint:
    """The check behind `gate:lint`."""

    tools = ("gate:lint",)
    report = "ruff.json"
    refused_args = (
        "--fix", "--fix-only", "--unsafe-fixes", "--diff", "--watch", "-w", "--add-noqa", "--add-ignore",
        "--show-files", "--show-settings", "--statistics", "--exit-zero", "-e", "--output-format", "--output-file",
        "-o", "--stdin-filename", "--quiet", "-q", "--silent", "-s",
    )  # fmt: skip

    def command(self, ctx: StepContext, reports: Path) -> list[str]:
        return self._command(ctx, "--verbose", "--output-format", "json", "--output-file", str(reports / self.report))

    def examine(self, ctx: StepContext) -> Evidence:
        missing = [path for path in texts(ctx.inputs, "paths") if not (ctx.workspace / path).exists()]
        if missing:
            raise NoEvidence(f"the workspace has no {', '.join(missing)}", hint="correct `paths`", retryable=False)
        command = self.command(ctx, ctx.scratch)
        messages = ctx.scratch / "ruff-messages.txt"
        result = run_program(ctx, "ruff", command, stderr=messages)
        examined, said = read_messages(read_report(messages, by="ruff").decode(errors="replace"))
        if said:
            ctx.log("\n".join(said))
        last = f": {said[-1].strip()}" if said else ""
        if result.exit_code not in (0, 1):
            raise NoEvidence(f"ruff exited with code {result.exit_code}{last}")
        report = read_report(ctx.scratch / self.report, by="ruff")
        files = self._listed(ctx) if examined is None else examined
        return judge(report, exit_code=result.exit_code, files=files, workspace=ctx.workspace)

    def _listed(self, ctx: StepContext) -> int:
        listing = ctx.scratch / "ruff-files.txt"
        run_program(ctx, "ruff", self._command(ctx, "--show-files", "--output-file", str(listing)))
        return sum(map(_is_code, read_report(listing, by="ruff").decode(errors="replace").splitlines()))

    def _command(self, ctx: StepContext, *options: str) -> list[str]:
        given, paths = texts(ctx.inputs, "args"), texts(ctx.inputs, "paths") or ["."]
        ruff = program(ctx.workspace, "ruff")
        own = ["--extend-exclude", str(ctx.store)]
        return [*ruff, "check", *given, *own, "--no-cache", "--no-fix", "--no-fix-only", *options, "--", *paths]


def read_messages(text: str) -> tuple[int | None, list[str]]:
    """Read ruff's verbose messages: how many files it examined (None where it does not say), and what else it said."""
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
    return (sum(map(_is_code, examined)) if told else None), [line for line in said if line.strip()]


def judge(report: bytes, *, exit_code: int, files: int, workspace: Path) -> Evidence:
    """Make evidence of ruff's JSON report about that many files.

    Raises:
        NoEvidence: the report is not ruff's, contradicts the exit code, or tells of files that could not be read.
    """
    items = _items(report)
    findings = tuple(_finding(item, workspace) for item in items)
    unreadable = [finding.path for finding in findings if finding.rule == UNREADABLE]
    if unreadable:
        raise NoEvidence(f"ruff could not read {unreadable[0]}" + (" and others" if len(unreadable) > 1 else ""))
    if exit_code == 1 and not findings:
        raise NoEvidence("ruff exited with code 1, yet reported no finding")
    if not (files or findings):
        return Evidence(Verdict.VACUOUS, "there was no Python file to examine", {"files": 0}, hint=_VACUOUS_HINT)
    fixable = sum(1 for item in items if item.get("fix"))
    return Evidence(
        Verdict.FAILED if findings else Verdict.PASSED,
        f"{counted(len(findings), 'finding')} in {counted(files, 'file')}",
        {"files": files, "findings": len(findings), "fixable": fixable},
        findings,
        report,
    )


def _items(report: bytes) -> list[dict[str, Any]]:
    try:
        items = json.loads(report)
    except (ValueError, RecursionError) as exc:
        raise NoEvidence(f"ruff's report is not JSON ({exc})") from exc
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NoEvidence("ruff's report is not a list of findings")
    return items


def _finding(item: dict[str, Any], workspace: Path) -> Finding:
    location = item.get("location")
    row, column = (location.get("row"), location.get("column")) if isinstance(location, dict) else (0, 0)
    path = Path(str(item.get("filename", "")))
    return Finding(
        path=(path.relative_to(workspace) if path.is_relative_to(workspace) else path).as_posix(),
        line=row if isinstance(row, int) else 0,
        column=column if isinstance(column, int) else 0,
        rule=str(item.get("code") or "invalid-syntax"),
        severity=str(item.get("severity") or "error"),
        message=str(item.get("message", "")),
    )


def _is_code(path: str) -> bool:
    """ruff looks into pyproject.toml too, but settings alone are nothing to lint."""
    return bool(path) and Path(path).name != "pyproject.toml"


HANDLER = GateHandler(Lint())
