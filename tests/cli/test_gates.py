"""`nofx gates`, and what `nofx run` writes of gates for other programs."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from junitparser import JUnitXml

from nofx_cli.domain import events as ev
from nofx_cli.domain.findings import Finding, findings_json, gathered
from nofx_cli.domain.outcome import StepError
from tests.cli.console import COMMAND, EVIL, RUN, STARTED, Console, Entry, Records, harmless
from tests.cli.runner import FAIL, Runner
from tests.sarif import log_of

PLAN = """\
version: 1
steps:
  - {name: lint, tool: "gate:lint", needs: []}
  - {name: tests, tool: "gate:unit", needs: []}
  - {name: deploy, tool: "test:echo", needs: []}
"""
OS = Finding("a.py", 1, 8, "F401", "error", "`os` imported but unused", "ruff")
SYS = Finding("a.py", 2, 8, "F401", "warning", "`sys` imported but unused", "ruff")


def found(*findings: Finding) -> Sequence[Finding]:
    return gathered(findings, lambda path, line: "")


class Gates:
    """A run of gates, told step by step."""

    def __init__(self, records: Records, cli: Console) -> None:
        self.records, self.cli = records, cli
        self.run = RUN

    def begin(self, run: str = RUN, *, path: str = "") -> None:
        created = self.records.created(PLAN, workspace={"path": path or str(self.cli.folder)})
        self.run = self.records.add(PLAN, [STARTED], run=run, created=created)

    def tell(self, *entries: Entry) -> None:
        self.records.append(self.run, *entries)

    def start(self, step: str = "lint", *, tool: str = "gate:lint", attempt: int = 1) -> None:
        self.tell((ev.StepEnqueued(), step), (ev.StepStarted(tool, "", "55" * 32, "ada"), step, attempt))

    def end(self, step: str, error: StepError | None, *, attempt: int = 1) -> None:
        self.tell((ev.StepFinished("failed" if error else "succeeded", {}, error, 20), step, attempt))

    def judge(
        self, step: str, verdict: str, *findings: Finding, tool: str = "gate:lint", attempt: int = 1, ends: bool = True
    ) -> None:
        """Everything that happens to a gate."""
        self.start(step, tool=tool, attempt=attempt)
        if findings:
            data = findings_json(found(*findings)).encode()
            kept = self.records.artifact("findings.json", data, step=step, attempt=attempt, run=self.run)
            self.tell((kept, step, attempt))
        summary, counts = f"{len(findings)} findings in 1 file", {"files": 1, "findings": len(findings)}
        self.tell((ev.GateEvaluated(tool, verdict, "blocking", summary, counts, ""), step, attempt))
        if ends:
            error = None if verdict == "passed" else StepError(f"gate-{verdict}", summary, "see the log")
            self.end(step, error, attempt=attempt)


@pytest.fixture
def gates(records: Records, cli: Console) -> Gates:
    """A run of this project that has begun."""
    told = Gates(records, cli)
    told.begin()
    return told


class TestReport:
    def test_the_fields_of_a_gate(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        (finding,) = found(OS)
        assert cli.json("gates", "report") == {
            "run": RUN,
            "gates": [
                {
                    "step": "lint",
                    "gate": "gate:lint",
                    "attempt": 1,
                    "verdict": "failed",
                    "blocking": True,
                    "summary": "1 findings in 1 file",
                    "hint": "see the log",
                    "counts": {"files": 1, "findings": 1},
                    "duration_ms": 20,
                    "findings": [
                        {
                            "path": "a.py",
                            "line": 1,
                            "column": 8,
                            "rule": "F401",
                            "severity": "error",
                            "message": "`os` imported but unused",
                            "tool": "ruff",
                            "fingerprint": finding.fingerprint,
                            "known": False,
                        }
                    ],
                }
            ],
        }

    def test_the_page_has_every_finding_worst_first(self, cli: Console, gates: Gates) -> None:
        notes = [replace(OS, path="0.py", line=line, severity="note") for line in range(1, 41)]
        gates.judge("lint", "failed", *notes, OS)
        gates.judge("tests", "passed")
        told = cli.ok("gates", "report").splitlines()
        assert told[0] == "gate:lint  failed  41 findings in 1 file  20ms"
        assert told[2] == "  a.py:1:8 F401 `os` imported but unused"
        assert len([line for line in told if line.startswith("  0.py:")]) == 40
        assert "gate:lint (tests)  passed  0 findings in 1 file  20ms" in told

    def test_what_has_not_ended_is_not_reported(self, cli: Console, gates: Gates) -> None:
        gates.start()
        result = cli("gates", "report")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"no gate of run {RUN} has ended\n"

    def test_a_gate_that_failed_without_a_verdict_is_errored(self, cli: Console, gates: Gates) -> None:
        gates.start()
        gates.end("lint", StepError("handler-fault", "it raised"))
        gates.tell((ev.StepSkipped(ev.SkipReason.NEED_FAILED, "lint"), "tests"))
        lint, tests = cli.json("gates", "report")["gates"]
        assert (lint["verdict"], lint["summary"]) == ("errored", "it raised")
        assert (tests["verdict"], tests["gate"], tests["summary"]) == (
            "skipped",
            "gate:unit",
            "the step was skipped: lint",
        )

    def test_a_step_that_failed_after_its_gate_passed_is_no_pass(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "passed", ends=False)
        gates.end("lint", StepError("artifact-missing", "nothing matches"))
        (lint,) = cli.json("gates", "report")["gates"]
        assert (lint["verdict"], lint["summary"]) == ("failed", "nothing matches")

    def test_the_last_attempt_counts(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS, SYS)
        gates.tell((ev.StepReset("retry"), "lint"))
        gates.judge("lint", "failed", SYS, attempt=2)
        (lint,) = cli.json("gates", "report")["gates"]
        assert (lint["attempt"], [finding["message"] for finding in lint["findings"]]) == (2, [SYS.message])

    def test_what_was_rolled_back_does_not_count(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        ended = gates.records.store.head(RUN).seq
        gates.tell((ev.StepReset("retry"), "lint"))
        gates.judge("lint", "failed", SYS, attempt=2)
        gates.tell(ev.RunRolledBack(ended))
        (lint,) = cli.json("gates", "report")["gates"]
        assert (lint["attempt"], [finding["message"] for finding in lint["findings"]]) == (1, [OS.message])

    def test_foreign_text_is_harmless(self, cli: Console, gates: Gates) -> None:
        odd = Finding(EVIL, 1, 1, EVIL, "error", f"{COMMAND}\n{EVIL}")
        gates.judge("lint", "failed", odd)
        for words in (["gates", "report"], ["show"], ["gates", "report", "--json"]):
            text = cli.ok(*words)
            assert words[-1] == "--json" or harmless(text)
            assert not any(line.lstrip().startswith("::") for line in text.splitlines())

    def test_findings_that_were_changed_are_not_reported(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        next(gates.records.layout.run(RUN).rglob("findings.json")).write_text("[]")
        result = cli("gates", "report")
        assert result.exit_code == 5
        assert "artifact-changed" in result.stderr


class TestFiles:
    def test_every_format(self, cli: Console, gates: Gates, tmp_path: Path) -> None:
        gates.judge("lint", "failed", OS)
        gates.judge("tests", "errored")
        places = {name: tmp_path / f"out.{name}" for name in ("sarif", "junit", "gitlab")}
        result = cli("gates", "report", *(word for name, place in places.items() for word in (f"--{name}", str(place))))
        assert (result.exit_code, result.stdout) == (0, "")
        runs = log_of(places["sarif"].read_text("utf-8"))["runs"]
        assert [run["properties"]["verdict"] for run in runs] == ["failed", "errored"]
        read = JUnitXml.fromfile(str(places["junit"]))
        assert (read.name, read.tests, read.failures, read.errors) == (f"nofx {RUN}", 2, 1, 1)
        assert len(json.loads(places["gitlab"].read_text("utf-8"))) == 2

    def test_standard_output_has_just_the_file(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        assert len(log_of(cli.ok("gates", "report", "--sarif", "-"))["runs"]) == 1
        assert json.loads(cli.ok("gates", "report", "--gitlab", "-"))

    @pytest.mark.parametrize(
        "words",
        [
            ["--sarif", "-", "--json"],
            ["--sarif", "-", "--junit", "-"],
            ["--sarif", "no/such/folder.sarif"],
            ["--junit", "."],
            ["--junit", "pipe"],
        ],
    )
    def test_places_that_will_not_do(self, cli: Console, gates: Gates, words: list[str]) -> None:
        gates.judge("lint", "passed")
        os.mkfifo(cli.folder / "pipe")
        assert cli("gates", "report", *words).exit_code == 2
        assert (cli.folder / "pipe").is_fifo()

    def test_secrets_are_in_none_of_them(
        self, cli: Console, gates: Gates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret = 'cana"ry<&>\\ü-4711'
        monkeypatch.setenv("MY_SECRET", secret)
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        leaky = Finding("a.py", 1, 1, "S105", "error", f"password is {secret}")
        gates.judge("lint", "failed", leaky)
        told = [cli("gates", "report", flag, "-").output for flag in ("--sarif", "--junit", "--gitlab")]
        told += [cli("gates", "report", "--github").output, cli("gates", "report", "--json").output]
        told += [cli("gates", "report").output, cli("show").output, (tmp_path / "summary.md").read_text("utf-8")]
        for text in told:
            assert "password is" in text
            assert "cana" not in text


class TestRun:
    def test_files_are_written_also_when_the_run_fails(self, nofx: Runner, tmp_path: Path) -> None:
        place = tmp_path / "out.sarif"
        nofx.run('  - {name: lint, tool: "gate:lint", needs: []}\n' + FAIL, "--sarif", str(place), code=1)
        (run,) = log_of(place.read_text("utf-8"))["runs"]
        assert run["properties"]["gate"] == "gate:lint"

    def test_no_gate_is_an_empty_report(self, nofx: Runner, tmp_path: Path) -> None:
        nofx.run(FAIL, "--gitlab", str(tmp_path / "out.json"), code=1)
        assert json.loads((tmp_path / "out.json").read_text()) == []

    def test_nothing_is_written_of_a_plan_that_is_invalid(self, nofx: Runner, tmp_path: Path) -> None:
        nofx("run", nofx.plan("  - {name: a, tool: nothing}\n"), "--sarif", str(tmp_path / "out.sarif"), code=3)
        assert not (tmp_path / "out.sarif").exists()

    @pytest.mark.parametrize(
        "words",
        [["--sarif", "-"], ["--sarif", "no/folder"], ["--junit", "x", "--dry-run"], ["--junit", "x", "--detach"]],
    )
    def test_what_cannot_be_written_is_told_before_anything_runs(self, nofx: Runner, words: list[str]) -> None:
        nofx("run", nofx.plan(FAIL), *words, code=2)
        assert nofx.runs() == []


def recorded(cli: Console) -> list[tuple[str, str, int]]:
    data = json.loads((cli.folder / "nofx-baseline.json").read_text("utf-8"))
    return [(entry["gate"], entry["path"], entry["count"]) for entry in data["findings"]]


class TestBaseline:
    def test_the_findings_of_the_latest_run_are_recorded(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS, SYS)
        assert cli.ok("gates", "baseline", "--note", "legacy") == "nofx-baseline.json: 2 known, 2 added, 0 removed\n"
        assert recorded(cli) == [("gate:lint", "a.py", 1), ("gate:lint", "a.py", 1)]
        text = (cli.folder / "nofx-baseline.json").read_text()
        assert json.loads(text)["note"] == "legacy"
        assert "imported" not in text
        assert cli.ok("gates", "baseline") == "nofx-baseline.json: 2 known, 0 added, 0 removed\n"

    def test_the_fields_of_its_result(self, cli: Console, gates: Gates) -> None:
        broken = replace(OS, rule="invalid-syntax")
        gates.judge("lint", "failed", OS, broken)
        gates.judge("tests", "failed", OS, tool="gate:unit")
        told = cli.json("gates", "baseline")
        assert [finding.pop("fingerprint") != "" for finding in told["uncovered"]] == [True]
        assert told == {
            "path": str(cli.folder / "nofx-baseline.json"),
            "known": 1,
            "added": 1,
            "removed": 0,
            "gates": ["gate:lint"],
            "left_out": {"gate:unit": "failing tests and missing coverage have no baseline"},
            "uncovered": [
                {
                    "path": "a.py",
                    "line": 1,
                    "column": 8,
                    "rule": "invalid-syntax",
                    "severity": "error",
                    "message": OS.message,
                    "tool": "ruff",
                    "known": False,
                }
            ],
        }

    def test_only_the_gates_that_are_named(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        gates.judge("tests", "failed", SYS, tool="gate:sast")
        cli.ok("gates", "baseline", "--gate", "sast")
        assert recorded(cli) == [("gate:sast", "a.py", 1)]
        cli.ok("gates", "baseline", "--gate", "gate:lint")
        assert recorded(cli) == [("gate:lint", "a.py", 1), ("gate:sast", "a.py", 1)]

    def test_pruning_adds_nothing(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS, SYS)
        cli.ok("gates", "baseline", "--note", "legacy")
        third = replace(OS, path="new.py")
        gates.begin("20260101-130000-bbbbbb")
        gates.judge("lint", "failed", SYS, third)
        assert cli.ok("gates", "baseline", "--prune") == "nofx-baseline.json: 1 known, 0 added, 1 removed\n"
        assert recorded(cli) == [("gate:lint", "a.py", 1)]
        assert "legacy" in (cli.folder / "nofx-baseline.json").read_text()

    @pytest.mark.parametrize("verdict", ["errored", "vacuous", "timed_out"])
    def test_a_gate_without_a_result_cannot_be_recorded(self, cli: Console, gates: Gates, verdict: str) -> None:
        gates.judge("lint", verdict, OS)
        result = cli("gates", "baseline")
        assert result.exit_code == 2
        assert "no-gate-to-record" in result.stderr
        assert not (cli.folder / "nofx-baseline.json").exists()

    def test_a_gate_that_the_run_has_not_is_told(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        result = cli("gates", "baseline", "--gate", "sast", "--gate", "lint")
        assert result.exit_code == 2
        assert "the run has no gate:sast that has ended" in result.stderr

    def test_without_a_run_there_is_nothing_to_record(self, cli: Console) -> None:
        assert cli("gates", "baseline").exit_code == 4

    def test_a_run_of_another_project_is_refused(self, cli: Console, gates: Gates) -> None:
        gates.begin("20260101-130000-bbbbbb", path="/somewhere/else")
        gates.judge("lint", "failed", OS)
        result = cli("gates", "baseline")
        assert result.exit_code == 2
        assert "run-of-another-project" in result.stderr

    def test_a_broken_baseline_is_not_overwritten(self, cli: Console, gates: Gates) -> None:
        gates.judge("lint", "failed", OS)
        (cli.folder / "nofx-baseline.json").write_text("{")
        result = cli("gates", "baseline")
        assert result.exit_code == 3
        assert (cli.folder / "nofx-baseline.json").read_text() == "{"


def test_show_has_the_worst_findings_of_failed_gates(cli: Console, gates: Gates) -> None:
    many = [replace(OS, line=line) for line in range(1, 31)]
    gates.judge("lint", "failed", *many)
    told = cli.ok("show").splitlines()
    assert "lint  failed: 30 findings in 1 file" in told
    assert "  a.py:1:8 F401 `os` imported but unused" in told
    assert f"  … and 10 more: nofx gates report {RUN}" in told


class TestList:
    def test_every_gate_with_what_it_would_run(self, cli: Console) -> None:
        (cli.folder / "pyproject.toml").touch()
        told = {gate["tool"]: gate for gate in cli.json("gates", "list")}
        assert {"gate:lint", "gate:unit"} <= set(told)
        assert told["gate:lint"].keys() == {"step", "tool", "would", "later"}
        assert "check" in told["gate:lint"]["would"]["argv"]
        assert "gate:lint " in cli.ok("gates", "list")

    def test_gates_that_the_project_declares(self, cli: Console) -> None:
        (cli.folder / "nofx.yaml").write_text("gates:\n  spelling: {command: [codespell, src]}\n")
        assert "gate:spelling" in [gate["tool"] for gate in cli.json("gates", "list")]
        assert "gate:spelling" in cli.ok("gates", "list")
