"""SARIF 2.1.0, and what scanners make of it."""

from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.parsers.sarif import judge
from tests.unit.handlers.parsers.samples import SARIF_RESULT, as_json, sarif


def judged(data: bytes, exit_code: int = 0) -> Evidence:
    return judge(data, exit_code=exit_code, workspace=Path("/w"))


def result(**more: object) -> dict[str, Any]:
    return {key: value for key, value in {**SARIF_RESULT, **more}.items() if value is not None}


def test_a_result_is_a_finding_at_its_place() -> None:
    evidence = judged(sarif(SARIF_RESULT))
    assert str(evidence.findings[0]) == "src/a.py:3:2 R1 wrong"
    assert evidence.counts == {"files": 1, "findings": 1, "errors": 1, "warnings": 0, "notes": 0, "suppressed": 0}
    assert evidence.summary == "1 finding in 1 file"


@pytest.mark.parametrize(
    ("level", "exit_code", "severity", "verdict"),
    [
        ("error", 0, "error", Verdict.FAILED),
        ("warning", 0, "warning", Verdict.FAILED),
        (None, 0, "warning", Verdict.FAILED),
        ("note", 0, "note", Verdict.PASSED),
        ("none", 0, "note", Verdict.PASSED),
        ("note", 1, "note", Verdict.FAILED),
    ],
)
def test_levels(level: str | None, exit_code: int, severity: str, verdict: Verdict) -> None:
    evidence = judged(sarif(result(level=level)), exit_code)
    assert (evidence.findings[0].severity, evidence.verdict) == (severity, verdict)


@pytest.mark.parametrize("named", [{"ruleId": "R9", "ruleIndex": 1}, {"rule": {"index": 1}}, {"ruleId": "R9"}])
def test_the_level_the_name_and_the_words_may_stand_with_the_rule(named: dict[str, object]) -> None:
    rule = {
        "id": "R9",
        "defaultConfiguration": {"level": "note"},
        "messageStrings": {"m": {"text": "said by the rule"}},
    }
    driver = {"name": "scan", "rules": [{"id": "R0"}, rule]}
    one = {**result(level=None, ruleId=None, message={"id": "m"}), **named}
    (finding,) = judged(sarif(one, tool={"driver": driver})).findings
    assert (finding.rule, finding.severity, finding.message) == ("R9", "note", "said by the rule")


@pytest.mark.parametrize(
    ("more", "verdict", "findings"),
    [
        ({"kind": "pass"}, Verdict.PASSED, 0),
        ({"kind": "notApplicable"}, Verdict.PASSED, 0),
        ({"kind": "review"}, Verdict.PASSED, 1),
        ({"baselineState": "absent"}, Verdict.PASSED, 0),
        ({"baselineState": "unchanged"}, Verdict.PASSED, 1),
        ({"baselineState": "updated"}, Verdict.FAILED, 1),
        ({"baselineState": "new"}, Verdict.FAILED, 1),
        ({"suppressions": [{"kind": "inSource"}]}, Verdict.PASSED, 0),
        ({"suppressions": [{"kind": "inSource", "status": "rejected"}]}, Verdict.FAILED, 1),
        ({"suppressions": [{"kind": "inSource"}, {"status": "underReview"}]}, Verdict.FAILED, 1),
        ({"suppressions": []}, Verdict.FAILED, 1),
    ],
)
def test_what_is_no_new_fault_does_not_block(more: dict[str, object], verdict: Verdict, findings: int) -> None:
    evidence = judged(sarif(result(**more)))
    assert (evidence.verdict, len(evidence.findings)) == (verdict, findings)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ({"uri": "file:///w/src/b%20c.py"}, "src/b c.py"),
        ({"uri": "/w/src/b.py"}, "src/b.py"),
        ({"uri": "./src/../b.py"}, "b.py"),
        ({"uri": "../b.py"}, "/b.py"),
        ({"uri": "b.py", "uriBaseId": "SRC"}, "lib/b.py"),
        ({"uri": "b.py", "uriBaseId": "%SRCROOT%"}, "b.py"),
        ({"index": 0}, "src/a.py"),
        ({}, ""),
    ],
)
def test_paths_are_relative_to_the_workspace(location: dict[str, object], path: str) -> None:
    one = result(locations=[{"physicalLocation": {"artifactLocation": location}}])
    (finding,) = judged(sarif(one, originalUriBaseIds={"SRC": {"uri": "file:///w/lib/"}})).findings
    assert finding.path == path


@pytest.mark.parametrize(
    ("artifacts", "files"),
    [
        ([{"location": {"uri": "a"}}, {"location": {"uri": "b"}}], 2),
        ([{"location": {"uri": "a"}, "roles": ["analysisTarget"]}, {"location": {"uri": "b"}, "roles": ["driver"]}], 1),
        ([], 0),
    ],
)
def test_artifacts_are_what_was_examined(artifacts: list[object], files: int) -> None:
    evidence = judged(sarif(artifacts=artifacts))
    assert evidence.counts["files"] == files
    assert evidence.verdict is (Verdict.PASSED if files else Verdict.VACUOUS)


def test_without_artifacts_it_is_not_known_how_much_was_examined() -> None:
    evidence = judged(sarif(artifacts=None))
    assert (evidence.verdict, evidence.summary) == (
        Verdict.VACUOUS,
        "no findings, but scan does not say how many files it examined",
    )
    assert "files" not in evidence.counts


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (sarif(invocations=[{"executionSuccessful": False}]), "scan says that it did not succeed"),
        (
            sarif(
                invocations=[
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [{"level": "error", "message": {"text": "a.py does not parse"}}],
                    }
                ]
            ),
            "scan met an error: a.py does not parse",
        ),
        (sarif(results=None), "`results` of scan is no list of JSON objects"),
        (as_json({"version": "2.0.0", "runs": []}), "is no SARIF 2.1"),
        (as_json({"runs": []}), "its version is not given"),
        (as_json({"version": "2.1.0", "runs": []}), "has no run"),
    ],
)
def test_a_run_that_did_not_succeed_is_no_evidence(data: bytes, told: str) -> None:
    with pytest.raises(NoEvidence, match=told):
        judged(data)


def test_a_log_may_have_a_byte_order_mark_and_tell_its_version_by_its_schema() -> None:
    log = {"$schema": "https://x.test/sarif-2.1.0-rtm.5.json", "runs": [{"results": [], "artifacts": []}]}
    assert judged(b"\xef\xbb\xbf" + as_json(log)).verdict is Verdict.VACUOUS


def test_a_failed_run_beside_a_clean_one_is_no_evidence() -> None:
    clean: dict[str, Any] = {"results": [], "artifacts": [{"location": {"uri": "a"}}]}
    log = {"version": "2.1.0", "runs": [clean, {**clean, "invocations": [{"executionSuccessful": False}]}]}
    with pytest.raises(NoEvidence):
        judged(as_json(log))
