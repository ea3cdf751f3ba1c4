"""JUnit XML in the shapes of several test runners."""

from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.junit_xml import judge
from tests.unit.handlers.parsers.samples import junit

JEST = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="0.5">
  <testsuite name="sum" errors="0" failures="1" skipped="0" timestamp="2026-11-22T10:00:00" time="0.4" tests="2">
    <testcase classname="sum adds" name="sum adds" time="0.002" file="src/sum.test.js"></testcase>
    <testcase classname="sum fails" name="sum fails" time="0.001" file="/w/src/sum.test.js">
      <failure>Error: expect(received).toBe(expected)
    at Object.toBe (/w/src/sum.test.js:9:21)</failure>
    </testcase>
  </testsuite>
</testsuites>"""
GO = b"""<testsuites tests="2" failures="1" errors="0" time="0.01">
  <testsuite tests="2" failures="1" time="0.01" name="example.test/sum" timestamp="2026-11-22T10:00:00Z">
    <properties><property name="go.version" value="go1.23"></property></properties>
    <testcase classname="example.test/sum" name="TestAdds" time="0.0"></testcase>
    <testcase classname="example.test/sum" name="TestFails" time="0.0">
      <failure message="Failed" type="">=== RUN TestFails</failure>
    </testcase>
  </testsuite>
</testsuites>"""
SUREFIRE = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="a.SumTest" time="0.1" tests="3" errors="1" skipped="1" failures="0">
  <properties/>
  <testcase name="adds" classname="a.SumTest" time="0.01"/>
  <testcase name="later" classname="a.SumTest" time="0"><skipped message="not yet"/></testcase>
  <testcase name="breaks" classname="a.SumTest" time="0">
    <error message="null" type="java.lang.NullPointerException">java.lang.NullPointerException</error>
    <system-out>text</system-out>
  </testcase>
</testsuite>"""
NODE = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testcase name="alone" time="0.001" classname="test"/>
  <testsuite name="sums" time="0.002" disabled="0" errors="0" tests="2" failures="1" skipped="0" hostname="h">
    <testsuite name="inner" time="0.001" tests="1" failures="0" skipped="0" errors="0">
      <testcase name="adds" time="0.001" classname="test" file="/w/a.test.js"/>
    </testsuite>
    <testcase name="fails" time="0.001" classname="test" file="/w/a.test.js" failure="1 == 2">
      <failure type="testCodeFailure" message="1 == 2">stack</failure>
    </testcase>
  </testsuite>
</testsuites>"""


def judged(data: bytes, exit_code: int = 0, last: str = "") -> Evidence:
    return judge(data, exit_code=exit_code, last=last, workspace=Path("/w"))


@pytest.mark.parametrize(
    ("data", "counts", "finding"),
    [
        (
            JEST,
            (2, 1, 1, 0, 0),
            Finding("src/sum.test.js", 0, 0, "sum fails.sum fails", "error", "Error: expect(received).toBe(expected)"),
        ),
        (GO, (2, 1, 1, 0, 0), Finding("", 0, 0, "example.test/sum.TestFails", "error", "Failed")),
        (SUREFIRE, (3, 1, 0, 1, 1), Finding("", 0, 0, "a.SumTest.breaks", "error", "null")),
        (NODE, (3, 2, 1, 0, 0), Finding("a.test.js", 0, 0, "test.fails", "error", "1 == 2")),
    ],
    ids=["jest", "go", "surefire", "node"],
)
def test_shapes(data: bytes, counts: tuple[int, ...], finding: Finding) -> None:
    evidence = judged(data, 1)
    assert evidence.verdict is Verdict.FAILED
    assert tuple(evidence.counts[name] for name in ("tests", "passed", "failed", "errors", "skipped")) == counts
    assert evidence.findings == (finding,)


@pytest.mark.parametrize("data", [JEST, GO, SUREFIRE, NODE], ids=["jest", "go", "surefire", "node"])
def test_the_same_shapes_pass_without_their_failures(data: bytes) -> None:
    text = data.decode().replace('failures="1"', 'failures="0"').replace('errors="1"', 'errors="0"')
    for tag in ("failure", "error"):
        start, end = text.find(f"<{tag} "), text.find(f"</{tag}>")
        start = text.find(f"<{tag}>") if start < 0 else start
        text = text[:start] + text[end + len(tag) + 3 :] if end > 0 else text
    evidence = judged(text.encode())
    assert (evidence.verdict, evidence.findings) == (Verdict.PASSED, ())


@pytest.mark.parametrize(("suite", "line"), [("pytest", 5), ("other", 4)])
def test_pytest_counts_lines_from_0_and_others_from_1(suite: str, line: int) -> None:
    case = '<testcase name="a" file="a.py" line="4"><failure message="no"/></testcase>'
    evidence = judged(f'<testsuite name="{suite}" tests="1">{case}</testsuite>'.encode())
    assert evidence.findings[0].line == line


@pytest.mark.parametrize(
    ("attribute", "verdict"),
    [
        ('status="run" result="completed"', Verdict.PASSED),
        ('status="notrun"', Verdict.VACUOUS),
        ('status="run" result="suppressed"', Verdict.VACUOUS),
        ('status="failed"', Verdict.FAILED),
    ],
)
def test_some_say_in_an_attribute_how_a_test_ended(attribute: str, verdict: Verdict) -> None:
    assert judged(f'<testsuite tests="1"><testcase name="a" {attribute}/></testsuite>'.encode()).verdict is verdict


@pytest.mark.parametrize(
    ("data", "exit_code"),
    [
        (b"<testsuites><testsuite/></testsuites>", 0),
        (b'<testsuites tests="0" failures="0"/>', 0),
        (b'<testsuite tests="0"/>', 5),
        (junit('<testcase name="a"><skipped/></testcase>', 'tests="1" skipped="1"'), 0),
    ],
)
def test_no_test_that_passed_is_vacuous(data: bytes, exit_code: int) -> None:
    evidence = judged(data, exit_code)
    assert (evidence.verdict, evidence.counts["passed"]) == (Verdict.VACUOUS, 0)


def test_a_floor_that_was_not_reached_fails_though_every_test_passed() -> None:
    evidence = judged(junit('<testcase name="a"/>'), 1, ": coverage 40% is below 80%")
    assert evidence.summary == "1 test: 1 passed, yet the command exited with code 1: coverage 40% is below 80%"
    assert evidence.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("data", "exit_code", "told"),
    [
        (junit('<testcase name="a"/>', 'tests="2" failures="1"'), 0, "contradicts itself"),
        (junit("", 'tests="7"'), 0, "contradicts itself"),
        (junit('<testcase name="a"/>'), 2, "exited with code 2, yet reported no failure"),
        (junit('<testcase name="a"><skipped/></testcase>'), 1, "exited with code 1, yet reported no failure"),
        (b'<testsuite tests="-1"/>', 0, "'-1' is no number"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', 0, "declares a document type"),
        (b'<?xml version="1.0" encoding="zip"?><testsuite/>', 0, "encoding is not known"),
    ],
)
def test_what_cannot_be_believed_is_no_evidence(data: bytes, exit_code: int, told: str) -> None:
    with pytest.raises(NoEvidence, match=told):
        judged(data, exit_code)
