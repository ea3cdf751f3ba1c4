"""`gate:coverage`: the tests under coverage.py, held against a floor.

The floor is that of `nofx.yaml`, else the project's own (`fail_under`, or `--cov-fail-under` in pytest's options);
without one the gate does not apply, and is skipped. First the tests are judged as `gate:unit` judges them; only
where they pass, coverage's JSON report is:

    statements   covered         verdict
    none         -               vacuous
    some         below floor     failed
    some         floor or more   passed, but failed where a file that was to be measured does not parse

pytest-cov runs where the project has it, because it also measures what pytest-xdist starts; else `coverage run`.
Data and reports stay in the step's scratch folder: a data file that an earlier run left is neither read nor changed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates import pyproject, unit
from nofx_cli.handlers.gates.coverage_sources import import_roots
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, run_program
from nofx_cli.handlers.gates.parsers.reading import amount, json_of, mapping, relative
from nofx_cli.handlers.gates.programs import python_module

_INI_FILES = (".coveragerc", "setup.cfg", "tox.ini")
_PYTEST_FILES = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_FLOOR_OF_PYTEST = re.compile(r"--cov-fail-under[= ](?P<floor>\d+(?:\.\d+)?)")
_SOURCES = ("source", "source_pkgs", "source_dirs")
_NO_FLOOR = "there is no floor to hold the coverage against"
_FLOOR_HINT = "set `gates: coverage: floor:` in nofx.yaml, or `fail_under` in the settings of coverage"
_NOTHING_HINT = (
    "see what `source`, `include` and `omit` in the settings of coverage leave to be measured, and whether pytest's "
    "options switch it off (`--no-cov`)"
)
_UNPARSED = re.compile(r"CoverageWarning: Couldn't parse Python file '(?P<path>[^\n]+?)' \(couldnt-parse\)")
_MOST_LINES = 12


class Coverage:
    """The check of Python behind `gate:coverage`."""

    name = "coverage"
    report = "coverage.json"
    refused_args = (
        *unit.Pytest.refused_args, "--cov-fail-under", "--no-cov", "--cov-report", "--cov-append", "--cov-config",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return unit.Pytest().applies(workspace)

    def command(self, exam: Examination) -> list[str]:
        if floor_of(exam) is None:
            # Of an empty folder it is not the floor that is missing; nothing lets that through.
            verdict = Verdict.SKIPPED if self.applies(exam.workspace) else Verdict.VACUOUS
            raise NoEvidence(_NO_FLOOR, verdict=verdict, hint=_FLOOR_HINT, retryable=False)
        pytest = unit.Pytest().command(exam)
        if _has_pytest_cov(pytest[0]):
            return [*_without_targets(pytest, exam), *_options_of_pytest_cov(exam, self.report), "--", *exam.paths]
        coverage = python_module(exam.workspace, "coverage")
        roots = import_roots(exam.workspace, exam.ctx.store)
        source = [] if _says_its_sources(exam.workspace) else ["--source", ",".join(roots)]
        words = pytest[3:] if pytest[1:2] == ["-m"] else pytest[1:]
        return [*coverage, "run", *source, "-m", "pytest", *words]

    def examine(self, exam: Examination) -> Evidence:
        command, floor, messages = self.command(exam), floor_of(exam) or 0, exam.reports / "messages.txt"
        # The settings are the project's: what the environment names may measure anything else.
        env = {**unit.ENV, "COVERAGE_FILE": str(exam.reports / "data"), "COVERAGE_RCFILE": ""}
        tests = unit.examine(exam, command, env=env, stderr=messages)
        if tests.verdict is not Verdict.PASSED:
            return tests
        if "--cov-report" not in command:
            self._write_report(exam, env)
        try:
            report = read_report(exam.reports / self.report, by="coverage")
        except NoEvidence as exc:
            raise NoEvidence(str(exc), hint=_NOTHING_HINT, retryable=False) from exc
        evidence = judge(report, floor=floor, tests=tests.counts["tests"], workspace=exam.workspace)
        return _with_unparsed(evidence, messages, exam.workspace)

    def _write_report(self, exam: Examination, env: dict[str, str]) -> None:
        """What pytest-cov does by itself: put together what several processes measured, and make the report."""
        coverage = python_module(exam.workspace, "coverage")
        if not (exam.reports / "data").exists():
            run_program(exam.ctx, "coverage", [*coverage, "combine"], env=env)
        command = [*coverage, "json", "--fail-under=0", "-o", str(exam.reports / self.report)]
        result = run_program(exam.ctx, "coverage", command, env=env)
        if result.exit_code != 0:
            raise NoEvidence(f"coverage exited with code {result.exit_code}{last_words(result)}", hint=_NOTHING_HINT)


def judge(data: bytes, *, floor: float, tests: int, workspace: Path) -> Evidence:
    """Make evidence of coverage's JSON report, as the table above says.

    Raises:
        NoEvidence: the report is not coverage's.
    """
    report = mapping(json_of(data, by="coverage"), "the report of coverage")
    files = mapping(report.get("files"), "`files` in the report of coverage")
    totals = mapping(report.get("totals"), "`totals` in the report of coverage")
    statements = amount(totals.get("num_statements"), "`num_statements` in the report of coverage")
    covered = amount(totals.get("covered_lines"), "`covered_lines` in the report of coverage")
    percent = _percent(totals)
    counts = {"tests": tests, "files": len(files), "statements": statements, "covered": covered}
    if not statements:
        return Evidence(Verdict.VACUOUS, "no statement was measured", counts, report=data, hint=_NOTHING_HINT)
    told = f"{_shown(percent)} % of {counted(statements, 'statement')} in {counted(len(files), 'file')} are covered"
    if percent >= floor:
        return Evidence(Verdict.PASSED, f"{told}, the floor is {floor:g} %", counts, report=data)
    findings = tuple(sorted(_findings(files, floor, workspace), key=str))
    counts["findings"] = len(findings)
    return Evidence(Verdict.FAILED, f"{told}, below the floor of {floor:g} %", counts, findings, data)


def _with_unparsed(evidence: Evidence, messages: Path, workspace: Path) -> Evidence:
    """pytest-cov has coverage leave out what does not parse, and only warn of it."""
    said = read_report(messages, by="coverage").decode(errors="replace")
    names = dict.fromkeys(relative(match["path"], workspace) for match in _UNPARSED.finditer(said))
    if not names:
        return evidence
    told = "it cannot be parsed, so nothing of it was measured"
    broken = tuple(Finding(name, 0, 0, "invalid-syntax", "error", told) for name in names)
    findings = (*broken, *evidence.findings)
    return replace(
        evidence,
        verdict=Verdict.FAILED,
        summary=f"{evidence.summary}; {next(iter(names))} cannot be parsed",
        counts={**evidence.counts, "findings": len(findings)},
        findings=findings,
    )


def floor_of(exam: Examination) -> float | None:
    """How many percent must be covered; None where neither nofx's nor the project's settings say it.

    Raises:
        NoEvidence: they say what is no percentage.
    """
    if exam.spec.floor is not None:
        return exam.spec.floor
    workspace = exam.workspace
    said = [pyproject.ini_value(workspace / ".coveragerc", "report", "fail_under")]
    said += [pyproject.ini_value(workspace / name, "coverage:report", "fail_under") for name in _INI_FILES[1:]]
    said.append((pyproject.table(workspace, "tool", "coverage", "report") or {}).get("fail_under", ""))
    said += [match["floor"] for name in _PYTEST_FILES if (match := _FLOOR_OF_PYTEST.search(_text(workspace / name)))]
    # A floor of 0 is what coverage has without one.
    return next((floor for value in said if (floor := _floor(value))), None)


def _findings(files: dict[str, Any], floor: float, workspace: Path) -> Iterator[Finding]:
    for name, entry in files.items():
        file = mapping(entry, f"`{name}` in the report of coverage")
        summary = mapping(file.get("summary"), f"`summary` of `{name}` in the report of coverage")
        percent = _percent(summary)
        if percent < floor and summary.get("num_statements"):
            lines = [line for line in file.get("missing_lines") or [] if isinstance(line, int)]
            told = f"{_shown(percent)} % covered, below {floor:g} %; not covered: {ranges(lines) or 'branches'}"
            yield Finding(relative(name, workspace), lines[0] if lines else 0, 0, "coverage", "error", told)


def ranges(lines: Sequence[int]) -> str:
    """Lines as a person writes them: `3-5, 9`; the first dozen."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    shown = [f"{first}-{last}" if last > first else str(first) for first, last in spans[:_MOST_LINES]]
    return ", ".join([*shown, *(["…"] if len(spans) > _MOST_LINES else [])])


