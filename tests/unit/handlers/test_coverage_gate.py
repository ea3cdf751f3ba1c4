"""`gate:coverage`: the floor, and coverage's report held against it."""

import json
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.project import GateSpec
from nofx_cli.handlers.gates.coverage import HANDLER, floor_of, judge, ranges
from nofx_cli.handlers.gates.coverage_sources import import_roots
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.gate import Examination
from nofx_cli.testing import FakeContext


def examination(tmp_path: Path, files: dict[str, str], spec: GateSpec | None = None) -> Examination:
    ctx = FakeContext(tmp_path)
    for name, text in files.items():
        (ctx.workspace / name).write_text(text)
    return Examination(ctx, spec or GateSpec("coverage"), [], [], ctx.scratch)


@pytest.mark.parametrize(
    ("files", "floor"),
    [
        ({}, None),
        ({"pyproject.toml": "[tool.coverage.report]\nfail_under = 91.5\n"}, 91.5),
        ({".coveragerc": "[report]\nfail_under = 70\n", "pyproject.toml": "[tool.coverage.report]\nfail_under=1"}, 70),
        ({"setup.cfg": "[coverage:report]\nfail_under = 60\n"}, 60),
        ({"pytest.ini": "[pytest]\naddopts = --cov --cov-fail-under=85\n"}, 85),
        ({".coveragerc": "[report]\nfail_under = 0\n"}, None),
        ({"pyproject.toml": "[tool.coverage"}, None),
    ],
)
def test_the_floor_of_the_project(tmp_path: Path, files: dict[str, str], floor: float | None) -> None:
    assert floor_of(examination(tmp_path, files)) == floor
    assert floor_of(examination(tmp_path, files, GateSpec("coverage", floor=12.0))) == 12.0


@pytest.mark.parametrize("said", ["'x'", "'80%'", "-5", "101", "nan", "inf"])
def test_a_floor_that_is_no_percentage_is_not_taken_for_none(tmp_path: Path, said: str) -> None:
    files = {"pyproject.toml": f"[tool.coverage.report]\nfail_under = {said}\n"}
    with pytest.raises(NoEvidence, match="`fail_under` is no percentage: "):
        floor_of(examination(tmp_path, files))


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        (("a.py", "shop/__init__.py", "shop/deep/__init__.py", "docs/conf.py"), ["."]),
        (("src/shop/__init__.py", "src/shop/deep/__init__.py"), [".", "src"]),
        (("src/shop/price.py", "src/shop/deep/x.py", "src/data/x.txt"), [".", "src/shop", "src/shop/deep"]),
        (("services/a/shop/__init__.py", "services/b/src/b.py"), [".", "services/a", "services/b/src"]),
        (("tests/unit/__init__.py", ".x/y/__init__.py", "env/pyvenv.cfg", "env/y/__init__.py"), ["."]),
    ],
)
def test_what_can_be_imported_is_measured(tmp_path: Path, files: tuple[str, ...], roots: list[str]) -> None:
    for name in (*files, "local_data/y/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert import_roots(tmp_path, tmp_path / "local_data") == roots


def report(percent: object, *, statements: int = 10, covered: int = 8) -> bytes:
    totals = {"num_statements": statements, "covered_lines": covered, "percent_covered": percent}
    full = {"summary": {"num_statements": 2, "percent_covered": 100.0}, "missing_lines": []}
    part = {"summary": {"num_statements": 8, "percent_covered": 75.0}, "missing_lines": [3, 4, 9]}
    return json.dumps({"totals": totals, "files": {"a.py": full, "b.py": part}}).encode()


@pytest.mark.parametrize(
    ("percent", "floor", "verdict", "summary"),
    [
        (80.0, 80, Verdict.PASSED, "80 % of 10 statements in 2 files are covered, the floor is 80 %"),
        (79.999, 80, Verdict.FAILED, "79.99 % of 10 statements in 2 files are covered, below the floor of 80 %"),
        (0.0, 0, Verdict.PASSED, "0 % of 10 statements in 2 files are covered, the floor is 0 %"),
    ],
)
def test_the_verdict_of_a_report(percent: float, floor: float, verdict: Verdict, summary: str) -> None:
    evidence = judge(report(percent), floor=floor, tests=3, workspace=Path("/w"))
    assert (evidence.verdict, evidence.summary) == (verdict, summary)
    assert evidence.counts["tests"] == 3
    assert (evidence.counts["statements"], evidence.counts["covered"], evidence.counts["files"]) == (10, 8, 2)


def test_findings_are_the_files_below_the_floor_with_the_lines_that_are_missing() -> None:
    (finding,) = judge(report(70.0), floor=80, tests=3, workspace=Path("/w")).findings
    assert str(finding) == "b.py:3 coverage 75 % covered, below 80 %; not covered: 3-4, 9"


def test_no_statement_is_vacuous() -> None:
    evidence = judge(report(100.0, statements=0, covered=0), floor=0, tests=3, workspace=Path("/w"))
    assert evidence.verdict is Verdict.VACUOUS


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", report("80"), report(101.0), report(True), report(None)])
def test_what_cannot_be_believed_is_no_evidence(data: bytes) -> None:
    with pytest.raises(NoEvidence):
        judge(data, floor=0, tests=3, workspace=Path("/w"))


def test_many_lines_are_cut() -> None:
    assert ranges([1]) == "1"
    assert ranges(range(1, 60, 2)).endswith("21, 23, …")


def test_options_that_would_spoil_the_evidence_are_refused() -> None:
    for option in ("--cov-fail-under=0", "--no-cov", "--cov-report=", "--junit-xml=x"):
        assert HANDLER.check({"args": [option]}) != []
