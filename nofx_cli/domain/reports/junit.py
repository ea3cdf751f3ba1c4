"""JUnit XML, as CI systems read it: a test suite for each gate.

verdict                          the suite's test cases
passed                           one that passed, named as the gate; known findings are skipped ones
failed                           one that failed for each new finding; one named as the gate where there is none
errored, vacuous, timed out      one with an error, named as the gate, and the findings
skipped                          one that was skipped, with the reason

The text comes from tools: whatever XML 1.0 cannot hold (most control characters, lone surrogates) is written as an
escape such as `\\x1b`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from nofx_cli.domain.findings import KNOWN, Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.record import record
from nofx_cli.domain.reports.gate_report import GateReport

_OUTCOMES = ("failure", "error", "skipped")
_FORBIDDEN = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


@record
class _Case:
    """A test case; `outcome` is empty where it passed."""

    name: str
    outcome: str = ""
    message: str = ""
    type: str = ""
    text: str = ""
    place: Mapping[str, str] = field(default_factory=dict)


def junit_text(reports: Iterable[GateReport], *, name: str) -> str:
    """The suites of the reports, together called `name`."""
    suites = [(report, _distinct(_cases(report))) for report in reports]
    cases = [case for _, found in suites for case in found]
    seconds = _seconds(sum(report.duration_ms for report, _ in suites))
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    lines.append(f"<testsuites{_attributes({'name': name, **_totals(cases), 'time': seconds})}>")
    for report, found in suites:
        lines += _suite(report, found)
    return "\n".join([*lines, "</testsuites>", ""])


def _suite(report: GateReport, cases: list[_Case]) -> Iterator[str]:
    seconds = _seconds(report.duration_ms)
    told = {"name": report.step, **_totals(cases), "time": seconds, "timestamp": report.started_at[:19]}
    yield f" <testsuite{_attributes(told)}>"
    yield "  <properties>"
    facts = {"gate": report.gate, "verdict": report.verdict.value, "summary": report.summary}
    facts |= {"severity": "blocking" if report.blocking else "warning", "attempt": str(report.attempt)}
    for name, value in {**facts, **{key: str(count) for key, count in report.counts.items()}}.items():
        yield f"   <property{_attributes({'name': name, 'value': value})}/>"
    yield "  </properties>"
    for place, case in enumerate(cases):
        # What the gate took is told once, so that the times of the cases add up to that of the suite.
        yield from _case(case, report.gate, seconds if place == 0 else "0")
    yield " </testsuite>"


def _case(case: _Case, gate: str, seconds: str) -> Iterator[str]:
    head = f"  <testcase{_attributes({'classname': gate, 'name': case.name, **case.place, 'time': seconds})}"
    if not case.outcome:
        yield f"{head}/>"
        return
    told = _attributes({"message": case.message, "type": case.type})
    yield f"{head}>"
    yield (
        f"   <{case.outcome}{told}>{_escaped(case.text)}</{case.outcome}>"
        if case.text
        else (f"   <{case.outcome}{told}/>")
    )
    yield "  </testcase>"


def _cases(report: GateReport) -> Iterator[_Case]:
    verdict = report.verdict
    if verdict is Verdict.SKIPPED:
        yield _Case(report.gate, "skipped", report.summary)
    elif not report.judged:
        yield _Case(report.gate, "error", report.summary, verdict.value, report.hint)
    elif verdict is Verdict.PASSED:
        yield _Case(report.gate)
    elif not report.new_findings:
        yield _Case(report.gate, "failure", report.summary, verdict.value, report.hint)
    for finding in report.findings:
        yield _of_finding(finding, blocks=verdict is not Verdict.PASSED)


def _of_finding(finding: Finding, *, blocks: bool) -> _Case:
    place = {"file": finding.path, "line": str(finding.line) if finding.line else ""}
    name, text = f"{finding.place} {finding.rule}".strip(), f"{finding.severity}: {finding}"
    if finding.state == KNOWN:
        return _Case(name, "skipped", f"in the baseline: {finding.headline}", place=place)
    if not blocks:
        return _Case(name, "skipped", f"does not block: {finding.headline}", place=place)
    return _Case(name, "failure", finding.headline, finding.rule, text, place)


def _distinct(cases: Iterable[_Case]) -> list[_Case]:
    """Readers tell cases apart by their names."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    told = []
    for case in cases:
        number = seen[case.name] = seen.get(case.name, 0) + 1
        told.append(case if number == 1 else replace(case, name=f"{case.name} ({number})"))
    return told


def _totals(cases: list[_Case]) -> dict[str, str]:
    failures, errors, skipped = (str(sum(case.outcome == kind for case in cases)) for kind in _OUTCOMES)
    return {"tests": str(len(cases)), "failures": failures, "errors": errors, "skipped": skipped}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _attributes(values: Mapping[str, str]) -> str:
    """What is empty is left out, but for `message`, which readers expect."""
    return "".join(
        f' {name}="{_escaped(value, quoted=True)}"' for name, value in values.items() if value or name == "message"
    )


def _escaped(text: str, *, quoted: bool = False) -> str:
    import re

    text = re.sub(_FORBIDDEN, lambda found: found[0].encode("unicode_escape").decode(), text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    if quoted:
        text = text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text
