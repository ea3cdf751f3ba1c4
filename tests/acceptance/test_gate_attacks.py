"""Projects that would let a gate pass by doing nothing, with the real programs; and ordinary ones that must pass."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, GateEvaluation
from nofx_cli.handlers.gates import coverage, lint, sast, secrets, typecheck, unit
from nofx_cli.handlers.gates import format as formatting
from nofx_cli.handlers.gates.gate import GateHandler
from nofx_cli.testing import FakeContext
from tests.acceptance.gate_bench import evaluation, run_gate, write
from tests.acceptance.real_processes import RealProcesses
from tests.node_tools import link_into

pytestmark = pytest.mark.acceptance

ONE, BAD = "def test_one(): pass\n", "def test_bad(): assert False\n"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path, processes=RealProcesses())


def gate_of(ctx: FakeContext, handler: GateHandler, tool: str, files: Mapping[str, str | bytes]) -> GateEvaluation:
    write(ctx, files)
    return evaluation(run_gate(ctx, handler, tool))


def options(text: str) -> str:
    return f"[tool.pytest.ini_options]\naddopts = {json.dumps(text)}\n"


class TestUnit:
    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        return gate_of(ctx, unit.HANDLER, "gate:unit", files)

    @pytest.mark.parametrize("code", [0, 1, 5])
    def test_a_session_that_is_ended_early_does_not_pass(self, ctx: FakeContext, code: int) -> None:
        hook = f"import pytest\ndef pytest_runtest_teardown(item):\n    pytest.exit('no database', returncode={code})\n"
        found = self.gate(ctx, {"conftest.py": hook, "test_a.py": ONE, "test_b.py": BAD})
        assert (found.verdict, found.summary) == ("errored", "pytest was ended early: Exit: no database")

    def test_tests_that_a_hook_swallows_do_not_pass(self, ctx: FakeContext) -> None:
        hook = "def pytest_runtest_protocol(item):\n    return True if item.name == 'test_bad' else None\n"
        found = self.gate(ctx, {"conftest.py": hook, "test_a.py": ONE, "test_b.py": BAD})
        assert (found.verdict, found.summary.partition(",")[0]) == ("errored", "1 of 2 tests never ran")

    def test_tests_that_are_taken_out_are_told(self, ctx: FakeContext) -> None:
        hook = "def pytest_collection_modifyitems(items):\n    del items[1:]\n"
        found = self.gate(ctx, {"conftest.py": hook, "test_a.py": ONE, "test_b.py": BAD})
        assert (found.summary, found.counts["deselected"]) == ("1 test: 1 passed; 1 deselected", 1)

    @pytest.mark.parametrize("option", ["--trace", "--pdb"])
    def test_no_test_is_quit_in_a_debugger_that_nobody_sees(self, ctx: FakeContext, option: str) -> None:
        found = self.gate(ctx, {"pyproject.toml": options(option), "test_a.py": BAD, "test_b.py": ONE})
        assert (found.verdict, found.counts["tests"], found.counts["failed"]) == ("failed", 2, 1)

    def test_what_failed_before_an_interrupt_failed(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"pyproject.toml": options("--stepwise"), "test_a.py": BAD, "test_b.py": ONE})
        assert (found.verdict, found.summary) == ("failed", "1 test: 1 failed: test_a.py::test_bad")

    def test_a_module_that_ends_pytest_is_told(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"test_a.py": "import sys\nsys.exit(0)\n"})
        assert (found.verdict, found.summary) == ("errored", "pytest exited with code 3: SystemExit: 0")

    def test_a_path_that_is_not_there_is_told(self, ctx: FakeContext) -> None:
        ctx.inputs = {"paths": ["nix"]}
        assert "not found: nix" in self.gate(ctx, {"test_a.py": ONE}).summary

    def test_workers_of_xdist_are_witnesses_too(self, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = options("-p xdist -n 2 -k 'not bad'")
        found = self.gate(ctx, {"pyproject.toml": settings, "test_a.py": ONE, "test_b.py": BAD})
        assert (found.verdict, found.summary) == ("passed", "1 test: 1 passed; 1 deselected")

    def test_the_python_path_of_the_step_still_holds(self, ctx: FakeContext) -> None:
        program = ctx.workspace / ".venv/bin/pytest"
        write(ctx, {".venv/bin/pytest": f'#!/bin/sh\nexec {sys.executable} -m pytest "$@"\n', "lib/own.py": "X = 1\n"})
        program.chmod(0o755)
        processes = RealProcesses()
        ctx.processes = lambda call: processes(  # as where a policy lets the variable through
            type(call)(call.argv, call.cwd, {**call.env, "PYTHONPATH": "lib"}, None, 0)
        )
        assert self.gate(ctx, {"test_a.py": "import own\n" + ONE}).verdict == "passed"


class TestLint:
    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        return gate_of(ctx, lint.HANDLER, "gate:lint", files)

    @pytest.mark.parametrize("settings", ["exclude = ['*.py']", "lint.exclude = ['*.py']"])
    @pytest.mark.parametrize("file", ["ruff.toml", ".ruff.toml"])
    def test_settings_alone_are_nothing_to_lint(self, ctx: FakeContext, settings: str, file: str) -> None:
        found = self.gate(ctx, {file: settings, "a.py": "import os\n"})
        assert (found.verdict, found.counts) == ("vacuous", {"files": 0})

    def test_a_folder_for_which_no_rule_is_selected_is_not_examined(self, ctx: FakeContext) -> None:
        files = {"pyproject.toml": "", "sub/ruff.toml": "lint.select = []\n", "sub/b.py": "import os\n"}
        assert self.gate(ctx, files).verdict == "vacuous"
        found = self.gate(ctx, {"a.py": "x = 1\n", "sub/deep/c.py": "import os\n"})
        assert (found.verdict, found.counts["files"]) == ("passed", 1)
        assert found.summary == "no findings in 1 file; no rule is selected for 2 files more"

    def test_a_file_that_ruff_cannot_read_is_told_with_the_reason(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"a.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "b.py": "x = 1\n"})
        assert found.verdict == "errored"
        assert found.summary == "ruff could not read a.py: stream did not contain valid UTF-8"


class TestFormat:
    def test_a_formatter_that_is_to_leave_all_out_examined_nothing(self, ctx: FakeContext) -> None:
        files = {"ruff.toml": "format.exclude = ['*.py']\n", "a.py": "x=1\n"}
        assert gate_of(ctx, formatting.HANDLER, "gate:format", files).verdict == "vacuous"


WRONG = {"a.py": "def f() -> int:\n    return 'x'\n", "b.py": "x: int = 1\n"}
ALL = "[tool.mypy]\nignore_errors = true\n"


class TestTypecheck:
    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        return gate_of(ctx, typecheck.HANDLER, "gate:typecheck", files)

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("mypy.ini", "[mypy]\nignore_errors = True\n"),
            (".mypy.ini", "[mypy]\nignore_errors = yes\n"),
            ("setup.cfg", "[mypy]\nignore_errors = 1\n[mypy-x.*]\nignore_errors = true\n"),
            ("pyproject.toml", ALL),
        ],
    )
    def test_settings_that_ignore_every_error_leave_nothing_to_examine(
        self, ctx: FakeContext, file: str, text: str
    ) -> None:
        found = self.gate(ctx, {**WRONG, file: text})
        assert (found.verdict, found.summary) == ("vacuous", "mypy is told to ignore every error (`ignore_errors`)")

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("mypy.ini", "[mypy]\nignore_errors = True\n[mypy-b]\nignore_errors = False\n"),
            ("pyproject.toml", f"{ALL}[[tool.mypy.overrides]]\nmodule = 'b'\nignore_errors = false\n"),
        ],
    )
    def test_a_project_that_goes_over_to_types_step_by_step_passes(
        self, ctx: FakeContext, file: str, text: str
    ) -> None:
        assert self.gate(ctx, {**WRONG, file: text}).verdict == "passed"

    @pytest.mark.parametrize(
        ("file", "text"),
        [("mypy.ini", "strict = true\n"), ("setup.cfg", "[mypy]\noops\n"), ("pyproject.toml", "[tool.mypy\n")],
    )
    def test_settings_that_cannot_be_read_are_not_passed_over(self, ctx: FakeContext, file: str, text: str) -> None:
        found = self.gate(ctx, {"b.py": "x: int = 1\n", file: text})
        assert found.verdict == "errored"
        assert found.summary.startswith(f"mypy could not read its settings: {file}: ")

    def test_an_option_that_does_not_hold_is_told(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"b.py": "x: int = 1\n", "mypy.ini": "[mypy]\nstrictt = true\n"})
        assert found.verdict == "passed"
        assert found.summary.endswith("; mypy warns: mypy.ini: [mypy]: Unrecognized option: strictt = true")

    def test_settings_for_single_modules_need_no_section_for_all(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"b.py": "x: int = 1\n", "mypy.ini": "[mypy-b]\nignore_errors = true\n"})
        assert found.verdict == "passed"

    def test_a_file_that_mypy_cannot_read_is_told(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"a.py": b"x = '\xe9'\n", "b.py": "x: int = 1\n"})
        assert found.verdict == "errored"
        assert found.summary.startswith("mypy could not check: a.py: error: Cannot decode file")

    def test_what_mypy_stumbles_over_comes_with_its_remedy(self, ctx: FakeContext) -> None:
        write(ctx, {"one/x.py": "", "two/x.py": ""})
        outcome = run_gate(ctx, typecheck.HANDLER, "gate:typecheck")
        assert isinstance(outcome, Failed)
        assert outcome.error.hint == "tell mypy what to check: `paths`, or `files` or `exclude` in its settings"


class TestSast:
    SHELL = "import subprocess\nsubprocess.call('ls', shell=True)\n"

    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        return gate_of(ctx, sast.HANDLER, "gate:sast", files)

    def test_asserts_in_tests_are_what_tests_are_made_of(self, ctx: FakeContext) -> None:
        files = {"tests/test_a.py": "assert True\n", "test_b.py": "assert True\n", "tests/deep/x.py": "assert 1\n"}
        assert self.gate(ctx, files).verdict == "passed"
        assert self.gate(ctx, {"a.py": "assert True\n"}).counts["findings"] == 1

    @pytest.mark.parametrize("settings", ["pyproject.toml", ".bandit"])
    def test_a_project_with_settings_says_itself_what_is_reported(self, ctx: FakeContext, settings: str) -> None:
        text = "[tool.bandit]\n" if settings == "pyproject.toml" else "[bandit]\n"
        assert self.gate(ctx, {settings: text, "test_a.py": "assert True\n"}).counts["findings"] == 1

    def test_settings_that_cannot_be_read_are_not_passed_over(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"pyproject.toml": "[tool.bandit\n", "a.py": "x = 1\n"})
        assert found.verdict == "errored"
        assert found.summary.startswith("pyproject.toml, which may have settings of bandit, is no TOML: ")

    def test_an_environment_is_none_of_the_projects_code_whatever_its_name(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"env/pyvenv.cfg": "", "env/lib/x.py": self.SHELL, "a.py": "x = 1\n"})
        assert (found.verdict, found.counts["files"]) == ("passed", 1)

    def test_a_bandit_that_breaks_is_told_by_its_last_words(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {".bandit": "[bandit]\nlevel: 3\n", "a.py": self.SHELL})
        assert found.verdict == "errored"
        assert "and an empty report: TypeError" in found.summary


FLOOR = "[tool.coverage.report]\nfail_under = 80\n[tool.pytest.ini_options]\npythonpath = ['src', '.']\n"


class TestCoverage:
    FILES: Mapping[str, str] = {
        "pyproject.toml": FLOOR,
        "m.py": "def f(): return 1\n",
        "tests/test_m.py": "import m\ndef test_f(): assert m.f() == 1\n",
    }

    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        return gate_of(ctx, coverage.HANDLER, "gate:coverage", {**self.FILES, **files})

    def test_clean_code_passes(self, ctx: FakeContext) -> None:
        assert self.gate(ctx, {}).verdict == "passed"

    @pytest.mark.parametrize(
        "files",
        [
            {"src/shop/__init__.py": "", "src/shop/never.py": "x = 1\n" * 20},
            {"services/a/shop/__init__.py": "", "services/a/shop/never.py": "x = 1\n" * 20},
            {"src/shop/deep/never.py": "x = 1\n" * 20},
        ],
    )
    def test_a_module_that_no_test_touches_counts_where_packages_lie_deeper(
        self, ctx: FakeContext, files: Mapping[str, str]
    ) -> None:
        found = self.gate(ctx, files)
        assert (found.verdict, found.counts["findings"]) == ("failed", 1)

    def test_a_file_that_does_not_parse_is_a_finding(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"broken.py": "def (\n"})
        assert (found.verdict, found.counts["findings"]) == ("failed", 1)
        assert found.summary.endswith("; broken.py cannot be parsed")

    def test_the_environment_does_not_say_what_is_measured(self, ctx: FakeContext) -> None:
        processes = RealProcesses()
        ctx.processes = lambda call: processes(
            type(call)(call.argv, call.cwd, {"COVERAGE_RCFILE": "rc", **call.env}, None, 0)
        )
        assert self.gate(ctx, {"rc": "[run]\nomit = *\n"}).counts["files"] == 2

    @pytest.mark.parametrize(
        "settings", ["[tool.coverage.run]\nomit = ['*']\n", "[tool.pytest]\naddopts = ['--no-cov']\n"]
    )
    def test_where_nothing_is_measured_the_remedy_is_told(self, ctx: FakeContext, settings: str) -> None:
        floor = FLOOR.partition("[tool.pytest")[0]
        write(ctx, {**self.FILES, "pyproject.toml": floor + settings, "conftest.py": ""})
        outcome = run_gate(ctx, coverage.HANDLER, "gate:coverage")
        assert evaluation(outcome).verdict == "errored"
        assert isinstance(outcome, Failed)
        assert "`omit`" in outcome.error.hint


AWS = "AKIA" + "Z7Q3EGRJMOX2WPLT"  # invented, and put together only here


def baseline(plugins: str = '{"name": "AWSKeyDetector"}', filters: str = "") -> str:
    return f'{{"version": "1.5.0", "plugins_used": [{plugins}], "filters_used": [{filters}], "results": {{}}}}'


class TestSecrets:
    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        return gate_of(ctx, secrets.HANDLER, "gate:secrets", files)

    @pytest.mark.parametrize("kind", ["should_exclude_line", "should_exclude_secret"])
    def test_filters_that_hide_every_secret_leave_nothing_to_find(self, ctx: FakeContext, kind: str) -> None:
        hiding = f'{{"path": "detect_secrets.filters.regex.{kind}", "pattern": [".*"]}}'
        found = self.gate(ctx, {"a.py": f"A = '{AWS}'\n", ".secrets.baseline": baseline(filters=hiding)})
        assert (found.verdict, found.summary.partition(":")[2]) == ("vacuous", " its settings hide every secret")

    def test_options_that_hide_every_secret_do_so_too(self, ctx: FakeContext) -> None:
        ctx.inputs = {"args": ["--exclude-lines", "."]}
        assert self.gate(ctx, {"a.py": f"A = '{AWS}'\n"}).verdict == "vacuous"

    @pytest.mark.parametrize("plugin", ["AWSKeyDetector", "SlackDetector", "HexHighEntropyString", "KeywordDetector",
                                        "Base64HighEntropyString", "BasicAuthDetector", "StripeDetector",
                                        "PrivateKeyDetector", "GitHubTokenDetector", "NpmDetector"])  # fmt: skip
    def test_one_detector_is_few_but_some(self, ctx: FakeContext, plugin: str) -> None:
        limit = {"HexHighEntropyString": ', "limit": 3.0', "Base64HighEntropyString": ', "limit": 4.5'}
        text = baseline(f'{{"name": "{plugin}"{limit.get(plugin, "")}}}')
        found = self.gate(ctx, {"a.py": "x = 1\n", ".secrets.baseline": text})
        assert (found.verdict, found.counts["detectors"], found.counts["findings"]) == ("passed", 1, 0)

    def test_the_samples_are_in_no_report(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"a.py": f"A = '{AWS}'\n"})
        assert (found.verdict, found.counts["findings"]) == ("failed", 1)
        assert not any(b"nofx-samples" in ctx.artifacts[name] for name in ctx.artifacts)

    def test_what_was_not_looked_into_is_told(self, ctx: FakeContext) -> None:
        files: dict[str, str | bytes] = {
            "a.ini": f"# \xe9\nkey = {AWS}\n".encode("latin-1"),
            "b.txt": f"key {AWS}\n".encode("utf-16"),
            "c.data": bytes(range(256)),
            "d.png": bytes(range(256)),
            "package-lock.json": f"{AWS}\n",
            "ok.py": "x = 1\n",
        }
        found = self.gate(ctx, files)
        assert found.verdict == "passed"
        assert found.summary.endswith(
            "; not looked into, because it is not in UTF-8: a.ini and 1 more; 2 files left out by filters"
        )
        assert (found.counts["files"], found.counts["unread"], found.counts["left_out"]) == (1, 2, 2)

    def test_files_count_whatever_their_names(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"new\nline.py": "x = 1\n", "-x.py": "x = 1\n", "[a]*.py": "", "\udcff.py": ""})
        assert (found.verdict, found.counts["files"], found.counts["left_out"]) == ("passed", 4, 0)


class TestNode:
    ONE = 'const { test } = require("node:test");\ntest("one", () => {});\n'

    def gate(self, ctx: FakeContext, script: str, files: Mapping[str, str | bytes]) -> GateEvaluation:
        package = {"package.json": json.dumps({"scripts": {"test": script}})}
        return gate_of(ctx, unit.HANDLER, "gate:unit", {**package, "a.test.js": self.ONE, **files})

    def test_a_file_that_ends_before_its_tests_fails(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, "node --test", {"b.test.js": "process.exit(0);\n" + self.ONE})
        assert (found.verdict, found.summary) == ("failed", "2 tests: 1 passed, 1 error: b.test.js: collection")

    def test_a_file_without_tests_is_no_test(self, ctx: FakeContext) -> None:
        text = 'const { test } = require("node:test");\nexports.check = () => {\n  test("x", () => {});\n};\n'
        found = self.gate(ctx, "node --test", {"test/prepared.js": text})
        assert (found.verdict, found.counts["tests"]) == ("passed", 1)

    @pytest.mark.parametrize("options", ["=tap", " spec", "=tap --test-reporter-destination=stdout"])
    def test_a_script_may_have_a_reporter_of_its_own(self, ctx: FakeContext, options: str) -> None:
        assert self.gate(ctx, f"node --test --test-reporter{options}", {}).verdict == "passed"

    def test_options_that_take_the_report_away_are_told(self, ctx: FakeContext) -> None:
        write(ctx, {"package.json": '{"scripts": {"test": "NODE_OPTIONS=--no-warnings node --test"}}'})
        write(ctx, {"a.test.js": self.ONE})
        outcome = run_gate(ctx, unit.HANDLER, "gate:unit")
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.hint.partition(" sets ")[2]) == (
            "gate-errored",
            "itself: write them behind `node`",
        )


class TestTsc:
    WRONG = "export const a: number = 'x';\n"

    def gate(self, ctx: FakeContext, files: Mapping[str, str | bytes]) -> GateEvaluation:
        link_into(ctx.workspace)
        return gate_of(ctx, typecheck.HANDLER, "gate:typecheck", {"package.json": "{}", **files})

    def test_settings_cannot_switch_the_check_off(self, ctx: FakeContext) -> None:
        found = self.gate(ctx, {"tsconfig.json": '{"compilerOptions": {"noCheck": true}}', "a.ts": self.WRONG})
        assert (found.verdict, found.counts["findings"]) == ("failed", 1)

    def test_projects_beside_it_are_checked_too(self, ctx: FakeContext) -> None:
        settings = {"tsconfig.json": '{"include": ["a.ts"], "references": [{"path": "p"}]}',
                    "p/tsconfig.json": '{"compilerOptions": {"composite": true}}'}  # fmt: skip
        found = self.gate(ctx, {**settings, "a.ts": "export const a = 1;\n", "p/b.ts": self.WRONG})
        assert (found.verdict, found.counts["files"]) == ("failed", 2)
