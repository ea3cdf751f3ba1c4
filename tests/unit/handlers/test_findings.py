"""Findings of a check: looked up in the workspace, kept, and told in the log."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.domain.findings import Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import Evidence
from nofx_cli.handlers.gates.findings import WorkspaceLines, with_gathered
from nofx_cli.handlers.gates.kept import LOGGED_FINDINGS, keep_findings, told
from nofx_cli.testing import FakeContext
from tests.sarif import log_of

UNUSED = Finding("a.py", 1, 8, "F401", "HIGH", "`os` imported but unused")


def evidence(*findings: Finding, **counts: int) -> Evidence:
    return Evidence(Verdict.FAILED, "some findings", counts, findings)


def gathered(workspace: Path, *findings: Finding) -> tuple[Finding, ...]:
    return with_gathered(evidence(*findings), workspace, tool="ruff").findings


class TestLines:
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_bytes(b"one\r\ntwo \xff\nthree")
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub/b.py").write_text("b\n")

    def test_a_line_that_holds_a_secret_has_another_fingerprint_which_is_slow_to_make(self, tmp_path: Path) -> None:
        made = {}
        for line in ("password = 'a'", "password = 'b'"):
            (tmp_path / "a.py").write_text(f"{line}\n")
            one = evidence(replace(UNUSED, path="a.py", line=1), findings=1)
            for private in (True, False):
                (found,) = with_gathered(one, tmp_path, tool="x", private=private).findings
                made[line, private] = found.fingerprint
        assert len(set(made.values())) == 4

    def test_lines_are_read_by_number(self, tmp_path: Path) -> None:
        lines = WorkspaceLines(tmp_path)
        read = [lines("a.py", 1), lines("sub/b.py", 1), lines("a.py", 2), lines("a.py", 3)]
        assert read == ["one", "b", "two \ufffd", "three"]
        assert [lines("a.py", number) for number in (0, 4, -1)] == ["", "", ""]

    @pytest.mark.parametrize("path", ["gone.py", "sub", "../outside.py", "/etc/passwd", "link.py", "pipe", "", "a\0b"])
    def test_what_is_no_file_of_the_workspace_has_no_lines(self, tmp_path: Path, path: str) -> None:
        workspace = tmp_path / "sub"
        (workspace / "sub").mkdir()
        (tmp_path / "outside.py").write_text("secret\n")
        (workspace / "link.py").symlink_to(tmp_path / "outside.py")
        os.mkfifo(workspace / "pipe")
        assert WorkspaceLines(workspace)(path, 1) == ""


class TestGathered:
    def test_the_fingerprint_is_of_the_line_in_the_workspace(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("import os\n")
        (before,) = gathered(tmp_path, UNUSED)
        (tmp_path / "a.py").write_text("\n\nimport os\n")
        (moved,) = gathered(tmp_path, replace(UNUSED, line=3, message="worded otherwise"))
        (tmp_path / "a.py").write_text("import os.path\n")
        (changed,) = gathered(tmp_path, UNUSED)
        assert before.fingerprint == moved.fingerprint != changed.fingerprint

    def test_absolute_paths_are_taken_below_the_workspace(self, tmp_path: Path) -> None:
        inside, outside = gathered(
            tmp_path, replace(UNUSED, path=str(tmp_path / "a.py")), replace(UNUSED, path="/opt/a.py")
        )[::-1]
        assert (inside.path, outside.path) == ("a.py", "/opt/a.py")

    def test_counts_follow_what_is_left_and_tell_severities(self, tmp_path: Path) -> None:
        found = with_gathered(evidence(UNUSED, UNUSED, files=3, findings=2), tmp_path, tool="ruff")
        assert found.counts == {"files": 3, "findings": 1, "errors": 1, "warnings": 0, "notes": 0}

    def test_counts_of_tests_are_left_alone(self, tmp_path: Path) -> None:
        found = with_gathered(evidence(UNUSED, tests=3, errors=2), tmp_path, tool="pytest")
        assert found.counts == {"tests": 3, "errors": 2}

    def test_nothing_to_gather(self, tmp_path: Path) -> None:
        nothing = evidence(findings=0, files=1)
        assert with_gathered(nothing, tmp_path, tool="ruff") is nothing


def test_they_are_kept_as_json_and_as_sarif(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, tool="gate:lint")
    found = with_gathered(evidence(replace(UNUSED, path="z.py"), UNUSED, findings=2), ctx.workspace, tool="ruff")
    keep_findings(ctx, replace(found, summary="a \udcff path"))
    kept = json.loads(ctx.artifacts["findings.json"])
    assert [finding["path"] for finding in kept] == ["a.py", "z.py"]
    (run,) = log_of(ctx.artifacts["findings.sarif"])["runs"]
    assert [result["partialFingerprints"]["nofx/v1"] for result in run["results"]] == [
        finding["fingerprint"] for finding in kept
    ]
    assert run["automationDetails"]["id"] == f"nofx/step/{ctx.run_id}"
    assert run["properties"]["gate"] == "gate:lint"


def test_the_log_has_the_worst_of_them(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path)
    notes = [replace(UNUSED, line=line, severity="note") for line in range(1, LOGGED_FINDINGS + 6)]
    found = with_gathered(evidence(*notes, replace(UNUSED, path="z.py")), ctx.workspace, tool="ruff")
    lines = told(ctx, found)
    assert lines[0].startswith("z.py:1:8 F401")
    assert lines[-2:] == [f"… and 6 more: nofx gates report {ctx.run_id}", "failed: some findings"]
    assert len(lines) == LOGGED_FINDINGS + 2
