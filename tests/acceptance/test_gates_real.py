"""The truth table of the gates, with the real ruff and the real pytest."""

import sys
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, Outcome
from nofx_cli.handlers.gates import lint, unit
from nofx_cli.handlers.gates.gate import GateHandler
from nofx_cli.testing import FakeContext
from tests.acceptance.gate_bench import evaluation, run_gate, stand_in, write
from tests.acceptance.real_processes import RealProcesses

pytestmark = pytest.mark.acceptance

GATES = {"gate:lint": lint.HANDLER, "gate:unit": unit.HANDLER}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path, processes=RealProcesses())


def run(ctx: FakeContext, tool: str, files: dict[str, str]) -> Outcome:
    write(ctx, files)
    return run_gate(ctx, GATES[tool], tool)


class TestLint:
    def test_clean_code_passes(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:lint", {"a.py": "x = 1\n", "sub/b.py": "y = 2\n", "pyproject.toml": ""}))
        assert (gate.verdict, gate.summary) == ("passed", "no findings in 2 files")
        assert gate.counts == {"files": 2, "findings": 0, "fixable": 0}
        assert gate.digest

    def test_a_finding_fails_also_where_the_project_says_to_mend_it(self, ctx: FakeContext) -> None:
        settings = "[tool.ruff]\nfix = true\nfix-only = true\n"
        gate = evaluation(run(ctx, "gate:lint", {"a.py": "import os\n", "b.py": "x = 1\n", "pyproject.toml": settings}))
        assert (gate.verdict, gate.summary) == ("failed", "1 finding in 2 files")
        assert gate.counts == {"files": 2, "findings": 1, "fixable": 1, "errors": 1, "warnings": 0, "notes": 0}
        assert "a.py:1:8 F401 `os` imported but unused" in ctx.logged
        assert (ctx.workspace / "a.py").read_text() == "import os\n"
        assert sorted(ctx.artifacts) == ["findings.json", "findings.sarif", "ruff.json"]

    def test_a_syntax_error_fails(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:lint", {"a.py": "def (\n", "b.py": "x = 1\n"}))
        assert gate.verdict == "failed"
        assert gate.counts["files"] == 2
        assert gate.counts["findings"] >= 1

    def test_an_empty_folder_is_vacuous(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:lint", {"pyproject.toml": "", "readme": "x"}))
        assert (gate.verdict, gate.counts) == ("vacuous", {"files": 0})

    def test_code_that_all_settings_exclude_is_vacuous(self, ctx: FakeContext) -> None:
        settings = '[tool.ruff]\nlint.exclude = ["a.py"]\n'
        gate = evaluation(run(ctx, "gate:lint", {"a.py": "import os\n", "pyproject.toml": settings}))
        assert (gate.verdict, gate.counts) == ("vacuous", {"files": 0})

    def test_settings_that_cannot_be_read_are_an_error(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:lint", {"a.py": "x = 1\n", "pyproject.toml": "[tool.ruff"}))
        assert gate.verdict == "errored"
        assert gate.summary.startswith("ruff exited with code 2: ")

    def test_the_projects_environment_is_not_linted(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:lint", {".venv/lib/x.py": "import os\n", "a.py": "x = 1\n"}))
        assert (gate.verdict, gate.counts["files"]) == ("passed", 1)


ONE = "def test_one(): pass\n"


class TestUnit:
    def test_tests_that_pass(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": ONE, "code.py": "x = 1\n"}))
        assert (gate.verdict, gate.summary) == ("passed", "1 test: 1 passed")
        assert gate.counts == {"tests": 1, "passed": 1, "failed": 0, "errors": 0, "skipped": 0}
        assert gate.digest

    def test_every_kind_of_result_is_counted(self, ctx: FakeContext) -> None:
        text = (
            "import pytest\n"
            "class TestA:\n"
            "    @pytest.mark.parametrize('x', ['a::b', 1])\n"
            "    def test_two(self, x): assert x == 1\n"
            "@pytest.mark.skip\ndef test_skip(): pass\n"
            "@pytest.fixture\ndef late():\n    yield\n    raise ValueError('late')\n"
            "def test_late(late): pass\n"
            "def test_both(late): assert 0\n"
        )
        gate = evaluation(run(ctx, "gate:unit", {"tests/test_a.py": text}))
        assert gate.verdict == "failed"
        assert gate.counts == {"tests": 5, "passed": 1, "failed": 1, "errors": 2, "skipped": 1}
        assert "tests/test_a.py::TestA::test_two[a::b]" in gate.summary
        assert "tests/test_a.py:3 TestA::test_two[a::b] AssertionError: assert 'a::b' == 1" in ctx.logged

    def test_a_file_that_cannot_be_imported_fails(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": ONE, "test_bad.py": "def (\n"}))
        assert (gate.verdict, gate.summary) == ("failed", "1 test: 1 error: test_bad.py")
        assert "test_bad.py collection SyntaxError: invalid syntax" in ctx.logged

    @pytest.mark.parametrize("text", ["", "import pytest\n@pytest.mark.skip\ndef test_a(): pass\n"])
    def test_no_test_that_ran_is_vacuous(self, ctx: FakeContext, text: str) -> None:
        assert evaluation(run(ctx, "gate:unit", {"test_a.py": text})).verdict == "vacuous"

    def test_a_test_that_ends_pytest_with_success_does_not_pass(self, ctx: FakeContext) -> None:
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": "import os\ndef test_one(): os._exit(0)\n"}))
        assert gate.verdict == "errored"
        assert gate.summary.startswith("pytest ended without writing its report")

    def test_a_project_that_turns_failure_into_success_does_not_pass(self, ctx: FakeContext) -> None:
        conftest = "def pytest_sessionfinish(session): session.exitstatus = 0\n"
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": "def test_one(): assert 0\n", "conftest.py": conftest}))
        assert gate.verdict == "failed"

    def test_a_floor_that_is_missed_fails_although_all_tests_pass(self, ctx: FakeContext) -> None:
        conftest = "def pytest_sessionfinish(session): session.exitstatus = 1\n"
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": ONE, "conftest.py": conftest}))
        assert gate.verdict == "failed"
        assert gate.summary.startswith("1 test: 1 passed, yet pytest exited with code 1")

    def test_a_pytest_that_is_killed_is_an_error(self, ctx: FakeContext) -> None:
        kill = "import os\ndef test_one(): os.kill(os.getpid(), 9)\n"
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": kill}))
        assert gate.verdict == "errored"
        assert gate.summary.startswith("pytest was ended by SIGKILL")

    def test_settings_of_the_project_cannot_move_the_report_or_select_the_last_failed(self, ctx: FakeContext) -> None:
        settings = '[tool.pytest.ini_options]\naddopts = "--junit-xml=mine.xml --last-failed --strict-config"\n'
        gate = evaluation(run(ctx, "gate:unit", {"test_a.py": ONE, "pyproject.toml": settings}))
        assert (gate.verdict, gate.counts["tests"]) == ("passed", 1)


@pytest.mark.parametrize("tool", GATES)
class TestEveryGate:
    def program(self, tool: str) -> str:
        return {"gate:lint": "ruff", "gate:unit": "pytest"}[tool]

    def test_a_missing_tool_is_an_error_with_its_remedy(
        self, ctx: FakeContext, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
        monkeypatch.setenv("PATH", str(tmp_path))
        outcome = run(ctx, tool, {"test_a.py": ONE})
        assert (evaluation(outcome).verdict, evaluation(outcome).summary) == (
            "errored",
            f"{self.program(tool)} is not installed",
        )
        assert isinstance(outcome, Failed)
        assert f"pip install {self.program(tool)}" in outcome.error.hint

    @pytest.mark.parametrize(
        ("script", "summary"),
        [
            ("echo all is well; exit 0", "ended without writing its report"),
            ("echo oh no >&2; exit 70", "exited with code 70: oh no"),
            ("kill -SEGV $$", "was ended by SIGSEGV"),
        ],
    )
    def test_a_tool_that_breaks_is_an_error_whatever_it_says(
        self, ctx: FakeContext, tool: str, script: str, summary: str
    ) -> None:
        stand_in(ctx, self.program(tool), script)
        gate = evaluation(run(ctx, tool, {"test_a.py": ONE}))
        assert gate.verdict == "errored"
        assert summary in gate.summary

    def test_a_tool_that_hangs_is_timed_out(self, ctx: FakeContext, tool: str) -> None:
        stand_in(ctx, self.program(tool), "exec sleep 60")
        ctx.processes = RealProcesses(time_limit_seconds=0.2)
        outcome = run(ctx, tool, {"test_a.py": ONE})
        assert evaluation(outcome).verdict == "timed_out"
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "timeout"
        assert outcome.retryable


@pytest.mark.parametrize("tool", GATES)
def test_what_nofx_keeps_in_the_workspace_is_not_examined(ctx: FakeContext, tool: str) -> None:
    kept = "local_data/runs/2026-11-22/20261122-091530-7k3f9q/artifacts/a/1/test_kept.py"
    clean = {"gate:lint": {"app.py": "x = 1\n"}, "gate:unit": {"test_app.py": "def test_it():\n    assert True\n"}}

    outcome = run(ctx, tool, {**clean[tool], kept: "import os\ndef test_kept():\n    assert False\n"})

    assert evaluation(outcome).verdict == "passed"
    assert 1 in evaluation(outcome).counts.values()


def test_the_table_covers_every_gate_handler() -> None:
    assert all(isinstance(handler, GateHandler) for handler in GATES.values())
