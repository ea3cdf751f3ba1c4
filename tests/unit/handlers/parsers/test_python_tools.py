"""What the tools of Python print: mypy, pytest, bandit, detect-secrets, ruff."""

from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.project import Parser
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.parsers.table import judge_of
from tests.unit.handlers.parsers.samples import BANDIT, BANDIT_RESULT, RUFF_ITEM, SECRET, SECRETS, as_json

WORKSPACE = Path("/w")
AS_JSON = (
    '{"file": "src/a.py", "line": 2, "column": 9, "message": "Bad type", "hint": null,'
    ' "code": "assignment", "severity": "error"}'
)


def judged(parser: Parser, data: bytes, exit_code: int = 0, last: str = "") -> Evidence:
    return judge_of(parser)(data, exit_code=exit_code, last=last, workspace=WORKSPACE)


class TestMypy:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("src/a.py:2: error: Bad type  [assignment]", "src/a.py:2 assignment Bad type"),
            ("src/a.py:2:10: error: Bad type  [assignment]", "src/a.py:2:10 assignment Bad type"),
            ("/w/src/a.py:2:10:2:12: error: Bad type  [assignment]", "src/a.py:2:10 assignment Bad type"),
            ("src/a.py: error: Source file found twice", "src/a.py mypy Source file found twice"),
            (AS_JSON, "src/a.py:2:10 assignment Bad type"),
        ],
    )
    def test_forms_of_a_message(self, line: str, told: str) -> None:
        evidence = judged(Parser.MYPY, f"{line}\nFound 1 error in 1 file (checked 3 source files)\n".encode(), 1)
        assert (evidence.verdict, [str(one) for one in evidence.findings]) == (Verdict.FAILED, [told])
        assert evidence.counts["files"] == 3

    def test_notes_are_told_and_do_not_fail(self) -> None:
        said = b'a.py:5: note: Revealed type is "int"\nSuccess: no issues found in 1 source file\n'
        evidence = judged(Parser.MYPY, said)
        assert (evidence.verdict, evidence.counts["notes"]) == (Verdict.PASSED, 1)

    def test_a_syntax_error_is_a_finding(self) -> None:
        said = b"b.py:1: error: Unexpected EOF  [syntax]\nFound 1 error in 1 file (errors prevented further checking)\n"
        evidence = judged(Parser.MYPY, said, 2)
        assert (evidence.verdict, evidence.findings[0].rule) == (Verdict.FAILED, "syntax")

    def test_no_python_file_is_vacuous(self) -> None:
        evidence = judged(Parser.MYPY, b"", 2, ": There are no .py[i] files in directory 'src'")
        assert (evidence.verdict, evidence.counts) == (Verdict.VACUOUS, {"files": 0})

    @pytest.mark.parametrize("said", [b"", b"\n"])
    def test_silence_does_not_say_how_much_was_examined(self, said: bytes) -> None:
        assert judged(Parser.MYPY, said).verdict is Verdict.VACUOUS

    @pytest.mark.parametrize(
        ("said", "exit_code"),
        [
            (b"Found 1 error in 1 file (checked 3 source files)\n", 0),
            (b"Found 1 error in 1 file (errors prevented further checking)\n", 2),
            (b"a.py:1: error: Bad  [x]\nSuccess: no issues found in 1 source file\n", 1),
            (b"Success: no issues found in 1 source file\n", 1),
            (b"hello\n", 0),
            (b"a.py:1: note: told\nSuccess: no issues found in 1 source file\n", 1),
        ],
    )
    def test_contradictions_are_no_evidence(self, said: bytes, exit_code: int) -> None:
        with pytest.raises(NoEvidence):
            judged(Parser.MYPY, said, exit_code)


class TestPytest:
    @pytest.mark.parametrize(
        "line",
        [
            "===== 3 passed, 1 skipped, 2 warnings in 65.10s (0:01:05) =====",
            "3 passed, 1 skipped in 0.01s",
            "\x1b[32m\x1b[1m3 passed\x1b[0m, \x1b[33m1 skipped\x1b[0m\x1b[32m in 0.01s\x1b[0m",
        ],
    )
    def test_the_line_of_totals_is_the_evidence(self, line: str) -> None:
        evidence = judged(Parser.PYTEST, f"...s\n{line}\n".encode())
        assert evidence.verdict is Verdict.PASSED
        assert evidence.counts == {"tests": 4, "passed": 3, "failed": 0, "errors": 0, "skipped": 1}

    def test_failures_are_named_by_the_short_summary(self) -> None:
        said = b"""\
FAILED tests/test_a.py::TestA::test_x[1-2] - assert 0 == 1
ERROR tests/test_b.py - ImportError: no module
ERROR tests/test_b.py - ImportError: no module
======= 1 failed, 3 passed, 1 error in 0.10s =======
"""
        evidence = judged(Parser.PYTEST, said, 1)
        assert evidence.verdict is Verdict.FAILED
        assert [str(one) for one in evidence.findings] == [
            "tests/test_a.py TestA::test_x[1-2] assert 0 == 1",
            "tests/test_b.py collection ImportError: no module",
        ]

    @pytest.mark.parametrize(("line", "exit_code"), [("no tests ran in 0.01s", 5), ("2 skipped in 0.01s", 0)])
    def test_no_test_that_passed_is_vacuous(self, line: str, exit_code: int) -> None:
        assert judged(Parser.PYTEST, line.encode(), exit_code).verdict is Verdict.VACUOUS

    @pytest.mark.parametrize(
        ("said", "exit_code"),
        [
            ("3 tests collected in 0.01s", 0),
            ("3 passed", 0),
            ("I say: 3 passed in 0.01s", 0),
            ("3 passed in 0.01s", 2),
            ("1 failed in 0.01s\n3 passed in 0.01s", 0),
            ("FAILED tests/test_a.py::test_x - no\n3 passed in 0.01s", 0),
            ("no tests ran in 0.01s", 4),
        ],
    )
    def test_what_cannot_be_believed_is_no_evidence(self, said: str, exit_code: int) -> None:
        with pytest.raises(NoEvidence):
            judged(Parser.PYTEST, said.encode(), exit_code)