def _percent(totals: dict[str, Any]) -> float:
    percent = totals.get("percent_covered")
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 <= percent <= 100:
        raise NoEvidence("`percent_covered` in the report of coverage is no percentage")
    return float(percent)


def _shown(percent: float) -> str:
    """Cut, not rounded: what is below a floor must not be told as the floor."""
    return f"{int(percent * 100) / 100:g}"


def _options_of_pytest_cov(exam: Examination, report: str) -> list[str]:
    roots = [] if _says_its_sources(exam.workspace) else import_roots(exam.workspace, exam.ctx.store)
    source = [f"--cov={root}" for root in roots] or ["--cov"]
    # A name, so that the plugin is there also where none is loaded by itself.
    return ["-p", "pytest_cov", *source, "--cov-report", f"json:{exam.reports / report}", "--cov-fail-under=0"]


def _without_targets(pytest: list[str], exam: Examination) -> list[str]:
    return pytest[: len(pytest) - len(exam.paths) - 1]


def _has_pytest_cov(program: str) -> bool:
    """Whether the environment of that program has the plugin; looked up without starting it."""
    return any(Path(program).parent.parent.glob("lib/python*/site-packages/pytest_cov/plugin.py"))


def _says_its_sources(workspace: Path) -> bool:
    """Whether the project says what is to be measured; else all that is below the workspace is."""
    table = pyproject.table(workspace, "tool", "coverage", "run") or {}
    files = ((".coveragerc", "run"), *((name, "coverage:run") for name in _INI_FILES[1:]))
    return any(
        table.get(name) or any(pyproject.ini_value(workspace / file, section, name) for file, section in files)
        for name in _SOURCES
    )


def _floor(value: object) -> float:
    """0 where nothing is said."""
    text = str(value).strip() or "0"
    try:
        floor = float(text)
    except ValueError:
        floor = -1
    if not 0 <= floor <= 100:
        hint = "correct it in the settings of coverage, or set `gates: coverage: floor:` in nofx.yaml"
        raise NoEvidence(f"`fail_under` is no percentage: {text}", hint=hint, retryable=False)
    return floor


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return ""


HANDLER = GateHandler(("gate:coverage",), Coverage())
