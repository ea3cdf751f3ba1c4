"""`gate:unit`: pytest's JUnit report, held against its exit code."""

import json
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, Succeeded, Verdict
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.pytest_session import Session
from nofx_cli.handlers.gates.unit import HANDLER, judge
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result

WHOLE = Session()
PASSED = ""
FAILED = '<failure message="assert 1 == 2&#10; +  where">...</failure>'
ERROR = '<error message="failed on setup">...</error>'
SKIPPED = '<skipped message="no db"/>'
COLLECTION = (
    '<testcase classname="" name="tests.test_bad" file="tests/test_bad.py">'
    '<error message="collection failure">tests/x\nE     File "x"\nE   SyntaxError: invalid syntax</error></testcase>'
)


def junit(*inner: str, extra: str = "", tests: int | None = None) -> bytes:
    cases = "".join(
        f'<testcase classname="tests.test_x.TestA" name="test_{n}" file="tests/test_x.py" line="{n}">{body}</testcase>'
        for n, body in enumerate(inner)
    )
    totals = {name: sum(f"<{tag}" in body for body in (*inner, extra)) for name, tag in _TAGS.items()}
    totals["tests"] = len(inner) + bool(extra) if tests is None else tests
    attributes = " ".join(f'{name}="{number}"' for name, number in totals.items())
    return f"<testsuites><testsuite {attributes}>{cases}{extra}</testsuite></testsuites>".encode()


_TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@pytest.mark.parametrize(
    ("report", "exit_code", "verdict", "summary"),
    [
        (junit(PASSED, PASSED), 0, Verdict.PASSED, "2 tests: 2 passed"),
        (junit(PASSED, SKIPPED), 0, Verdict.PASSED, "2 tests: 1 passed, 1 skipped"),
        (
            junit(PASSED, FAILED, ERROR),
            1,
            Verdict.FAILED,
            "3 tests: 1 passed, 1 failed, 1 error: tests/test_x.py::TestA::test_1 and 1 more",
        ),
        (junit(FAILED), 0, Verdict.FAILED, "1 test: 1 failed: tests/test_x.py::TestA::test_0"),
        (junit(FAILED), 5, Verdict.FAILED, "1 test: 1 failed: tests/test_x.py::TestA::test_0"),
        (junit(PASSED, FAILED), 2, Verdict.FAILED, "2 tests: 1 passed, 1 failed: tests/test_x.py::TestA::test_1"),
        (junit(extra=COLLECTION), 2, Verdict.FAILED, "1 test: 1 error: tests/test_bad.py"),
        (junit(PASSED, FAILED, extra=COLLECTION), 1, Verdict.FAILED, None),
        (
            junit(PASSED),
            1,
            Verdict.FAILED,
            "1 test: 1 passed, yet pytest exited with code 1: FAIL Required test coverage of 90% not reached",
        ),
        (junit(), 5, Verdict.VACUOUS, "no test ran"),
        (junit(), 0, Verdict.VACUOUS, "no test ran"),
        (junit(PASSED, PASSED, tests=0), 0, Verdict.VACUOUS, "no test ran"),
        (junit(SKIPPED, SKIPPED), 0, Verdict.VACUOUS, "no test passed: 2 tests: 2 skipped"),
    ],
)
def test_the_verdict_of_a_report(report: bytes, exit_code: int, verdict: Verdict, summary: str | None) -> None:
    last = ": FAIL Required test coverage of 90% not reached"
    evidence = judge(report, exit_code=exit_code, last=last, session=WHOLE)
    assert evidence.verdict is verdict
    assert summary is None or evidence.summary == summary
    assert evidence.report == report


@pytest.mark.parametrize(
    ("report", "exit_code", "told"),
    [
        (b"", 0, "pytest's report is no JUnit XML"),
        (junit(PASSED)[:-5], 0, "pytest's report is no JUnit XML"),
        (junit(PASSED), 2, "pytest was interrupted"),
        (junit(), 1, "pytest exited with code 1, yet reported no failure"),
        (junit(SKIPPED), 1, "pytest exited with code 1, yet reported no failure"),
        (junit(PASSED), 5, "pytest says that no test ran"),
        (junit(PASSED, PASSED, tests=1), 0, "pytest's report contradicts itself: it lists 2 passed"),
    ],
)
def test_what_cannot_be_believed_is_no_evidence(report: bytes, exit_code: int, told: str) -> None:
    with pytest.raises(NoEvidence, match=told) as caught:
        judge(report, exit_code=exit_code, session=WHOLE)
    assert caught.value.evidence.verdict is Verdict.ERRORED


@pytest.mark.parametrize(
    ("session", "exit_code", "told"),
    [
        (Session(2, 1, ended="Exit: no database"), 0, "pytest was ended early: Exit: no database"),
        (Session(2, 1, ended="Exit: no database"), 2, "pytest was ended early: Exit: no database"),
        (Session(3, 1), 0, "2 of 3 tests never ran"),
    ],
)
def test_a_session_that_did_not_come_to_its_end_is_no_pass(session: Session, exit_code: int, told: str) -> None:
    with pytest.raises(NoEvidence, match=told):
        judge(junit(PASSED), exit_code=exit_code, session=session)
    assert judge(junit(FAILED), exit_code=exit_code, session=session).verdict is Verdict.FAILED


