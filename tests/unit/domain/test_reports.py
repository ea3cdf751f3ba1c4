"""SARIF, JUnit XML and GitLab's report: read back by what reads them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from junitparser import JUnitXml

from nofx_cli.domain.findings import KNOWN, NEW, Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.domain.reports.gitlab import gitlab_text
from nofx_cli.domain.reports.junit import junit_text
from nofx_cli.domain.reports.sarif import sarif_text
from tests.sarif import log_of

ERROR = Finding("src/a.py", 3, 7, "F401", "error", "`os` imported but unused", "ruff", "aa11:1")
WARNING = Finding("src/b.py", 0, 0, "W1", "warning", "odd", "ruff", "bb22:1")
NOWHERE = Finding("", 0, 0, "CVE-1", "note", "", "pip-audit", "cc33:1")
ODD = replace(
    ERROR,
    path="a b/ü#?:%.py",
    rule='<"&>',
    message="\x1b[31m ]]> \x00\ud800\ufffe <x> & \"'\r\n\t::error::",
    fingerprint="dd44:1",
)
FAILED = GateReport(
    step="lint",
    gate="gate:lint",
    verdict=Verdict.FAILED,
    summary="2 findings in 1 file",
    counts={"files": 1, "findings": 2},
    findings=(ERROR, WARNING),
    run="20261122-091530-7k3f9q",
    started_at="2026-11-22T09:15:30.000000Z",
    ended_at="2026-11-22T09:15:31.000000Z",
    duration_ms=1234,
)
PASSED = replace(FAILED, verdict=Verdict.PASSED, summary="no findings", findings=())
NO_RESULT = [Verdict.ERRORED, Verdict.VACUOUS, Verdict.TIMED_OUT]


def gate(verdict: Verdict, *findings: Finding, **fields: Any) -> GateReport:
    return replace(FAILED, verdict=verdict, findings=findings, **fields)


class TestSarif:
    def run(self, report: GateReport) -> Any:
        (run,) = log_of(sarif_text([report], version="1.2.3"))["runs"]
        return run

    def test_a_gate_with_findings(self) -> None:
        run = self.run(FAILED)
        assert run["tool"]["driver"] == {
            "name": "nofx",
            "fullName": "nofx 1.2.3 gate:lint",
            "version": "1.2.3",
            "rules": [{"id": "F401"}, {"id": "W1"}],
        }
        assert run["results"][0] == {
            "ruleId": "F401",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "`os` imported but unused"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "src/a.py", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 3, "startColumn": 7},
                    }
                }
            ],
            "partialFingerprints": {"nofx/v1": "aa11:1"},
            "properties": {"tool": "ruff"},
        }
        assert run["invocations"] == [
            {
                "executionSuccessful": True,
                "exitCode": 1,
                "exitCodeDescription": "failed: 2 findings in 1 file",
                "startTimeUtc": "2026-11-22T09:15:30.000000Z",
                "endTimeUtc": "2026-11-22T09:15:31.000000Z",
            }
        ]

    def test_a_pass_is_a_run_without_results(self) -> None:
        run = self.run(PASSED)
        assert (run["results"], run["invocations"][0]["exitCode"]) == ([], 0)

    @pytest.mark.parametrize("verdict", NO_RESULT)
    def test_a_gate_without_a_result_was_no_success(self, verdict: Verdict) -> None:
        (invocation,) = self.run(gate(verdict, summary="ruff is not installed", hint="pip install ruff"))["invocations"]
        assert not invocation["executionSuccessful"]
        (told,) = invocation["toolExecutionNotifications"]
        assert told["level"] == "error"
        assert told["message"]["text"] == f"{verdict.value}: ruff is not installed (pip install ruff)"

    def test_what_a_baseline_says(self) -> None:
        run = self.run(gate(Verdict.FAILED, replace(ERROR, state=KNOWN), replace(WARNING, state=NEW)))
        assert [result["baselineState"] for result in run["results"]] == ["unchanged", "new"]

    def test_findings_without_a_place_or_a_message(self) -> None:
        without_line, nowhere = self.run(gate(Verdict.FAILED, WARNING, NOWHERE))["results"]
        assert "region" not in without_line["locations"][0]["physicalLocation"]
        assert "locations" not in nowhere
        assert nowhere["message"] == {"text": "CVE-1"}

    @pytest.mark.parametrize(
        ("path", "uri"),
        [
            ("a b/ü#?%.py", "a%20b/%C3%BC%23%3F%25.py"),
            ("c:/x.py", "c%3A/x.py"),
            ("/usr/x.py", "file:///usr/x.py"),
        ],
    )
    def test_paths_are_uris(self, path: str, uri: str) -> None:
        (result,) = self.run(gate(Verdict.FAILED, replace(ERROR, path=path)))["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri

    def test_every_gate_of_a_run_is_a_category_of_its_own(self) -> None:
        log = log_of(sarif_text([FAILED, replace(FAILED, step="lint-2")], version="1"))
        assert [run["automationDetails"]["id"] for run in log["runs"]] == [
            "nofx/lint/20261122-091530-7k3f9q",
            "nofx/lint-2/20261122-091530-7k3f9q",
        ]

    def test_no_gate_is_a_log_without_runs(self) -> None:
        assert log_of(sarif_text([], version="1"))["runs"] == []


def suites(*reports: GateReport) -> JUnitXml:
    return JUnitXml.fromstring(junit_text(reports, name="nofx x").encode("utf-8", "strict"))


def cases(report: GateReport) -> list[tuple[str, list[tuple[str, str]]]]:
    (suite,) = suites(report)
    return [(case.name, [(type(r).__name__, r.message) for r in case.result]) for case in suite]


class TestJunit:
    def test_a_suite_a_gate_and_a_failed_case_a_finding(self) -> None:
        text = suites(FAILED, PASSED)
        assert (text.tests, text.failures, text.errors, text.skipped) == (3, 2, 0, 0)
        first, second = text
        assert (first.name, first.tests, first.failures, first.time) == ("lint", 2, 2, 1.234)
        assert (first.timestamp, second.tests) == ("2026-11-22T09:15:30", 1)
        told = {item.name: item.value for item in first.properties()}  # type: ignore[no-untyped-call] # it has no types
        assert told["verdict"] == "failed"
        assert cases(FAILED) == [
            ("src/a.py:3:7 F401", [("Failure", "`os` imported but unused")]),
            ("src/b.py W1", [("Failure", "odd")]),
        ]
        assert sum(case.time for case in first) == first.time

    def test_a_pass_is_one_case_that_passed(self) -> None:
        assert cases(PASSED) == [("gate:lint", [])]

    def test_what_does_not_block_is_a_skipped_case(self) -> None:
        assert cases(gate(Verdict.PASSED, replace(ERROR, state=KNOWN), WARNING)) == [
            ("gate:lint", []),
            ("src/a.py:3:7 F401", [("Skipped", "in the baseline: `os` imported but unused")]),
            ("src/b.py W1", [("Skipped", "does not block: odd")]),
        ]

    @pytest.mark.parametrize("verdict", NO_RESULT)
    def test_a_gate_without_a_result_is_an_error(self, verdict: Verdict) -> None:
        assert cases(gate(verdict, summary="it broke")) == [("gate:lint", [("Error", "it broke")])]

    def test_a_failure_without_findings_is_a_failed_case(self) -> None:
        assert cases(gate(Verdict.FAILED)) == [("gate:lint", [("Failure", "2 findings in 1 file")])]

    def test_a_skipped_gate_is_a_skipped_case(self) -> None:
        assert cases(gate(Verdict.SKIPPED, summary="switched off")) == [("gate:lint", [("Skipped", "switched off")])]

    def test_cases_of_one_name_are_told_apart(self) -> None:
        names = [name for name, _ in cases(gate(Verdict.FAILED, ERROR, replace(ERROR, message="b")))]
        assert names == ["src/a.py:3:7 F401", "src/a.py:3:7 F401 (2)"]

    def test_it_is_valid_whatever_the_text(self) -> None:
        report = gate(Verdict.FAILED, ODD, summary=ODD.message, step=ODD.message, hint=ODD.message)
        ((name, [(kind, message)]),) = cases(report)
        assert (name, kind) == ('a b/ü#?:%.py:3:7 <"&>', "Failure")
        assert message == "\\x1b[31m ]]> \\x00\\ud800\\ufffe <x> & \"' ::error::"
        (suite,) = suites(report)
        assert suite.name == "\\x1b[31m ]]> \\x00\\ud800\\ufffe <x> & \"'\r\n\t::error::"


class TestGitlab:
    def test_an_entry_a_finding(self) -> None:
        first, second, third = json.loads(gitlab_text([gate(Verdict.FAILED, ERROR, WARNING, NOWHERE)]))
        assert first == {
            "description": "`os` imported but unused",
            "check_name": "F401",
            "fingerprint": "aa11:1",
            "severity": "major",
            "location": {"path": "src/a.py", "lines": {"begin": 3}},
        }
        assert (second["severity"], second["location"]) == ("minor", {"path": "src/b.py", "lines": {"begin": 1}})
        assert (third["severity"], third["description"]) == ("info", "CVE-1")
        assert third["location"]["path"]

    def test_the_same_finding_of_two_gates_is_there_once(self) -> None:
        assert len(json.loads(gitlab_text([FAILED, replace(FAILED, step="again")]))) == 2

    @pytest.mark.parametrize("verdict", NO_RESULT)
    def test_a_gate_without_a_result_does_not_look_clean(self, verdict: Verdict) -> None:
        (entry,) = json.loads(gitlab_text([gate(verdict, summary="it broke")]))
        assert entry["description"] == f"gate:lint {verdict.value}: it broke"
        assert entry["severity"] == "blocker"

    def test_passes_are_an_empty_list(self) -> None:
        assert json.loads(gitlab_text([PASSED, gate(Verdict.SKIPPED)])) == []
