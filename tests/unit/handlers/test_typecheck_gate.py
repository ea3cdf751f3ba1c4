"""`gate:typecheck`: which type checker, how it is started, and pyright's report."""

import json
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, Succeeded, Verdict
from nofx_cli.handlers.gates.typecheck import HANDLER, is_for_pyright
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result

ERROR = {
    "file": "/w/a.py",
    "severity": "error",
    "message": "no\n  way",
    "range": {"start": {"line": 1, "character": 11}},
    "rule": "reportReturnType",
}


def report(*told: object, files: object = 2, errors: int = 0) -> str:
    return json.dumps({"generalDiagnostics": told, "summary": {"filesAnalyzed": files, "errorCount": errors}})


def program(ctx: FakeContext, name: str) -> Path:
    path = ctx.workspace / ".venv/bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


class Prints:
    """Prints to the files that the streams go to, as the shell would let it."""

    def __init__(self, exit_code: int, stdout: str = "", stderr: str = "") -> None:
        self.exit_code, self.stdout, self.stderr = exit_code, stdout, stderr

    def __call__(self, call: ProcessCall) -> ProcessResult:
        for place, word in enumerate(call.argv):
            if word.startswith('exec "$@" '):
                Path(call.argv[place + 1]).write_text(self.stderr if "2>" in word else self.stdout)
        return process_result(self.exit_code)


class TestChoice:
    @pytest.mark.parametrize(
        ("files", "pyright"),
        [
            ({"pyrightconfig.json": "{}"}, True),
            ({"pyproject.toml": "[tool.pyright]"}, True),
            ({"pyproject.toml": "[tool.pyright]\n[tool.mypy]"}, False),
            ({"pyrightconfig.json": "{}", "mypy.ini": ""}, False),
            ({"pyrightconfig.json": "{}", "setup.cfg": "[mypy-x.*]\n"}, False),
            ({"pyproject.toml": ""}, False),
        ],
    )
    def test_settings_of_the_project_choose(self, tmp_path: Path, files: dict[str, str], pyright: bool) -> None:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        assert is_for_pyright(tmp_path) is pyright

    def test_without_settings_it_is_the_one_that_is_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ctx = FakeContext(tmp_path)
        program(ctx, "pyright")
        monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("VIRTUAL_ENV", raising=False)
        assert is_for_pyright(ctx.workspace)
        program(ctx, "mypy")
        assert not is_for_pyright(ctx.workspace)


class TestMypy:
    @pytest.fixture
    def ctx(self, tmp_path: Path) -> FakeContext:
        ctx = FakeContext(tmp_path)
        program(ctx, "mypy")
        (ctx.workspace / "pyproject.toml").write_text("[tool.mypy]\n")
        return ctx

    def test_its_cache_is_its_own_and_it_looks_into_the_projects_environment(self, ctx: FakeContext) -> None:
        python = program(ctx, "python")
        ctx.processes = Prints(0, "Success: no issues found in 3 source files\n")
        assert isinstance(HANDLER.run(ctx), Succeeded)
        argv = list(ctx.calls[0].argv)
        assert argv[argv.index("--python-executable") + 1] == str(python)
        cache = str(ctx.scratch / "mypy" / "cache")
        assert argv[argv.index("--cache-dir") + 1] == cache
        assert ctx.calls[0].env == {"MYPY_CACHE_DIR": cache}
        assert argv[-2:] == ["--", "."]

    @pytest.mark.parametrize("settings", ["[tool.mypy]\nfiles = 'src'\n", "[tool.mypy]\npackages = ['a']\n"])
    def test_where_settings_name_what_is_checked_nothing_else_is(self, ctx: FakeContext, settings: str) -> None:
        (ctx.workspace / "pyproject.toml").write_text(settings)
        assert HANDLER.preview(ctx)["argv"][-1] == "--"  # type: ignore[index] # it is a tuple

    @pytest.mark.parametrize(
        ("printed", "message"),
        [
            (
                Prints(0, "Success: no issues found in 3 source files\n", "a.py: error: INTERNAL ERROR -- x"),
                "mypy broke",
            ),
            (Prints(1, "", "Traceback (most recent call last):\n  x"), "mypy broke"),
            (Prints(0), "mypy ended without saying what it checked"),
            (Prints(2, "", "mypy: error: unrecognized arguments: --x"), "unrecognized arguments"),
            (Prints(3, "x"), "mypy exited with code 3"),
        ],
    )
    def test_a_crash_is_an_error_whatever_it_printed(self, ctx: FakeContext, printed: Prints, message: str) -> None:
        ctx.processes = printed
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "gate-errored"
        assert message in outcome.error.message

    def test_no_file_is_vacuous(self, ctx: FakeContext) -> None:
        ctx.processes = Prints(2, "", "There are no .py[i] files in directory '.'\n")
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "gate-vacuous"


class TestPyright:
    @pytest.fixture
    def ctx(self, tmp_path: Path) -> FakeContext:
        ctx = FakeContext(tmp_path)
        program(ctx, "pyright")
        (ctx.workspace / "pyrightconfig.json").write_text("{}")
        (ctx.workspace / "a.py").write_text("x = 1\n")
        return ctx

    def verdict(self, ctx: FakeContext, exit_code: int, printed: str) -> tuple[str, object]:
        ctx.processes = Prints(exit_code, printed)
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Succeeded | Failed)
        assert outcome.gate is not None
        return outcome.gate.verdict.value, outcome.gate.counts.get("files")

    def test_errors_fail_and_their_places_count_from_one(self, ctx: FakeContext) -> None:
        mine = {**ERROR, "file": str(ctx.workspace / "a.py")}
        assert self.verdict(ctx, 1, report(mine, errors=1)) == ("failed", 2)
        assert "a.py:2:12 reportReturnType no way" in ctx.logged

    def test_a_warning_alone_passes_and_information_is_no_finding(self, ctx: FakeContext) -> None:
        told = ({**ERROR, "severity": "warning"}, {**ERROR, "severity": "information"})
        assert self.verdict(ctx, 0, report(*told)) == ("passed", 2)

    def test_what_it_finds_in_the_store_is_not_the_projects(self, ctx: FakeContext) -> None:
        theirs = {**ERROR, "file": str(ctx.store / "a.py")}
        assert self.verdict(ctx, 1, report(theirs, errors=1)) == ("passed", 2)

    @pytest.mark.parametrize(
        ("exit_code", "printed", "verdict"),
        [
            (0, report(files=0), Verdict.VACUOUS),
            (0, "", Verdict.ERRORED),
            (0, "{}", Verdict.ERRORED),
            (3, report(), Verdict.ERRORED),
            (1, report(), Verdict.ERRORED),
            (0, report(errors=1), Verdict.ERRORED),
            (0, report(files="2"), Verdict.ERRORED),
        ],
    )
    def test_what_is_no_pass(self, ctx: FakeContext, exit_code: int, printed: str, verdict: Verdict) -> None:
        assert self.verdict(ctx, exit_code, printed)[0] == verdict


def test_options_that_would_spoil_the_evidence_are_refused() -> None:
    for option in ("--cache-dir=x", "--outp", "-c", "--no-error-sum", "--outputjson", "--files"):
        assert HANDLER.check({"args": [option]}) != []
    assert HANDLER.check({"args": ["--strict", "--warn-unused-ignores"]}) == []
