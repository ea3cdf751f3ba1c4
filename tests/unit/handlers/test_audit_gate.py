"""`gate:audit`: what is audited, and pip-audit's report."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.outcome import Failed, Verdict
from nofx_cli.handlers.gates.audit import HANDLER, judge
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result

SIX = {"name": "six", "version": "1.16.0", "vulns": []}
IDNA = {
    "name": "IDNA",
    "version": "3.6",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.7"], "description": "It is\nslow."}],
}
OWN = {"name": "own", "skip_reason": "Dependency not found on PyPI and could not be audited: own (1.0)"}


def verdict(*packages: dict[str, Any], exit_code: int = 0) -> tuple[Verdict, str]:
    data = json.dumps({"dependencies": packages, "fixes": []}).encode()
    evidence = judge(data, exit_code=exit_code, files=[], workspace=Path("/w"))
    return evidence.verdict, evidence.summary


def test_the_verdict_of_a_report() -> None:
    assert verdict(SIX) == (Verdict.PASSED, "no vulnerabilities in 1 package")
    assert verdict(SIX, IDNA, exit_code=1) == (Verdict.FAILED, "1 vulnerability in 2 packages")
    assert verdict(SIX, IDNA) == (Verdict.FAILED, "1 vulnerability in 2 packages")
    assert verdict() == (Verdict.VACUOUS, "no package was audited")


def test_what_was_left_out_is_told_and_nothing_but_that_is_vacuous() -> None:
    left_out = "1 package left out: Dependency not found on PyPI and could not be audited: own (1.0)"
    assert verdict(SIX, OWN) == (Verdict.PASSED, f"no vulnerabilities in 1 package; {left_out}")
    assert verdict(OWN) == (Verdict.VACUOUS, f"no package was audited; {left_out}")


def test_a_finding_stands_where_the_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# idna\nsix\nidna==3.6 ; python_version > '3'\n")
    data = json.dumps({"dependencies": [IDNA]}).encode()
    evidence = judge(data, exit_code=1, files=[tmp_path / "requirements.txt"], workspace=tmp_path)
    assert str(evidence.findings[0]) == ("requirements.txt:3 PYSEC-1 IDNA 3.6 is vulnerable, fixed in 3.7: It is slow.")


@pytest.mark.parametrize(
    ("data", "exit_code"),
    [(b"", 0), (b"[]", 0), (b"{}", 0), (b'{"dependencies": [1]}', 0), (b'{"dependencies": [{"name": "a"}]}', 0),
     (b'{"dependencies": []}', 1)],
)  # fmt: skip
def test_what_cannot_be_believed_is_no_evidence(data: bytes, exit_code: int) -> None:
    with pytest.raises(NoEvidence):
        judge(data, exit_code=exit_code, files=[], workspace=Path("/w"))


class TestSource:
    @pytest.fixture
    def ctx(self, tmp_path: Path) -> FakeContext:
        ctx = FakeContext(tmp_path)
        program = ctx.workspace / ".venv/bin/pip-audit"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        (ctx.workspace / "a.py").touch()
        return ctx

    def source(self, ctx: FakeContext) -> list[str]:
        argv: Any = HANDLER.preview(ctx)["argv"]
        return list(argv[argv.index("<scratch>/cache") + 1 :]) if argv else []

    def test_the_most_exact_one_that_there_is(self, ctx: FakeContext) -> None:
        assert self.source(ctx) == []
        (ctx.workspace / "pyproject.toml").write_text("[project]\ndependencies = []\n")
        assert self.source(ctx) == []
        (ctx.workspace / "pyproject.toml").write_text("[project]\ndependencies = ['six']\n")
        assert self.source(ctx) == ["."]
        installed = ctx.workspace / ".venv/lib/python3.11/site-packages"
        installed.mkdir(parents=True)
        assert self.source(ctx) == ["--path", str(installed)]
        (ctx.workspace / "pylock.toml").touch()
        assert self.source(ctx) == ["--locked", "."]
        (ctx.workspace / "requirements").mkdir()
        for name in ("requirements-dev.txt", "requirements/base.txt"):
            (ctx.workspace / name).touch()
        assert self.source(ctx) == ["--requirement", "requirements-dev.txt", "--requirement", "requirements/base.txt"]

    def test_requirements_for_work_on_the_project_are_not_all_that_it_needs(self, ctx: FakeContext) -> None:
        (ctx.workspace / "pyproject.toml").write_text("[project]\ndependencies = ['six']\n")
        for name in ("requirements-dev.txt", "requirements_test.txt"):
            (ctx.workspace / name).write_text("idna==3.6\n")
        reports: Iterator[list[dict[str, Any]]] = iter([[IDNA], [SIX, IDNA]])

        def audit(call: ProcessCall) -> ProcessResult:
            written = Path(call.argv[call.argv.index("--output") + 1])
            packages = next(reports)
            written.write_text(json.dumps({"dependencies": packages}))
            return process_result(int(IDNA in packages))

        ctx.processes = audit
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert outcome.error.message == "1 vulnerability in 2 packages"
        assert [call.argv[-1] for call in ctx.calls] == ["requirements_test.txt", "."]

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("poetry.lock", ""),
            ("uv.lock", ""),
            ("Pipfile", ""),
            ("setup.py", "setup(install_requires=['six'])\n"),
            ("setup.cfg", "[options]\ninstall_requires = six\n"),
            ("pyproject.toml", "[tool.poetry.dependencies]\npython = '3'\nsix = '*'\n"),
            ("pyproject.toml", "[project]\noptional-dependencies = {x = ['six']}\n"),
            ("pyproject.toml", "[dependency-groups]\ndev = ['six']\n"),
        ],
    )
    def test_packages_that_it_cannot_read_are_not_taken_for_none(self, ctx: FakeContext, file: str, text: str) -> None:
        (ctx.workspace / file).write_text(text)
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert outcome.error.message == f"pip-audit cannot read which packages {file} names"
        assert outcome.error.hint == "install them into .venv, or write them to a requirements.txt"

    def test_requirements_are_audited_beside_packages_of_javascript(self, ctx: FakeContext) -> None:
        (ctx.workspace / "a.py").unlink()
        (ctx.workspace / "package.json").write_text("{}")
        (ctx.workspace / "requirements.txt").write_text("six\n")
        assert self.source(ctx) == ["--requirement", "requirements.txt"]

    def test_a_project_without_dependencies_is_skipped_and_a_folder_without_a_project_is_vacuous(
        self, ctx: FakeContext
    ) -> None:
        for code in ("gate-skipped", "gate-vacuous"):
            outcome = HANDLER.run(ctx)
            assert isinstance(outcome, Failed)
            assert outcome.error.code == code
            (ctx.workspace / "a.py").unlink(missing_ok=True)

    def test_an_exit_without_a_report_is_errored_not_failed(self, ctx: FakeContext) -> None:
        (ctx.workspace / "requirements.txt").touch()
        ctx.processes = [process_result(1, last_line="ConnectionError: no route")]
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.message) == (
            "gate-errored",
            "pip-audit exited with code 1: ConnectionError: no route",
        )


def test_options_that_would_spoil_the_evidence_are_refused() -> None:
    for option in ("-d", "--dry", "--fix", "--format=columns", "-fcolumns", "-oout"):
        assert HANDLER.check({"args": [option]}) != []
