"""A gate with a baseline: only what is new blocks, and nothing but known findings is ever let through."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.domain.baseline import Baseline, Entry, baseline_text
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.outcome import Failed, GateEvaluation, Outcome, Succeeded, Verdict
from nofx_cli.domain.project import GateSpec, Parser
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.gate import Examination, GateHandler
from nofx_cli.testing import FakeContext

OS = Finding("a.py", 1, 8, "F401", "error", "`os` imported but unused")
SYS = Finding("a.py", 2, 8, "F401", "error", "`sys` imported but unused")
CODE = "import os\nimport sys\n"


class Scripted:
    """A check whose evidence the test gives."""

    refused_args = ()

    def __init__(self, evidence: Evidence | NoEvidence, name: str = "tool") -> None:
        self._evidence, self.name, self.report = evidence, name, f"{name}.json"

    def applies(self, workspace: Path) -> bool:
        return True

    def command(self, exam: Examination) -> list[str]:
        return ["tool"]

    def examine(self, exam: Examination) -> Evidence:
        if isinstance(self._evidence, NoEvidence):
            raise self._evidence
        return self._evidence


def failed(*findings: Finding, files: int = 1, verdict: Verdict = Verdict.FAILED) -> Evidence:
    counts = {"files": files, "findings": len(findings)}
    return Evidence(verdict, f"{len(findings)} findings in {files} file", counts, findings)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    ctx = FakeContext(tmp_path, tool="gate:lint")
    (ctx.workspace / "a.py").write_text(CODE)
    return ctx


def run(ctx: FakeContext, *parts: Evidence | NoEvidence, spec: GateSpec | None = None) -> Outcome:
    checks = [Scripted(part, f"tool{place}") for place, part in enumerate(parts)]
    return GateHandler((ctx.tool,), *checks, spec=spec).run(ctx)


def gate(outcome: Outcome) -> GateEvaluation:
    assert isinstance(outcome, Succeeded | Failed)
    assert outcome.gate is not None
    assert isinstance(outcome, Succeeded) == (outcome.gate.verdict is Verdict.PASSED)
    return outcome.gate


def record(ctx: FakeContext, *findings: Finding, more: tuple[Entry, ...] = ()) -> None:
    """Record what the gate finds now."""
    run(ctx, failed(*findings))
    kept = json.loads(ctx.artifacts["findings.json"])
    known = [Finding(**{name: item[name] for name in (*FIELDS, "fingerprint")}) for item in kept]
    baseline = Baseline().recorded({ctx.tool: known})
    write(ctx, baseline_text(Baseline(baseline.entries + more)))


FIELDS = ("path", "line", "column", "rule", "severity", "message", "tool")


def write(ctx: FakeContext, text: str) -> None:
    (ctx.workspace / "nofx-baseline.json").write_text(text)


def states(ctx: FakeContext) -> Mapping[str, object]:
    return {item["message"]: item.get("state") for item in json.loads(ctx.artifacts["findings.json"])}


def test_known_findings_do_not_block_and_are_told(ctx: FakeContext) -> None:
    record(ctx, OS, SYS)
    found = gate(run(ctx, failed(OS, SYS)))
    assert (found.verdict, found.summary) == ("passed", "2 findings in 1 file, all of them in the baseline")
    assert (found.counts["findings"], found.counts["known"]) == (2, 2)
    assert set(states(ctx).values()) == {"unchanged"}
    sarif = json.loads(ctx.artifacts["findings.sarif"])
    assert [result["baselineState"] for result in sarif["runs"][0]["results"]] == ["unchanged", "unchanged"]
    assert "a.py:1:8 F401 `os` imported but unused (in the baseline)" in ctx.logged


def test_a_new_finding_blocks_and_the_known_ones_are_counted_apart(ctx: FakeContext) -> None:
    record(ctx, OS)
    found = gate(run(ctx, failed(OS, SYS)))
    assert (found.verdict, found.summary) == ("failed", "2 findings in 1 file, 1 of them in the baseline")
    assert found.counts["known"] == 1
    assert states(ctx) == {OS.message: "unchanged", SYS.message: "new"}


def test_known_findings_are_known_when_they_move(ctx: FakeContext) -> None:
    record(ctx, OS)
    (ctx.workspace / "a.py").write_text("\n\n" + CODE)
    assert gate(run(ctx, failed(replace(OS, line=3)))).verdict == "passed"


def test_more_of_the_same_is_new(ctx: FakeContext) -> None:
    record(ctx, OS)
    (ctx.workspace / "a.py").write_text("import os\nimport os\n")
    found = gate(run(ctx, failed(OS, replace(OS, line=2))))
    assert (found.verdict, found.counts["known"]) == ("failed", 1)


def test_what_is_gone_is_told(ctx: FakeContext) -> None:
    record(ctx, OS, SYS)
    found = gate(run(ctx, Evidence(Verdict.PASSED, "no findings in 1 file", {"files": 1, "findings": 0})))
    assert found.summary == "no findings in 1 file; 2 findings of the baseline are gone"
    assert found.counts["gone"] == 2


def test_what_was_not_examined_is_not_gone(ctx: FakeContext) -> None:
    record(ctx, OS, more=(Entry("gate:lint", "sub/b.py", "F401", "ff00"),))
    ctx.inputs = {"paths": ["sub"]}
    (ctx.workspace / "sub").mkdir()
    found = gate(run(ctx, Evidence(Verdict.PASSED, "no findings", {"files": 1, "findings": 0})))
    assert found.summary == "no findings; 1 finding of the baseline is gone"


@pytest.mark.parametrize("verdict", [Verdict.ERRORED, Verdict.VACUOUS, Verdict.TIMED_OUT, Verdict.SKIPPED])
def test_no_other_verdict_becomes_a_pass(ctx: FakeContext, verdict: Verdict) -> None:
    record(ctx, OS)
    found = gate(run(ctx, failed(OS, verdict=verdict)))
    assert (found.verdict, found.summary) == (verdict, "1 findings in 1 file")


def test_a_failure_that_the_findings_do_not_tell_stays_one(ctx: FakeContext) -> None:
    record(ctx, OS)
    assert gate(run(ctx, failed())).verdict == "failed"
    assert gate(run(ctx, failed(OS, files=0))).verdict == "failed", "nothing was examined"
    hidden = Evidence(Verdict.FAILED, "5 findings", {"files": 1, "findings": 5}, (OS,))
    assert gate(run(ctx, hidden)).verdict == "failed", "four findings are not in the list"


def test_of_several_programs_each_must_have_nothing_new(ctx: FakeContext) -> None:
    record(ctx, OS)
    broken = NoEvidence("eslint ended without writing its report")
    found = gate(run(ctx, failed(OS), broken))
    assert (found.verdict, found.summary) == (
        "errored",
        "eslint ended without writing its report; 1 findings in 1 file, all of them in the baseline",
    )
    assert gate(run(ctx, failed(OS), failed(replace(OS, path="b.js")))).verdict == "failed"
    assert gate(run(ctx, failed(OS), failed(verdict=Verdict.PASSED))).verdict == "passed"


def test_a_pass_by_the_baseline_must_have_examined_enough_too(ctx: FakeContext) -> None:
    record(ctx, OS)
    assert gate(run(ctx, failed(OS), spec=GateSpec("lint", min_examined=2))).verdict == "vacuous"


@pytest.mark.parametrize("tool", ["gate:unit", "gate:test", "gate:coverage"])
def test_failing_tests_have_no_baseline(ctx: FakeContext, tool: str) -> None:
    ctx.tool = tool
    record(ctx, OS)
    found = gate(run(ctx, failed(OS)))
    assert (found.verdict, "known" in found.counts) == ("failed", False)
    write(ctx, "broken")
    assert gate(run(ctx, failed(verdict=Verdict.PASSED))).verdict == "passed"


def test_a_declared_gate_of_tests_has_none_either(ctx: FakeContext) -> None:
    ctx.tool = "gate:mine"
    record(ctx, OS)
    for parser, verdict in ((Parser.SARIF, "passed"), (Parser.JUNIT, "failed")):
        assert gate(run(ctx, failed(OS), spec=GateSpec("mine", command=("x",), parser=parser))).verdict == verdict


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9, "findings": []}'])
def test_a_baseline_that_cannot_be_read_is_an_error_of_the_gate(ctx: FakeContext, text: str) -> None:
    write(ctx, text)
    for evidence in (failed(OS), Evidence(Verdict.PASSED, "no findings", {"files": 1, "findings": 0})):
        outcome = run(ctx, evidence)
        assert gate(outcome).verdict == "errored"
        assert gate(outcome).summary.startswith("nofx-baseline.json cannot be read: ")
        assert isinstance(outcome, Failed)
        assert not outcome.retryable
        assert outcome.error.hint == "mend nofx-baseline.json, or make it anew: nofx gates baseline"
    assert "findings.json" in ctx.artifacts


def test_a_baseline_that_is_a_link_or_a_folder_is_not_read(ctx: FakeContext, tmp_path: Path) -> None:
    record(ctx, OS)
    path = ctx.workspace / "nofx-baseline.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    assert gate(run(ctx, failed(OS))).verdict == "errored"
    path.unlink()
    path.mkdir()
    found = gate(run(ctx, failed(OS)))
    assert (found.verdict, found.summary) == (
        "errored",
        "nofx-baseline.json cannot be read: it is no regular file of a sensible size",
    )


def test_without_a_baseline_nothing_is_said_of_one(ctx: FakeContext) -> None:
    found = gate(run(ctx, failed(OS)))
    assert (found.summary, "known" in found.counts) == ("1 findings in 1 file", False)
    assert states(ctx) == {OS.message: None}
