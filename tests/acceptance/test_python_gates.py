"""What the gates for Python do in particular, with the real programs: settings, caches, baselines, no network."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome
from nofx_cli.domain.project import GateSpec
from nofx_cli.handlers.gates import audit, build, coverage, sast, secrets, typecheck
from nofx_cli.handlers.gates.format import HANDLER as FORMAT
from nofx_cli.handlers.gates.gate import GateHandler
from nofx_cli.handlers.gates.lint import HANDLER as LINT
from nofx_cli.testing import FakeContext
from tests.acceptance.gate_bench import evaluation, run_gate, stand_in, write
from tests.acceptance.real_processes import RealProcesses

pytestmark = pytest.mark.acceptance

REAL = Path(sys.executable).parent
KEY = "AKIAIOSFODNN7EXAMPLQ"  # pragma: allowlist secret


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeContext:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return FakeContext(tmp_path, processes=RealProcesses())


def told(ctx: FakeContext, gate: GateHandler, files: dict[str, str | bytes]) -> GateEvaluation:
    write(ctx, files)
    return evaluation(run_gate(ctx, gate, "gate:any"))


def git(ctx: FakeContext, *words: str) -> None:
    subprocess.run(["git", "-C", ctx.workspace, *words], check=True, capture_output=True)


class TestFormat:
    def test_files_that_are_as_they_should_be_and_settings_that_exclude_the_rest(self, ctx: FakeContext) -> None:
        settings = '[tool.ruff]\nexclude = ["b.py"]\nformat.quote-style = "single"\n'
        gate = told(ctx, FORMAT, {"a.py": "x = 'a'\n", "b.py": "x=1\n", "pyproject.toml": settings})
        assert (gate.verdict, gate.summary) == ("passed", "0 of 1 file would be reformatted")

    def test_what_nofx_keeps_is_left_out_whatever_the_project_says(self, ctx: FakeContext) -> None:
        files: dict[str, str | bytes] = {
            "pyproject.toml": "[tool.ruff]\nextend-exclude = ['b.py']\n",
            "a.py": "x = 1\n",
            "b.py": "x=1\n",
            "local_data/kept.py": "x=1\n",
        }
        assert told(ctx, FORMAT, files).counts["files"] == 1

    def test_settings_that_cannot_be_read_are_an_error(self, ctx: FakeContext) -> None:
        gate = told(ctx, FORMAT, {"a.py": "x = 1\n", "pyproject.toml": "[tool.ruff"})
        assert gate.verdict == "errored"
        assert gate.summary.startswith("ruff exited with code 2: ")


@pytest.mark.parametrize(
    ("settings", "code", "verdict"),
    [("select = []", "import os\n", "vacuous"), ("select = []", "def (\n", "failed"), ("select = ['F']", "", "passed")],
)
def test_a_project_that_selects_no_rule_has_nothing_linted(
    ctx: FakeContext, settings: str, code: str, verdict: str
) -> None:
    files: dict[str, str | bytes] = {"pyproject.toml": f"[tool.ruff.lint]\n{settings}\n", "a.py": code}
    assert told(ctx, LINT, files).verdict == verdict


class TestTypecheck:
    def test_the_projects_own_settings_say_what_is_checked(self, ctx: FakeContext) -> None:
        settings = '[tool.mypy]\nfiles = ["a.py"]\npretty = true\nerror_summary = false\nstrict = true\n'
        files: dict[str, str | bytes] = {
            "pyproject.toml": settings,
            "a.py": "def f(x):\n    return x\n",
            "b.py": "1/''",
        }
        gate = told(ctx, typecheck.HANDLER, files)
        assert (gate.verdict, gate.counts["files"], gate.counts["findings"]) == ("failed", 1, 1)
        assert "a.py:1:1 no-untyped-def Function is missing a type annotation" in ctx.logged

    @pytest.mark.parametrize(
        ("settings", "verdict"),
        [('exclude = "."', "vacuous"), ("plugins = ['none_such']", "errored")],
    )
    def test_settings_that_leave_nothing_or_cannot_be_used(self, ctx: FakeContext, settings: str, verdict: str) -> None:
        gate = told(ctx, typecheck.HANDLER, {"pyproject.toml": f"[tool.mypy]\n{settings}\n", "a.py": "x = 1\n"})
        assert gate.verdict == verdict

    def test_what_nofx_keeps_is_left_out(self, ctx: FakeContext) -> None:
        bad = "x: int = ''\n"
        files: dict[str, str | bytes] = {"a.py": "x = 1\n", "local_data/b.py": bad, "pyproject.toml": "[tool.mypy]\n"}
        assert told(ctx, typecheck.HANDLER, files).verdict == "passed"


HALF_TESTED: dict[str, str | bytes] = {
    "shop.py": "def a():\n    return 1\n\n\ndef b():\n    x = 1\n    return x\n",
    "test_shop.py": "from shop import a\n\n\ndef test_a():\n    assert a() == 1\n",
    ".coverage": "an older run",
}


class TestCoverage:
    def test_without_a_floor_it_does_not_apply(self, ctx: FakeContext) -> None:
        write(ctx, {"a.py": "x = 1\n"})
        outcome = run_gate(ctx, coverage.HANDLER, "gate:coverage")
        assert evaluation(outcome).verdict == "skipped"
        assert isinstance(outcome, Failed)
        assert "floor" in outcome.error.hint

    @pytest.mark.parametrize("plugin", [True, False])
    @pytest.mark.parametrize(("floor", "verdict"), [(75.0, "passed"), (76.0, "failed")])
    def test_the_floor_of_nofx_goes_before_that_of_the_project(
        self, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch, floor: float, verdict: str, plugin: bool
    ) -> None:
        if not plugin:
            monkeypatch.setattr(coverage, "_has_pytest_cov", lambda program: False)
        settings = "[tool.coverage.report]\nfail_under = 99\n[tool.coverage.run]\ndata_file = 'mine'\n"
        handler = coverage.HANDLER.configured(GateSpec("coverage", floor=floor))
        gate = told(ctx, handler, {**HALF_TESTED, "pyproject.toml": settings})
        assert gate.verdict == verdict
        assert gate.summary.startswith("75 % of 8 statements in 2 files are covered")
        assert gate.counts["tests"] == 1
        if verdict == "failed":
            assert "shop.py:6 coverage 60 % covered, below 76 %; not covered: 6-7" in ctx.logged

    def test_a_file_that_no_test_imports_is_not_covered(self, ctx: FakeContext) -> None:
        handler = coverage.HANDLER.configured(GateSpec("coverage", floor=50))
        gate = told(ctx, handler, {**HALF_TESTED, "other.py": "\n".join(f"x{n} = 1" for n in range(20))})
        assert gate.verdict == "failed"
        assert gate.counts["statements"] == 28

    def test_settings_that_leave_nothing_to_measure(self, ctx: FakeContext) -> None:
        settings = "[tool.coverage.report]\nfail_under = 0\ninclude = ['none/*']\n"
        assert told(ctx, coverage.HANDLER, {**HALF_TESTED, "pyproject.toml": settings}).verdict != "passed"


class TestSast:
    def test_settings_of_the_project_hold_and_those_that_hide_the_result_do_not(self, ctx: FakeContext) -> None:
        files: dict[str, str | bytes] = {
            ".bandit": "[bandit]\nexclude = ./old\nskips = B101\nexit-zero = true\n",
            "a.py": "assert 1\neval('1')\neval('2')  # nosec\n",
            "old/b.py": "eval('1')\n",
            ".venv/lib/c.py": "eval('1')\n",
            "local_data/d.py": "eval('1')\n",
        }
        gate = told(ctx, sast.HANDLER, files)
        assert (gate.verdict, gate.counts["files"], gate.counts["findings"]) == ("failed", 1, 1)
        assert gate.counts["nosec"] == 1
        assert gate.counts["warnings"] == 1

    def test_a_file_that_does_not_parse_is_no_pass_beside_ones_that_do(self, ctx: FakeContext) -> None:
        gate = told(ctx, sast.HANDLER, {"a.py": "x = 1\n", "b.py": "def (\n"})
        assert (gate.verdict, gate.summary[:32]) == ("errored", "bandit could not examine b.py: s")


class TestSecrets:
    def test_a_secret_is_in_nothing_that_is_kept_or_told(self, ctx: FakeContext) -> None:
        gate = told(ctx, secrets.HANDLER, {"a.txt": f"x\nkey = {KEY}\n"})
        assert (gate.verdict, gate.counts["files"]) == ("failed", 1)
        kept = b"".join(ctx.artifacts.values()) + "\n".join(ctx.logged).encode()
        assert KEY.encode() not in kept
        assert b"hashed_secret" not in kept
        assert any(line.startswith("a.txt:2 ") for line in ctx.logged)

    def test_in_a_checkout_new_files_are_examined_and_ignored_ones_are_not(self, ctx: FakeContext) -> None:
        git(ctx, "init", "-q")
        write(ctx, {"a.txt": "x\n", ".gitignore": "*.env\n"})
        git(ctx, "add", ".")
        gate = told(ctx, secrets.HANDLER, {"new.txt": KEY, "local.env": KEY, ".venv/x.txt": KEY, "local_data/y": KEY})
        assert (gate.verdict, gate.counts["files"], gate.counts["findings"]) == ("failed", 3, 1)

    def test_what_the_baseline_knows_does_not_fail(self, ctx: FakeContext) -> None:
        write(ctx, {"a.txt": f"key = {KEY}\n"})
        scan = subprocess.run(
            [REAL / "detect-secrets", "scan", "a.txt"], check=True, cwd=ctx.workspace, capture_output=True
        )
        gate = told(ctx, secrets.HANDLER, {secrets.BASELINE: scan.stdout})
        assert gate.verdict == "passed"
        assert (gate.counts["files"], gate.counts["known"], gate.counts["findings"]) == (1, 1, 0)
        assert "1 more are known in .secrets.baseline" in gate.summary
        assert told(ctx, secrets.HANDLER, {"b.txt": KEY}).counts["findings"] == 1

    def test_detectors_that_are_all_off_examine_nothing(self, ctx: FakeContext) -> None:
        baseline = {"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": {}}
        gate = told(ctx, secrets.HANDLER, {"a.txt": KEY, secrets.BASELINE: json.dumps(baseline)})
        assert gate.verdict != "passed"

    def test_what_is_no_text_was_not_examined(self, ctx: FakeContext) -> None:
        assert told(ctx, secrets.HANDLER, {"a.bin": b"\xff\xfe\x00"}).verdict == "vacuous"
        assert told(ctx, secrets.HANDLER, {"b.txt": "x"}).counts["files"] == 1

    def test_many_files_are_examined_in_several_scans(self, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(secrets, "_MOST_CHARACTERS", 14)
        gate = told(ctx, secrets.HANDLER, {f"a{n}.txt": f"key = {KEY}\n" for n in range(4)})
        assert len(ctx.calls) == 2
        assert (gate.counts["files"], gate.counts["findings"]) == (4, 4)


def test_an_audit_without_a_network_is_errored_and_may_be_tried_again(ctx: FakeContext) -> None:
    write(ctx, {"requirements.txt": "six==1.16.0\n"})
    ctx.inputs = {"args": ["--no-deps", "--disable-pip"]}
    stand_in(ctx, "pip-audit", f'export HTTPS_PROXY=http://127.0.0.1:9; exec {REAL}/pip-audit "$@"')
    outcome = run_gate(ctx, audit.HANDLER, "gate:audit")
    assert evaluation(outcome).verdict == "errored"
    assert isinstance(outcome, Failed)
    assert outcome.retryable
    assert outcome.error.hint.startswith("pip-audit needs the network")
    assert "Connection refused" in outcome.error.message


class TestBuild:
    SETTINGS = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "shop"\n'

    def test_what_git_ignores_and_nofx_keeps_is_not_built_and_git_can_be_asked(self, ctx: FakeContext) -> None:
        backend = (
            "import subprocess, tarfile, zipfile\n"
            "def build_sdist(folder, settings=None):\n"
            "    said = subprocess.check_output(['git', 'describe', '--tags'], text=True).strip()\n"
            "    name = f'shop-{said}.tar.gz'\n"
            "    open('PKG-INFO', 'w').write('Metadata-Version: 2.1\\nName: shop\\nVersion: 7')\n"
            "    with tarfile.open(f'{folder}/{name}', 'w:gz') as sdist: sdist.add('.', f'shop-{said}')\n"
            "    return name\n"
            "def build_wheel(folder, settings=None, metadata=None):\n"
            "    name = 'shop-1-py3-none-any.whl'\n"
            "    with zipfile.ZipFile(f'{folder}/{name}', 'w') as wheel: wheel.writestr('shop.py', '')\n"
            "    return name\n"
        )
        settings = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
        git(ctx, "init", "-q")
        write(ctx, {"own.py": backend, "pyproject.toml": settings, ".gitignore": "big\nlocal_data\n", "big": "x"})
        git(ctx, "add", ".")
        git(ctx, "commit", "-qm", "x")
        git(ctx, "tag", "v7")
        gate = told(ctx, build.HANDLER, {"local_data/kept": "x"})
        assert gate.verdict == "passed", gate.summary
        assert gate.summary.startswith("shop-1-py3-none-any.whl (1 file), shop-v7.tar.gz (5 files)")
        assert [one["name"] for one in json.loads(ctx.artifacts["archives.json"])] == [
            "shop-1-py3-none-any.whl",
            "shop-v7.tar.gz",
        ]

    def test_a_wheel_with_nothing_in_it_is_vacuous(self, ctx: FakeContext) -> None:
        settings = self.SETTINGS + 'version = "1"\n[tool.hatch.build.targets.wheel]\nbypass-selection = true\n'
        gate = told(ctx, build.HANDLER, {"pyproject.toml": settings, "README": "x"})
        assert (gate.verdict, gate.summary) == (
            "vacuous",
            "shop-1-py2.py3-none-any.whl has nothing in it but its metadata",
        )

    def test_a_backend_that_cannot_be_had_is_errored(self, ctx: FakeContext) -> None:
        settings = '[build-system]\nrequires = ["none-such-backend"]\nbuild-backend = "none_such"\n'
        stand_in(ctx, "pyproject-build", f'export PIP_NO_INDEX=1; exec {REAL}/pyproject-build "$@"')
        outcome = run_gate_with(ctx, settings)
        assert evaluation(outcome).verdict == "errored"
        assert isinstance(outcome, Failed)
        assert "No matching distribution found for none-such-backend" in outcome.error.message
        assert "network" in outcome.error.hint

    def test_a_project_that_says_nothing_of_a_build_is_skipped(self, ctx: FakeContext) -> None:
        assert told(ctx, build.HANDLER, {"a.py": "x = 1\n"}).verdict == "skipped"


def run_gate_with(ctx: FakeContext, settings: str) -> Outcome:
    write(ctx, {"pyproject.toml": settings})
    return run_gate(ctx, build.HANDLER, "gate:build")
