"""`gate:format`: `ruff format --check`, or black where the project is set up for black. Nothing is ever rewritten.

The verdict rests on what both print: a line for each file that would be changed or does not parse, and at the end a
summary that counts all files that were examined:

    exit code   summary                           verdict
    any         some would be changed             failed
    any         a file that does not parse        failed
    0           all are as they should be         passed
    0           none (no Python file)             vacuous
    any         missing, or of no fault           errored

Where nofx's own store lies in the workspace, it is left out, beside what the project's settings leave out.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates import pyproject
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.prettier import Prettier
from nofx_cli.handlers.gates.parsers.reading import relative
from nofx_cli.handlers.gates.programs import program

CHANGED, UNPARSED, UNREADABLE = "unformatted", "invalid-syntax", "io"
_PLACE = r"(?P<path>[^\n]+?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?"
_LINES = (
    re.compile(rf"{_PLACE}: (?P<rule>{CHANGED}|{UNPARSED}|{UNREADABLE}): (?P<text>.*)"),  # ruff
    re.compile(r"[Ww]ould reformat:? (?P<path>.+)"),  # black, and ruff before it told positions
    re.compile(rf"error: (?:Failed to parse|[Cc]annot parse:|cannot format) {_PLACE}(?:: (?P<text>.*))?"),
)
_SUMMARY = re.compile(r"(\d+) files? (would be reformatted|already formatted|would be left unchanged|would fail)")
_NO_FILES = ("No Python files found", "No Python files are present", "No Path provided")
_FORMATTED_NOTHING = "Formatted 0 files"
_VACUOUS_HINT = "point `paths` at the code, see what the formatter's settings exclude, or leave the gate out"


class RuffFormat:
    """ruff's formatter, for every project of Python that is not set up for black."""

    name = "ruff"
    report = "ruff-format.txt"
    refused_args = (
        "--diff", "--stdin-filename", "--output-format", "--quiet", "-q", "--silent", "-s", "--range", "--verbose",
        "-v", "--exit-non-zero-on-format", "--help", "-h",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_python(workspace) and not is_for_black(workspace)

    def command(self, exam: Examination) -> list[str]:
        return self._command(exam)

    def _command(self, exam: Examination, *options: str) -> list[str]:
        # It adds to the list that the project has; only of settings with one value the last one holds.
        store = f"extend-exclude={json.dumps(exam.left_out)}"
        own = ("--check", "--no-cache", "--color", "never", "--config", store)
        return [*program(exam.workspace, "ruff"), "format", *exam.args, *own, *options, "--", *(exam.paths or ["."])]

    def examine(self, exam: Examination) -> Evidence:
        try:
            return _examine(self, exam, {"RUFF_OUTPUT_FORMAT": "concise"})
        except NoEvidence:
            if self._had_nothing_to_do(exam):
                return _nothing()
            raise

    def _had_nothing_to_do(self, exam: Examination) -> bool:
        """Where `format.exclude` leaves out all that there is, ruff says so only if it is asked to say more."""
        written = [exam.reports / self.report, exam.reports / "messages.txt"]
        if not all(file.exists() and not read_report(file, by="ruff") for file in written):
            return False
        said = exam.reports / "verbose.txt"
        run_program(exam.ctx, "ruff", self._command(exam, "--verbose"), stderr=said)
        return _FORMATTED_NOTHING in read_report(said, by="ruff").decode(errors="replace")


class Black:
    """black, for projects that have settings of it and none of ruff's formatter."""

    name = "black"
    report = "black.txt"
    refused_args = (
        "--diff", "--code", "-c", "--quiet", "-q", "--stdin-filename", "--line-ranges", "--help", "-h", "--version",
        "--extend-exclude",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_for_black(workspace)

    def command(self, exam: Examination) -> list[str]:
        own = ("--check", "--no-color", "--extend-exclude", _excluded_by_black(exam))
        return [*program(exam.workspace, "black"), *exam.args, *own, "--", *(exam.paths or ["."])]

    def examine(self, exam: Examination) -> Evidence:
        return _examine(self, exam, {"BLACK_CACHE_DIR": str(exam.reports / "cache")})


def is_for_black(workspace: Path) -> bool:
    """Whether the project is formatted by black."""
    return (
        pyproject.table(workspace, "tool", "black") is not None
        and pyproject.table(workspace, "tool", "ruff", "format") is None
    )


def _excluded_by_black(exam: Examination) -> str:
    """The option takes the place of the project's own expression, so that is repeated, on lines of its own."""
    own = str((pyproject.table(exam.workspace, "tool", "black") or {}).get("extend-exclude", ""))
    store = f"^/{re.escape(exam.store)}/"
    return f"(?:{own}\n)|{store}" if own else store


def _examine(check: RuffFormat | Black, exam: Examination, env: dict[str, str]) -> Evidence:
    refuse_missing(exam)
    printed, messages = exam.reports / check.report, exam.reports / "messages.txt"
    result = run_program(exam.ctx, check.name, check.command(exam), env=env, stdout=printed, stderr=messages)
    data = b"".join(read_report(path, by=check.name) for path in (printed, messages))
    exam.ctx.log(data.decode(errors="replace"))
    return judge(data, by=check.name, exit_code=result.exit_code or 0, workspace=exam.workspace)


def judge(data: bytes, *, by: str, exit_code: int, workspace: Path) -> Evidence:
    """Make evidence of what ruff or black printed, as the table above says.

    Raises:
        NoEvidence: it has no summary, contradicts the exit code, or tells of files that could not be read.
    """
    lines = data.decode(errors="replace").splitlines()
    last = f": {said[-1].strip()}" if (said := [line for line in lines if line.strip()]) else ""
    findings = tuple(dict.fromkeys(_findings(lines, workspace)))
    if unreadable := [finding.path for finding in findings if finding.rule == UNREADABLE]:
        raise NoEvidence(f"{by} could not read {unreadable[0]}")
    summary = _summary(lines)
    changed = summary.get("would be reformatted", 0)
    unparsed = len({finding.path for finding in findings if finding.rule == UNPARSED})
    files = sum(summary.values()) + (0 if "would fail" in summary else unparsed)
    if not (changed or findings):
        if exit_code != 0:
            raise NoEvidence(f"{by} exited with code {exit_code}{last}")
        if not files and not any(line.removeprefix("warning: ").startswith(_NO_FILES) for line in lines):
            raise NoEvidence(f"{by} ended without its summary{last}")
    if not files:
        return _nothing()
    told = f"{changed} of {counted(files, 'file')} would be reformatted"
    return Evidence(
        Verdict.FAILED if changed or findings else Verdict.PASSED,
        told + (f", {unparsed} cannot be parsed" if unparsed else ""),
        {"files": files, "findings": max(len(findings), changed), "unparsed": unparsed},
        findings,
        data,
    )


def _nothing() -> Evidence:
    return Evidence(Verdict.VACUOUS, "there was no Python file to examine", {"files": 0}, hint=_VACUOUS_HINT)


def _summary(lines: list[str]) -> dict[str, int]:
    """How many files, by what is said of them in the last line that says it."""
    told = [found for line in lines if (found := _SUMMARY.findall(line))]
    return {words: int(number) for number, words in told[-1]} if told else {}


def _findings(lines: list[str], workspace: Path) -> Iterator[Finding]:
    for line in lines:
        match = next((match for pattern in _LINES if (match := pattern.fullmatch(line))), None)
        if match is None:
            continue
        groups = match.groupdict()
        broken = line.startswith("error: ")
        rule = groups.get("rule") or (UNPARSED if broken else CHANGED)
        yield Finding(
            path=relative(groups["path"], workspace),
            line=int(groups.get("line") or 0),
            column=int(groups.get("column") or 0),
            rule=rule,
            severity="error",
            message=groups.get("text") or ("it cannot be parsed" if broken else "File would be reformatted"),
        )


HANDLER = GateHandler(("gate:format",), RuffFormat(), Black(), Prettier())
