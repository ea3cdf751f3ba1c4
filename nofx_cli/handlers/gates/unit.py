"""`gate:unit` (also `gate:test`): pytest.

The verdict rests on the JUnit report, held against the exit code:

    exit code   report                                      verdict
    any         missing, or not JUnit                       errored
    1, 2        a test file that could not be collected     failed (it is the code under test that is broken)
    0, 1, 5     a test failed or errored                    failed
    1           no failure                                  failed (a floor such as coverage's); errored if none passed
    0, 5        no test ran, or every one was skipped       vacuous
    0           lists tests that never ran                  errored
    0           otherwise                                   passed
    2, 3, 4, …  (interrupted, internal error, usage)        errored

pytest leaves nothing behind in the workspace: its cache goes to the step's scratch folder, so that `--last-failed`
in a project's settings selects nothing, and bytecode is not written.
"""

from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates import junit
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import GateHandler, last_words, run_program, texts
from nofx_cli.handlers.gates.junit import Case, CaseStatus, Report
from nofx_cli.handlers.gates.programs import python_module
from nofx_cli.ports.handler import StepContext

_ENV = {"PYTHONDONTWRITEBYTECODE": "1"}
_VACUOUS_HINT = "point `paths` at the tests, see what is deselected or skipped, or leave the gate out"


class Unit:
    """The check behind `gate:unit`."""

    tools = ("gate:unit", "gate:test")
    report = "junit.xml"
    refused_args = (
        "--junit-xml", "--junitxml", "--junit-prefix", "--junitprefix", "--collect-only", "--co", "--setup-only",
        "--setup-plan", "--fixtures", "--markers", "--help", "-h", "--version", "-V", "--pdb", "--trace",
    )  # fmt: skip

    def command(self, ctx: StepContext, reports: Path) -> list[str]:
        pytest = python_module(ctx.workspace, "pytest")
        ours = [
            *("-o", f"cache_dir={reports / 'pytest-cache'}"),
            *("-o", "junit_family=xunit1"),
            *("-o", "junit_logging=no"),
            f"--junit-xml={reports / self.report}",
            f"--ignore={ctx.store}",
        ]
        return [*pytest, *texts(ctx.inputs, "args"), *ours, "--", *texts(ctx.inputs, "paths")]

    def examine(self, ctx: StepContext) -> Evidence:
        result = run_program(ctx, "pytest", self.command(ctx, ctx.scratch), env=_ENV)
        last = last_words(result)
        if result.exit_code not in (0, 1, 2, 5):
            raise NoEvidence(f"pytest exited with code {result.exit_code}{last}")
        report = read_report(ctx.scratch / self.report, by="pytest")
        return judge(report, exit_code=result.exit_code, last=last)


def judge(data: bytes, *, exit_code: int, last: str = "") -> Evidence:
    """Make evidence of a JUnit report, as the table above says; `last` is what pytest said last.

    Raises:
        NoEvidence: the report cannot be read, or contradicts the exit code or itself.
    """
    try:
        report = junit.parse(data)
    except junit.NotJunit as exc:
        raise NoEvidence(f"pytest's report is no JUnit XML: {exc}") from exc
    uncollected = [case for case in report.having(CaseStatus.ERROR) if case.message == "collection failure"]
    if exit_code == 2 and not uncollected:
        raise NoEvidence(f"pytest was interrupted{last}")
    bad = uncollected or report.having(CaseStatus.FAILED, CaseStatus.ERROR)
    if bad:
        return _evidence(Verdict.FAILED, report, data, f"{_totals(report)}: {_first(bad)}")
    passed = report.having(CaseStatus.PASSED)
    if exit_code == 1:
        if not passed:
            raise NoEvidence(f"pytest exited with code 1, yet reported no failure{last}")
        return _evidence(Verdict.FAILED, report, data, f"{_totals(report)}, yet pytest exited with code 1{last}")
    return _judge_good(report, data, passed=len(passed), exit_code=exit_code)


def _judge_good(report: Report, data: bytes, *, passed: int, exit_code: int) -> Evidence:
    claimed = report.claimed
    if claimed["tests"] == 0:
        return _evidence(Verdict.VACUOUS, report, data, "no test ran", hint=_VACUOUS_HINT)
    if passed == 0:
        return _evidence(Verdict.VACUOUS, report, data, f"no test passed: {_totals(report)}", hint=_VACUOUS_HINT)
    if exit_code == 5:
        raise NoEvidence("pytest says that no test ran, its report has some that passed")
    if claimed["failures"] or claimed["errors"] or claimed["tests"] - claimed["skipped"] < passed:
        raise NoEvidence(f"pytest's report contradicts itself: it lists {passed} passed, its totals are {claimed}")
    return _evidence(Verdict.PASSED, report, data, _totals(report))


def _evidence(verdict: Verdict, report: Report, data: bytes, summary: str, *, hint: str = "") -> Evidence:
    ran = bool(report.claimed["tests"])
    counts = {
        "tests": len(report.cases) if ran else 0,
        "passed": len(report.having(CaseStatus.PASSED)) if ran else 0,
        "failed": len(report.having(CaseStatus.FAILED)),
        "errors": len(report.having(CaseStatus.ERROR)),
        "skipped": len(report.having(CaseStatus.SKIPPED)),
    }
    findings = tuple(_finding(case) for case in report.having(CaseStatus.FAILED, CaseStatus.ERROR))
    return Evidence(verdict, summary, counts, findings, data, hint)


def _totals(report: Report) -> str:
    """Such as `41 tests: 40 passed, 1 failed`."""
    words = (("passed", CaseStatus.PASSED), ("failed", CaseStatus.FAILED), ("skipped", CaseStatus.SKIPPED))
    parts = [f"{len(found)} {word}" for word, status in words if (found := report.having(status))]
    if broken := report.having(CaseStatus.ERROR):
        parts.append(counted(len(broken), "error"))
    return f"{counted(len(report.cases), 'test')}: {', '.join(parts)}"


def _first(cases: list[Case]) -> str:
    more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
    return _node_id(cases[0]) + more


def _node_id(case: Case) -> str:
    """What selects the test on pytest's command line: `tests/test_x.py::TestA::test_y`; the file if that is broken."""
    test = _test_in_file(case)
    return f"{case.file}::{test}" if case.file and test else case.file or test


def _test_in_file(case: Case) -> str:
    module = case.file.removesuffix(".py").replace("/", ".")
    if case.name == module:
        return ""
    classes = case.classname.removeprefix(module).strip(".").split(".")
    return "::".join([*filter(None, classes), case.name])


def _finding(case: Case) -> Finding:
    rule = _test_in_file(case) or "collection"
    return Finding(case.file, case.line, 0, rule, "error", _reason(case))


def _reason(case: Case) -> str:
    """The error in one line: the message, or, where pytest gives none, the last line that it marked with `E`."""
    marked = [line[1:].strip() for line in case.text.splitlines() if line.startswith("E ")]
    said = case.message.strip().splitlines()
    if case.message == "collection failure" and marked:
        return marked[-1]
    return said[0] if said else (marked or ["it failed"])[-1]


HANDLER = GateHandler(Unit())
