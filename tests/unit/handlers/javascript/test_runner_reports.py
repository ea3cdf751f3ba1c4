"""What runners of tests report, as their versions of today write it, and what cannot be believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.javascript.package_tests import judge
from nofx_cli.handlers.gates.javascript.runners import JEST, MOCHA, NODE, VITEST

WORKSPACE = Path("/w")


def judged(runner: str, data: object, exit_code: int = 0) -> Evidence:
    report = data if isinstance(data, bytes) else json.dumps(data).encode()
    return judge(report, runner=runner, exit_code=exit_code, last=": the last words", workspace=WORKSPACE)


def node(*events: dict[str, Any], end: bool = True) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in [*events, *([{"type": "end"}] if end else [])])


def event(name: str, kind: str = "test", *, ok: bool = True, nesting: int = 0, **more: Any) -> dict[str, Any]:
    told = {"type": "test:pass" if ok else "test:fail", "kind": kind, "name": name, "nesting": nesting}
    return {**told, "file": "/w/a.test.js", "line": 4, "excused": False, "reason": "", **more}


def jest(*tests: dict[str, Any], failed: int | None = None, **file: Any) -> dict[str, Any]:
    number = sum(test["status"] == "failed" for test in tests) if failed is None else failed
    status = "failed" if number else "passed"
    whole = {"name": "/w/a.test.js", "status": status, "message": "", "assertionResults": list(tests), **file}
    return {"numFailedTests": number, "testResults": [whole]}


def outcome(title: str, status: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "ancestorTitles": ["price"], "status": status, "location": None, **more}


def mocha(tests: list[str], failures: list[str] | None = None, pending: list[str] | None = None) -> dict[str, Any]:
    def listed(names: list[str] | None) -> list[dict[str, Any]]:
        return [{"fullTitle": name, "file": "/w/a.js", "err": {"message": "1 == 2\nmore"}} for name in names or []]

    stats = {"failures": len(failures or [])}
    return {"stats": stats, "tests": listed(tests), "failures": listed(failures), "pending": listed(pending)}


FAILED = outcome("low", "failed", failureMessages=["\x1b[31mError: 1 is not 2\x1b[39m\n at x"], location={"line": 7})
EMPTY_JEST: dict[str, Any] = {"numFailedTests": 0, "testResults": []}


@pytest.mark.parametrize(
    ("runner", "report", "exit_code", "verdict", "summary"),
    [
        (NODE, node(event("one"), event("two", excused=True)), 0, "passed", "2 tests: 1 passed, 1 skipped"),
        (NODE, node(event("one", ok=False)), 1, "failed", "1 test: 1 failed: a.test.js: one"),
        (NODE, node(event("one", ok=False)), 0, "failed", "1 test: 1 failed: a.test.js: one"),
        (NODE, node(event("one", ok=False, excused=True)), 0, "vacuous", "no test passed: 1 test: 1 skipped"),
        (NODE, node(event("one")), 1, "failed", "1 test: 1 passed, yet npm exited with code 1: the last words"),
        (NODE, node(), 0, "vacuous", "no test ran"),
        (NODE, node(event("/w/a.test.js")), 0, "vacuous", "no test ran"),
        (NODE, node(event("w/a.test.js")), 0, "vacuous", "no test ran"),
        (NODE, node(event("/w/a.test.js", ok=False)), 1, "failed", "1 test: 1 error: a.test.js: collection"),
        (NODE, node(event("price", "suite")), 0, "vacuous", "no test ran"),
        (NODE, node(event("price", "suite", ok=False)), 1, "failed", "1 test: 1 error: a.test.js: price"),
        (JEST, jest(outcome("low", "passed"), outcome("no", "pending")), 0, "passed", "2 tests: 1 passed, 1 skipped"),
        (JEST, jest(FAILED), 1, "failed", "1 test: 1 failed: a.test.js: price > low"),
        (JEST, jest(status="failed", message="\n  bad\n"), 1, "failed", "1 test: 1 error: a.test.js: collection"),
        (JEST, EMPTY_JEST, 0, "vacuous", "no test ran"),
        (VITEST, jest(outcome("low", "todo")), 0, "vacuous", "no test passed: 1 test: 1 skipped"),
        (MOCHA, mocha(["a", "b"], pending=["b"]), 0, "passed", "2 tests: 1 passed, 1 skipped"),
        (MOCHA, mocha(["a", "b"], failures=["b"]), 1, "failed", "2 tests: 1 passed, 1 failed: a.js: b"),
        (MOCHA, mocha(["a"], failures=["hook"]), 1, "failed", "2 tests: 1 passed, 1 failed: a.js: hook"),
        (MOCHA, mocha([]), 0, "vacuous", "no test ran"),
    ],
)
def test_the_verdict_of_a_report(runner: str, report: object, exit_code: int, verdict: str, summary: str) -> None:
    evidence = judged(runner, report, exit_code)
    assert (evidence.verdict, evidence.summary) == (verdict, summary)


@pytest.mark.parametrize(
    ("runner", "report", "exit_code", "told"),
    [
        (NODE, b"", 0, "did not come to its end"),
        (NODE, node(event("one"), end=False), 0, "did not come to its end"),
        (NODE, node(event("one"))[:-3], 0, "not JSON"),
        (NODE, b"3\n", 0, "no JSON object"),
        (NODE, node(event("one")), 7, "npm exited with code 7, yet node reported no failure: the last words"),
        (NODE, node(), 1, "npm exited with code 1, yet node reported no failure"),
        (JEST, b"", 0, "is empty"),
        (JEST, b"[]", 0, "no JSON object"),
        (JEST, {}, 0, "`testResults` is no list"),
        (JEST, {"testResults": []}, 0, "`numFailedTests` is no count"),
        (JEST, jest(outcome("low", "passed"), failed=1, status="passed"), 1, "lists 0 failed tests of 1"),
        (MOCHA, {}, 0, "is no list"),
        (MOCHA, {**mocha(["a"]), "stats": {"failures": 2}}, 2, "lists 0 of 2 failures"),
    ],
)
def test_what_cannot_be_believed(runner: str, report: object, exit_code: int, told: str) -> None:
    with pytest.raises(NoEvidence, match=told) as caught:
        judged(runner, report, exit_code)
    assert caught.value.evidence.verdict is Verdict.ERRORED


def test_a_test_of_node_is_named_by_all_that_it_is_in() -> None:
    report = node(
        event("low", ok=False, nesting=2, reason="1 == 2", line=9),
        event("inner", "suite", ok=False, nesting=1, failure="subtestsFailed"),
        event("other", nesting=1),
        event("price", "suite", ok=False, failure="subtestsFailed"),
        event("alone"),
    )
    evidence = judged(NODE, report, 1)
    assert evidence.counts == {"tests": 3, "passed": 2, "failed": 1, "errors": 0, "skipped": 0}
    assert [finding.rule for finding in evidence.findings] == ["price > inner > low"]
    assert (evidence.findings[0].path, evidence.findings[0].line) == ("a.test.js", 9)


def test_tests_of_one_name_all_count() -> None:
    assert judged(NODE, node(event("one"), event("one"))).counts["tests"] == 2


def test_a_finding_tells_the_first_line_without_colours() -> None:
    finding = judged(JEST, jest(FAILED), 1).findings[0]
    assert (finding.path, finding.line, finding.message) == ("a.test.js", 7, "Error: 1 is not 2")
    assert judged(MOCHA, mocha(["a"], failures=["a"]), 1).findings[0].message == "1 == 2"


def test_a_failure_without_a_file_is_told_at_the_manifest() -> None:
    report = mocha(["a"], failures=["hook"])
    report["failures"][0]["file"] = None
    assert judged(MOCHA, report, 1).findings[0].path == "package.json"
