"""`gate:unit` (also `gate:test`): pytest.

The verdict rests on the JUnit report, held against the exit code and against what a plugin saw of the session
(`pytest_session`): how many tests there were, and whether something ended it before its end:

    exit code   report and session                          verdict
    any         missing, or not JUnit                       errored
    1, 2        a test file that could not be collected     failed (it is the code under test that is broken)
    0, 1, 2, 5  a test failed or errored                    failed
    1           no failure                                  failed (a floor such as coverage's); errored if none passed
    0, 5        no test ran, or every one was skipped       vacuous
    0           it was ended early, or tests never ran      errored
    0           lists tests that never ran                  errored
    0           otherwise                                   passed
    2, 3, 4, …  (interrupted, internal error, usage)        errored

pytest leaves nothing behind in the workspace: its cache goes to the step's scratch folder, so that `--last-failed`
in a project's settings selects nothing, and bytecode is not written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates import junit, pytest_session
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, run_program
from nofx_cli.handlers.gates.javascript.package_tests import PackageTests
from nofx_cli.handlers.gates.junit import Case, CaseStatus, Report
from nofx_cli.handlers.gates.programs import python_module
from nofx_cli.handlers.gates.pytest_session import Session, read_session

ENV = {"PYTHONDONTWRITEBYTECODE": "1"}
_NO_REPORT_HINT = (
    "what pytest ran ended it (`os._exit`, or `sys.exit` in a conftest.py), or a setting switches its report off"
)
_ENDED_HINT = "a test, a fixture or a plugin called `pytest.exit`, or a signal came; a test that cannot run is skipped"
_VACUOUS_HINT = "point `paths` at the tests, see what is deselected or skipped, or leave the gate out"


class Pytest:
    """The check of Python behind `gate:unit`."""

    name = "pytest"
    report = "junit.xml"
    refused_args = (
        "--junit-xml", "--junitxml", "--junit-prefix", "--junitprefix", "--collect-only", "--co", "--setup-only",
        "--setup-plan", "--fixtures", "--markers", "--help", "-h", "--version", "-V", "--pdb", "--trace",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_python(workspace)

    def command(self, exam: Examination) -> list[str]:
        pytest = python_module(exam.workspace, "pytest")
        ours = [
            *("-o", f"cache_dir={exam.reports / 'pytest-cache'}"),
            *("-o", "junit_family=xunit1"),
            *("-o", "junit_logging=no"),
            f"--junit-xml={exam.reports / self.report}",
            *(f"--ignore={store}" for store in exam.left_out),
            *("-p", pytest_session.PLUGIN),
        ]
        return [*pytest, *exam.args, *ours, "--", *exam.paths]

    def examine(self, exam: Examination) -> Evidence:
        return examine(exam, self.command(exam), env=ENV)


def examine(
    exam: Examination, command: Sequence[str], *, env: Mapping[str, str], stderr: Path | None = None
) -> Evidence:
    """Run the tests by a command that ends with that of `Pytest`, and judge its report.

    `stderr` is a file that takes what is written there; it is in the log all the same, behind the rest.

    Raises:
        NoEvidence: pytest broke, or what it reports cannot be believed.
    """
    result = run_program(exam.ctx, "pytest", command, env=env, modules=pytest_session.FOLDER, stderr=stderr)
    if stderr is not None:
        exam.ctx.log(read_report(stderr, by="pytest").decode(errors="replace"))
    last, path = last_words(result), exam.reports / Pytest.report
    if result.exit_code not in (0, 1, 2, 5):
        raise NoEvidence(f"pytest exited with code {result.exit_code}{_why(path) or last}")
    try:
        report = read_report(path, by="pytest")
    except NoEvidence as exc:
        raise NoEvidence(str(exc), hint=_NO_REPORT_HINT) from exc
    return judge(report, exit_code=result.exit_code, last=last, session=read_session(path))


def _why(report: Path) -> str:
    """What the session says of its end; empty where it says nothing."""
    try:
        session = read_session(report)
    except NoEvidence:
        return ""
    return f": {session.broke or session.ended}" if session.broke or session.ended else ""


def judge(data: bytes, *, exit_code: int, last: str = "", session: Session) -> Evidence:
    """Make evidence of a JUnit report, as the table above says; `last` is what pytest said last.

    Raises:
        NoEvidence: the report cannot be read, or contradicts the exit code, the session or itself.
    """
    try:
        report = junit.parse(data)
    except junit.NotJunit as exc:
        raise NoEvidence(f"pytest's report is no JUnit XML: {exc}") from exc
    evidence = _judge(report, data, exit_code=exit_code, last=last, session=session)
    if not session.left_out:
        return evidence
    counts = {**evidence.counts, "deselected": session.left_out}
    return replace(evidence, summary=f"{evidence.summary}; {session.left_out} deselected", counts=counts)


def _judge(report: Report, data: bytes, *, exit_code: int, last: str, session: Session) -> Evidence:
    uncollected = [case for case in report.having(CaseStatus.ERROR) if case.message == "collection failure"]
    bad = uncollected or report.having(CaseStatus.FAILED, CaseStatus.ERROR)
    if bad:
        return _evidence(Verdict.FAILED, report, data, f"{report.totals()}: {_first(bad)}")
    _refuse_unfinished(session, exit_code=exit_code, last=last)
    passed = report.having(CaseStatus.PASSED)
    if exit_code == 1:
        if not passed:
            raise NoEvidence(f"pytest exited with code 1, yet reported no failure{last}")
        return _evidence(Verdict.FAILED, report, data, f"{report.totals()}, yet pytest exited with code 1{last}")
    return _judge_good(report, data, passed=len(passed), exit_code=exit_code)


def _refuse_unfinished(session: Session, *, exit_code: int, last: str) -> None:
    """Raise `NoEvidence` where the session did not come to its end, with whatever exit code."""
    if session.ended:
        raise NoEvidence(f"pytest was ended early: {session.ended}", hint=_ENDED_HINT)
    if exit_code == 2:
        raise NoEvidence(f"pytest was interrupted{last}")
    if exit_code == 0 and session.ran and session.ran < session.collected:
        never = session.collected - session.ran
        raise NoEvidence(f"{never} of {counted(session.collected, 'test')} never ran, and pytest does not say why")


def _judge_good(report: Report, data: bytes, *, passed: int, exit_code: int) -> Evidence:
    claimed = report.claimed
    if claimed["tests"] == 0:
        return _evidence(Verdict.VACUOUS, report, data, "no test ran", hint=_VACUOUS_HINT)
    if passed == 0:
        return _evidence(Verdict.VACUOUS, report, data, f"no test passed: {report.totals()}", hint=_VACUOUS_HINT)
    if exit_code == 5:
        raise NoEvidence("pytest says that no test ran, its report has some that passed")
    if claimed["failures"] or claimed["errors"] or claimed["tests"] - claimed["skipped"] < passed:
        raise NoEvidence(f"pytest's report contradicts itself: it lists {passed} passed, its totals are {claimed}")
    return _evidence(Verdict.PASSED, report, data, report.totals())


def _evidence(verdict: Verdict, report: Report, data: bytes, summary: str, *, hint: str = "") -> Evidence:
    ran = bool(report.claimed["tests"])
    counts = report.counts() if ran else {**report.counts(), "tests": 0, "passed": 0}
    findings = tuple(_finding(case) for case in report.having(CaseStatus.FAILED, CaseStatus.ERROR))
    return Evidence(verdict, summary, counts, findings, data, hint)


def _first(cases: list[Case]) -> str:
    more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
    return _node_id(cases[0]) + more


def _node_id(case: Case) -> str:
    """What selects the test on pytest's command line: `tests/test_x.py::TestA::test_y`; the file if that is broken."""
    test = _test_in_file(case)
    return f"{case.file}::{test}" if case.file and test else case.file or test


def _test_in_file(case: Case) -> str:
    module = case.file.removesuffix(".py").replace("/", ".")
    if case.name == module and not case.classname:  # of the file itself; a test may be called like its module
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


HANDLER = GateHandler(("gate:unit", "gate:test"), Pytest(), PackageTests())