def test_what_was_left_out_is_told() -> None:
    evidence = judge(junit(PASSED), exit_code=0, session=Session(1, 1, left_out=4))
    assert (evidence.summary, evidence.counts["deselected"]) == ("1 test: 1 passed; 4 deselected", 4)


def test_counts_are_of_the_test_cases() -> None:
    evidence = judge(junit(PASSED, FAILED, ERROR, SKIPPED, PASSED), exit_code=1, session=WHOLE)
    assert evidence.counts == {"tests": 5, "passed": 2, "failed": 1, "errors": 1, "skipped": 1}
    assert judge(junit(PASSED, tests=0), exit_code=0, session=WHOLE).counts == {
        "tests": 0,
        "passed": 0,
        "failed": 0,
        "errors": 0,
        "skipped": 0,
    }


def test_findings_name_the_test_and_the_first_line_of_its_error() -> None:
    evidence = judge(junit(PASSED, FAILED, extra=COLLECTION), exit_code=1, session=WHOLE)
    assert evidence.findings == (
        Finding("tests/test_x.py", 2, 0, "TestA::test_1", "error", "assert 1 == 2"),
        Finding("tests/test_bad.py", 0, 0, "collection", "error", "SyntaxError: invalid syntax"),
    )


def test_a_test_may_be_called_like_its_module() -> None:
    case = f'<testcase classname="test_greet" name="test_greet" file="test_greet.py" line="3">{FAILED}</testcase>'
    evidence = judge(junit(PASSED, extra=case), exit_code=1, session=WHOLE)
    assert evidence.findings == (Finding("test_greet.py", 4, 0, "test_greet", "error", "assert 1 == 2"),)
    assert "test_greet.py::test_greet" in evidence.summary


class FakePytest:
    def __init__(self, exit_code: int, report: bytes, last_line: str = "") -> None:
        self.exit_code, self.report, self.last_line = exit_code, report, last_line
        self.session: dict[str, object] = {"collected": 1, "ran": 1, "left_out": 0, "ended": "", "broke": ""}

    def __call__(self, call: ProcessCall) -> ProcessResult:
        if self.report:
            path = next(arg.removeprefix("--junit-xml=") for arg in call.argv if arg.startswith("--junit-xml="))
            Path(path).write_bytes(self.report)
            Path(f"{path}.session").write_text(json.dumps(self.session))
        return process_result(self.exit_code, last_line=self.last_line)


class TestRun:
    @pytest.fixture(autouse=True)
    def pytest_program(self, tmp_path: Path) -> Path:
        program = tmp_path / "workspace/.venv/bin/pytest"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        return program

    def test_pytest_leaves_nothing_in_the_workspace(self, tmp_path: Path, pytest_program: Path) -> None:
        ctx = FakeContext(tmp_path, {"args": ["-k", "x"], "paths": ["tests"]}, processes=FakePytest(0, junit(PASSED)))
        assert isinstance(HANDLER.run(ctx), Succeeded)
        assert ctx.calls[0].argv[:3] == ("/bin/sh", "-c", 'PYTHONPATH="$0${PYTHONPATH:+:$PYTHONPATH}" exec "$@"')
        assert ctx.calls[0].argv[4:] == (
            *(str(pytest_program), "-k", "x", "-o", f"cache_dir={ctx.scratch}/pytest/pytest-cache"),
            *("-o", "junit_family=xunit1", "-o", "junit_logging=no", f"--junit-xml={ctx.scratch}/pytest/junit.xml"),
            *(f"--ignore={ctx.store}", "-p", "nofx_witness", "--", "tests"),
        )
        assert ctx.calls[0].env == {"PYTHONDONTWRITEBYTECODE": "1"}
        assert sorted(ctx.artifacts) == ["junit.xml"]

    @pytest.mark.parametrize("exit_code", [3, 4, 120])
    def test_a_crash_tells_pytests_last_words(self, tmp_path: Path, exit_code: int) -> None:
        fake = FakePytest(exit_code, junit(PASSED), "ERROR: usage")
        outcome = HANDLER.run(FakeContext(tmp_path, processes=fake))
        assert isinstance(outcome, Failed)
        assert outcome.error.message == f"pytest exited with code {exit_code}: ERROR: usage"
        assert outcome.retryable

    def test_a_pytest_that_broke_is_told_by_its_error(self, tmp_path: Path) -> None:
        fake = FakePytest(3, junit(), "no tests ran in 0.03s")
        fake.session["broke"] = "SystemExit: 0"
        outcome = HANDLER.run(FakeContext(tmp_path, processes=fake))
        assert isinstance(outcome, Failed)
        assert outcome.error.message == "pytest exited with code 3: SystemExit: 0"

    def test_an_exit_without_a_report_is_no_pass(self, tmp_path: Path) -> None:
        outcome = HANDLER.run(FakeContext(tmp_path, processes=FakePytest(0, b"")))
        assert isinstance(outcome, Failed)
        assert outcome.gate is not None
        assert outcome.gate.verdict is Verdict.ERRORED

    def test_options_that_would_spoil_the_evidence_are_refused(self) -> None:
        for option in ("--junit-xml=x", "--collect-only", "--co", "--setup-plan"):
            assert HANDLER.check({"args": [option]}) != []
