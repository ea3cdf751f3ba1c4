"""From a check to a step's outcome: what is kept, told and returned, for whatever check."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, digest_of_bytes
from nofx_cli.domain.outcome import Failed, GateEvaluation, StepError, Succeeded, Verdict
from nofx_cli.handlers.gates import evidence as evidence_module
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, GateHandler, run_program
from nofx_cli.ports.handler import StepCancelled, StepContext
from nofx_cli.testing import FakeContext, process_result


class Scripted:
    """A check whose evidence the test gives."""

    name = "tool"
    report = "tool.json"
    refused_args = ("--fix", "-o")

    def __init__(self, examine: Callable[[StepContext], Evidence]) -> None:
        self._examine = examine

    def applies(self, workspace: Path) -> bool:
        return True

    def command(self, exam: Examination) -> list[str]:
        return ["tool", str(exam.reports / "report")]

    def examine(self, exam: Examination) -> Evidence:
        return self._examine(exam.ctx)


def gate(evidence: Evidence) -> GateHandler:
    return GateHandler(("gate:scripted",), Scripted(lambda ctx: evidence))


def context(folder: Path, **inputs: object) -> FakeContext:
    given: JsonObject = inputs  # type: ignore[assignment] # the tests write JSON
    return FakeContext(folder, given, tool="gate:scripted")


FINDING = Finding("a.py", 3, 7, "F401", "error", "`os` imported but unused")


def test_a_pass_carries_counts_and_the_digest_of_the_kept_report(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    evidence = Evidence(Verdict.PASSED, "no findings", {"files": 3}, report=b"[]")
    assert gate(evidence).run(ctx) == Succeeded(
        {"verdict": "passed", "summary": "no findings", "files": 3},
        GateEvaluation("gate:scripted", Verdict.PASSED, "no findings", {"files": 3}, digest_of_bytes(b"[]")),
    )
    assert ctx.artifacts == {"tool.json": b"[]"}
    assert ctx.logged == ["passed: no findings"]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.FAILED, "gate-failed"),
        (Verdict.ERRORED, "gate-errored"),
        (Verdict.VACUOUS, "gate-vacuous"),
        (Verdict.SKIPPED, "gate-skipped"),
        (Verdict.TIMED_OUT, "timeout"),
    ],
)
def test_nothing_but_a_pass_succeeds(tmp_path: Path, verdict: Verdict, code: str) -> None:
    outcome = gate(Evidence(verdict, "because")).run(context(tmp_path))
    assert outcome == Failed(
        StepError(code, "because", "nofx logs 20260101-000000-aaaaaa step"),
        outputs={"verdict": verdict.value, "summary": "because"},
        gate=GateEvaluation("gate:scripted", verdict, "because"),
    )


def test_findings_are_kept_whole_and_the_first_are_logged(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    findings = tuple(replace(FINDING, line=line) for line in range(1, 26))
    gate(Evidence(Verdict.FAILED, "25 findings", findings=findings)).run(ctx)
    assert ctx.logged[0] == "a.py:1:7 F401 `os` imported but unused"
    assert ctx.logged[20:] == [
        "… and 5 more: nofx gates report 20260101-000000-aaaaaa",
        "failed: 25 findings",
    ]
    kept = json.loads(ctx.artifacts["findings.json"])
    assert len(kept) == 25
    assert kept[2] == {
        "path": "a.py",
        "line": 3,
        "column": 7,
        "rule": "F401",
        "severity": "error",
        "message": "`os` imported but unused",
        "tool": "tool",
        "fingerprint": kept[0]["fingerprint"].replace(":1", ":3"),
    }
    assert sorted(ctx.artifacts) == ["findings.json", "findings.sarif"]


def test_a_place_that_is_not_known_is_not_written() -> None:
    assert str(Finding("a.py", 0, 0, "r", "error", "m")) == "a.py r m"
    assert str(Finding("a.py", 2, 0, "r", "error", "m")) == "a.py:2 r m"


def test_no_evidence_is_an_error_with_its_hint(tmp_path: Path) -> None:
    def examine(ctx: StepContext) -> Evidence:
        raise NoEvidence("tool is not installed", hint="pip install tool", retryable=False)

    ctx = context(tmp_path)
    outcome = GateHandler(("gate:scripted",), Scripted(examine)).run(ctx)
    assert isinstance(outcome, Failed)
    assert ctx.artifacts == {}
    assert outcome.error == StepError("gate-errored", "tool is not installed", "pip install tool")
    assert outcome.gate == GateEvaluation("gate:scripted", Verdict.ERRORED, "tool is not installed")
    assert not outcome.retryable


def test_a_report_that_was_not_believed_is_kept_too(tmp_path: Path) -> None:
    def examine(ctx: StepContext) -> Evidence:
        (ctx.scratch / "tool" / "tool.json").write_bytes(b"half of it")
        raise NoEvidence("the report is not JSON")

    ctx = context(tmp_path)
    outcome = GateHandler(("gate:scripted",), Scripted(examine)).run(ctx)
    assert isinstance(outcome, Failed)
    assert outcome.gate is not None
    assert outcome.gate.digest == digest_of_bytes(b"half of it")
    assert ctx.artifacts == {"tool.json": b"half of it"}


class TestRunProgram:
    def test_an_exit_is_given_back_and_the_command_is_in_the_log(self, tmp_path: Path) -> None:
        ctx = context(tmp_path)
        ctx.processes = [process_result(7)]
        assert run_program(ctx, "tool", ["/bin/tool", "x"], env={"A": "1"}).exit_code == 7
        assert ctx.calls[0].env == {"A": "1"}
        assert ctx.logged == ["$ /bin/tool x"]

    def test_messages_can_go_to_a_file(self, tmp_path: Path) -> None:
        ctx = context(tmp_path)
        ctx.processes = [process_result()]
        run_program(ctx, "tool", ["/bin/tool", "x"], stderr=tmp_path / "messages")
        assert ctx.calls[0].argv == ("/bin/sh", "-c", 'exec "$@" 2>"$0"', str(tmp_path / "messages"), "/bin/tool", "x")

    def test_a_report_on_standard_output_can_go_to_a_file(self, tmp_path: Path) -> None:
        ctx = context(tmp_path)
        ctx.processes = [process_result()]
        run_program(ctx, "tool", ["/bin/tool"], stdout=tmp_path / "report", stderr=tmp_path / "messages")
        assert ctx.calls[0].argv == (
            *("/bin/sh", "-c", 'exec "$@" 2>"$0"', str(tmp_path / "messages")),
            *("/bin/sh", "-c", 'exec "$@" >"$0"', str(tmp_path / "report"), "/bin/tool"),
        )

    @pytest.mark.parametrize(
        ("answer", "verdict", "summary"),
        [
            (errors.NotFound("there is no tool"), Verdict.ERRORED, "there is no tool"),
            (errors.Denied("tool may not be executed"), Verdict.ERRORED, "tool may not be executed"),
            (process_result(None, signal="SIGSEGV"), Verdict.ERRORED, "tool was ended by SIGSEGV"),
            (
                process_result(None, signal="SIGTERM", stopped="timeout"),
                Verdict.TIMED_OUT,
                "tool did not end within its time limit",
            ),
        ],
    )
    def test_what_is_no_exit_is_no_evidence(
        self, tmp_path: Path, answer: Exception, verdict: Verdict, summary: str
    ) -> None:
        ctx = context(tmp_path)
        ctx.processes = [answer]
        with pytest.raises(NoEvidence) as caught:
            run_program(ctx, "tool", ["/bin/tool"])
        assert (caught.value.evidence.verdict, caught.value.evidence.summary) == (verdict, summary)

    def test_a_cancelled_program_is_no_verdict(self, tmp_path: Path) -> None:
        ctx = context(tmp_path)
        ctx.processes = [process_result(None, stopped="cancelled")]
        with pytest.raises(StepCancelled, match="cancelled"):
            run_program(ctx, "tool", ["/bin/tool"])


class TestReport:
    def test_it_is_read_whole(self, tmp_path: Path) -> None:
        (tmp_path / "report").write_bytes(b"abc")
        assert read_report(tmp_path / "report", by="tool") == b"abc"

    def test_one_that_is_not_there_is_no_evidence(self, tmp_path: Path) -> None:
        with pytest.raises(NoEvidence, match="tool ended without writing its report"):
            read_report(tmp_path / "report", by="tool")

    def test_a_link_or_a_pipe_in_its_place_is_refused_and_not_waited_for(self, tmp_path: Path) -> None:
        (tmp_path / "target").write_bytes(b"[]")
        (tmp_path / "link").symlink_to("target")
        os.mkfifo(tmp_path / "pipe")
        for name, told in (("link", "levels of symbolic"), ("pipe", "is no regular file"), (".", "Is a directory")):
            with pytest.raises(NoEvidence, match=told):
                read_report(tmp_path / name, by="tool")

    def test_one_that_is_too_long_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evidence_module, "REPORT_LIMIT", 1024 * 1024)
        (tmp_path / "report").write_bytes(b"x" * (1024 * 1024 + 1))
        with pytest.raises(NoEvidence, match="the report of tool is longer than 1 MiB"):
            read_report(tmp_path / "report", by="tool")


class TestInputs:
    @pytest.mark.parametrize(
        ("inputs", "faults"),
        [
            ({"paths": ["src", "a/b.py", "{{ params.x }}"], "args": ["-x", "--fixed", "-k", "a"]}, []),
            ({"path": ["x"]}, ["`path` is not an input of this tool; did you mean `paths`?"]),
            ({"paths": "src"}, ["`paths` must be a list, not a text"]),
            ({"paths": [1]}, ["`paths` must list texts"]),
            *(
                ({"paths": [path]}, [f"`paths` may not have `{path}`: it is not a path below the workspace"])
                for path in ("-x", "/etc", "../x", "a/../../x", "", "~")
            ),
            *(
                ({"args": [arg]}, [f"`args` may not have {option}: it would change what the gate measures"])
                for arg, option in (("--fix", "--fix"), ("--fix=x", "--fix"), ("-o", "-o"), ("-oout", "-o"))
            ),
            ({"args": ["--"]}, ["`args` may not have --: write what is to be examined under `paths`"]),
        ],
    )
    def test_they_are_checked_in_the_plan_and_once_more_when_rendered(
        self, tmp_path: Path, inputs: JsonObject, faults: list[str]
    ) -> None:
        handler = gate(Evidence(Verdict.PASSED, "x"))
        assert handler.check(inputs) == faults
        outcome = handler.run(FakeContext(tmp_path, inputs))
        if faults:
            assert isinstance(outcome, Failed)
            assert outcome.error.code == "inputs-invalid"
            assert outcome.gate is None
        else:
            assert isinstance(outcome, Succeeded)


class TestPreview:
    def test_it_is_the_command_and_the_same_at_each_attempt(self, tmp_path: Path) -> None:
        assert gate(Evidence(Verdict.PASSED, "x")).preview(context(tmp_path)) == {"argv": ("tool", "<scratch>/report")}

    def test_a_missing_program_is_told(self, tmp_path: Path) -> None:
        class Missing(Scripted):
            def command(self, exam: Examination) -> list[str]:
                raise NoEvidence("tool is not installed", hint="pip install tool")

        handler = GateHandler(("gate:scripted",), Missing(lambda ctx: Evidence(Verdict.PASSED, "x")))
        assert handler.preview(context(tmp_path)) == {
            "argv": [],
            "fault": "tool is not installed",
            "hint": "pip install tool",
        }