class TestBandit:
    def test_severities_and_places(self) -> None:
        results = [{**BANDIT_RESULT, "issue_severity": level} for level in ("HIGH", "MEDIUM", "LOW")]
        evidence = judged(Parser.BANDIT_JSON, as_json({**BANDIT, "results": results}), 1)
        assert [one.severity for one in evidence.findings] == ["error", "warning", "note"]
        assert str(evidence.findings[0]) == "src/a.py:2:1 B602 shell=True"

    def test_what_looks_like_a_password_is_not_repeated(self) -> None:
        result = {**BANDIT_RESULT, "test_id": "B105", "issue_text": "Possible hardcoded password: 'hunter2'"}
        evidence = judged(Parser.BANDIT_JSON, as_json({**BANDIT, "results": [result]}), 1)
        assert evidence.findings[0].message == "Possible hardcoded password"

    def test_files_that_it_could_not_parse_are_no_pass(self) -> None:
        broken = {**BANDIT, "errors": [{"filename": "./b.py", "reason": "syntax error while parsing AST from file"}]}
        with pytest.raises(NoEvidence, match=r"bandit could not examine b\.py: syntax error"):
            judged(Parser.BANDIT_JSON, as_json(broken))
        evidence = judged(Parser.BANDIT_JSON, as_json({**broken, "results": [BANDIT_RESULT]}), 1)
        assert (evidence.verdict, evidence.counts["unreadable"]) == (Verdict.FAILED, 1)

    def test_everything_left_out_is_vacuous(self) -> None:
        evidence = judged(Parser.BANDIT_JSON, as_json({**BANDIT, "metrics": {"_totals": {"loc": 0}}}))
        assert (evidence.verdict, evidence.counts["files"]) == (Verdict.VACUOUS, 0)


class TestDetectSecrets:
    def test_exit_code_0_with_secrets_fails(self) -> None:
        evidence = judged(Parser.DETECT_SECRETS, as_json({**SECRETS, "results": {"./s.py": [SECRET]}}))
        assert evidence.verdict is Verdict.FAILED
        assert str(evidence.findings[0]) == "s.py:3 aws-access-key AWS Access Key in the file"

    def test_what_a_person_called_no_secret_is_none(self) -> None:
        audited = {**SECRETS, "results": {"s.py": [{**SECRET, "is_secret": False}]}}
        evidence = judged(Parser.DETECT_SECRETS, as_json(audited))
        assert (evidence.findings, evidence.counts["accepted"]) == ((), 1)

    def test_without_a_detector_nothing_was_looked_for(self) -> None:
        with pytest.raises(NoEvidence, match="had no detector"):
            judged(Parser.DETECT_SECRETS, as_json({**SECRETS, "plugins_used": []}))


class TestRuff:
    def test_a_file_that_does_not_parse_is_a_finding(self) -> None:
        old = {**RUFF_ITEM, "code": None, "severity": None, "location": None}
        evidence = judged(Parser.RUFF_JSON, as_json([old]), 1)
        assert str(evidence.findings[0]) == "src/a.py invalid-syntax `os` imported but unused"

    def test_a_file_that_could_not_be_read_is_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match=r"ruff could not read src/a\.py"):
            judged(Parser.RUFF_JSON, as_json([{**RUFF_ITEM, "code": "E902"}]), 1)


class TestExitCode:
    def test_a_pass_says_that_nothing_else_was_looked_at(self) -> None:
        evidence = judged(Parser.EXIT_CODE, b"")
        assert (evidence.verdict, evidence.counts) == (Verdict.PASSED, {"commands": 1})
        assert evidence.summary == "the command exited with code 0; nothing else was looked at"

    def test_another_exit_code_fails_with_the_last_words(self) -> None:
        evidence = judged(Parser.EXIT_CODE, b"", 3, ": no licence header in a.py")
        assert (evidence.verdict, evidence.summary) == (
            Verdict.FAILED,
            "the command exited with code 3: no licence header in a.py",
        )

    @pytest.mark.parametrize(
        ("exit_code", "told"),
        [(126, "could not be executed"), (127, "was not found"), (137, "was ended by SIGKILL"), (143, "SIGTERM")],
    )
    def test_what_a_shell_says_of_a_program_that_did_not_run_is_no_failure(self, exit_code: int, told: str) -> None:
        with pytest.raises(NoEvidence, match=told):
            judged(Parser.EXIT_CODE, b"", exit_code)
