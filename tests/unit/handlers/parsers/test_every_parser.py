"""What holds for every parser: no report that is not good is a pass, and nothing but `NoEvidence` is raised."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.project import Parser
from nofx_cli.handlers.gates.evidence import EXAMINED, Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.table import PARSERS, judge_of
from tests.unit.handlers.parsers.samples import SAMPLES

WORKSPACE = Path("/w")
READING = [parser for parser in Parser if parser is not Parser.EXIT_CODE]
DEEP = 100_000


def judged(parser: Parser, data: bytes, exit_code: int = 0) -> Evidence:
    try:
        return judge_of(parser)(data, exit_code=exit_code, last=": last", workspace=WORKSPACE)
    except NoEvidence as exc:
        return exc.evidence


def test_every_format_that_can_be_declared_has_a_parser() -> None:
    assert set(PARSERS) == set(Parser) == set(SAMPLES)


@pytest.mark.parametrize("parser", Parser)
def test_a_clean_report_passes_where_it_says_how_much_was_examined(parser: Parser) -> None:
    evidence = judged(parser, SAMPLES[parser].good)
    assert evidence.verdict is (Verdict.PASSED if SAMPLES[parser].sure else Verdict.VACUOUS)
    counted = [name for name in EXAMINED if evidence.counts.get(name)]
    assert bool(counted) is (SAMPLES[parser].sure and parser is not Parser.EXIT_CODE)


@pytest.mark.parametrize("parser", Parser)
def test_findings_fail_and_are_counted(parser: Parser) -> None:
    evidence = judged(parser, SAMPLES[parser].bad, 1)
    assert (evidence.verdict, len(evidence.findings)) == (Verdict.FAILED, SAMPLES[parser].found)
    assert evidence.report == (SAMPLES[parser].bad if parser is not Parser.EXIT_CODE else b"")
    for finding in evidence.findings:
        assert finding.severity in ("error", "warning", "note")


@pytest.mark.parametrize("parser", READING)
def test_findings_are_not_forgiven_by_exit_code_0(parser: Parser) -> None:
    assert judged(parser, SAMPLES[parser].bad, 0).verdict is Verdict.FAILED


@pytest.mark.parametrize("parser", set(READING) - {Parser.JUNIT, Parser.PYTEST})
@pytest.mark.parametrize("exit_code", [1, 2, 126, 127, 137, -1])
def test_a_clean_report_beside_an_exit_code_that_tells_of_a_fault_is_no_evidence(
    parser: Parser, exit_code: int
) -> None:
    assert judged(parser, SAMPLES[parser].good, exit_code).verdict is Verdict.ERRORED


@pytest.mark.parametrize("parser", [Parser.JUNIT, Parser.PYTEST])
def test_passed_tests_beside_exit_code_1_fail_and_beside_another_are_no_evidence(parser: Parser) -> None:
    assert judged(parser, SAMPLES[parser].good, 1).verdict is Verdict.FAILED
    assert {judged(parser, SAMPLES[parser].good, code).verdict for code in (2, 3, 5, 127)} == {Verdict.ERRORED}


@pytest.mark.parametrize("parser", READING)
@pytest.mark.parametrize("exit_code", [0, 1])
@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"null", b"0", b'"text"', b"{}", b"[1]", b"[[]]", b"true", b"NaN", b"\x00\xff\xfe", b"\xef\xbb\xbf",
        b"[" * DEEP, b'{"a":' * DEEP, b"<a>" * DEEP, b"9" * 10_000, b'{"runs": 1}', b'{"results": "none"}',
        b'{"version": "2.1.0", "runs": []}', b"<testsuites/>", b'<?xml version="1.0" encoding="zip"?><testsuite/>',
        b'<?xml version="1.0" encoding="utf-7"?><testsuite/>', b'<?xml version="1.0" encoding="big5"?><testsuite/>',
    ],
    ids=lambda data: repr(data[:20]),
)  # fmt: skip
def test_what_is_no_report_never_passes(parser: Parser, data: bytes, exit_code: int) -> None:
    assert judged(parser, data, exit_code).verdict in (Verdict.ERRORED, Verdict.VACUOUS)


@pytest.mark.parametrize("parser", READING)
def test_a_report_that_is_cut_off_anywhere_is_no_better_than_the_whole(parser: Parser) -> None:
    bad = SAMPLES[parser].bad
    for end in range(len(bad.rstrip())):
        evidence = judged(parser, bad[:end], 1)
        assert evidence.verdict in (Verdict.ERRORED, Verdict.FAILED)


@pytest.mark.parametrize("parser", set(READING) - {Parser.TSC})
def test_a_clean_report_that_is_cut_off_anywhere_does_not_pass(parser: Parser) -> None:
    good = SAMPLES[parser].good.rstrip()
    assert Verdict.PASSED not in {judged(parser, good[:end]).verdict for end in range(len(good))}


@given(parser=st.sampled_from(READING), data=st.binary(max_size=200), exit_code=st.integers(-1, 255))
@example(Parser.MYPY, b"{", 0)
@example(Parser.JUNIT, b'<?xml version="1.0" encoding="nonsense"?><testsuite/>', 0)
def test_bytes_by_chance_never_pass(parser: Parser, data: bytes, exit_code: int) -> None:
    assert judged(parser, data, exit_code).verdict is not Verdict.PASSED


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.just([]), st.just({}), st.just([[]]),
    st.just([{}]), st.just({"": {}}), st.sampled_from(["", "\ud800", "\0", "../../etc", "file://[", "%00", "x" * 9000]),
)  # fmt: skip


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(way for key, one in inner for way in places(one, (*here, key)))]


def replaced(value: Any, way: tuple[Any, ...], by: Any) -> Any:
    if not way:
        return by
    copy = value.copy()
    copy[way[0]] = replaced(value[way[0]], way[1:], by)
    return copy


JSON = [Parser.SARIF, Parser.RUFF_JSON, Parser.BANDIT_JSON, Parser.DETECT_SECRETS, Parser.ESLINT_JSON, Parser.NPM_AUDIT]


@pytest.mark.parametrize("parser", JSON)
def test_texts_that_cannot_be_written_or_fill_many_lines_are_made_fit(parser: Parser) -> None:
    report = SAMPLES[parser].bad.decode()
    texts = {
        text for text in ("wrong", "not defined", "imported", "shell=True", "AWS Access Key", "ReDoS") if text in report
    }
    (text,) = texts
    evidence = judged(parser, report.replace(text, "half \\ud800 \\n two \\u0000" + "x" * 9000).encode(), 1)
    assert evidence.verdict is Verdict.FAILED
    assert "half ? two" in evidence.findings[0].message
    assert len(evidence.findings[0].message) < 3000
    assert_sound(evidence.findings[0])


@given(data=st.data(), parser=st.sampled_from(JSON), exit_code=st.sampled_from([0, 1, 2]))
def test_a_report_with_values_of_another_kind_never_breaks_a_parser(
    data: st.DataObject, parser: Parser, exit_code: int
) -> None:
    report = json.loads(SAMPLES[parser].bad)
    for _ in range(data.draw(st.integers(1, 3))):
        report = replaced(report, data.draw(st.sampled_from(places(report))), data.draw(ODD))
    evidence = judged(parser, json.dumps(report).encode(), exit_code)
    if exit_code:
        assert evidence.verdict in (Verdict.FAILED, Verdict.ERRORED)
    for finding in evidence.findings:
        assert_sound(finding)


@given(data=st.data(), parser=st.sampled_from(READING), exit_code=st.sampled_from([0, 1, 2]))
def test_a_report_with_bytes_changed_never_breaks_a_parser(data: st.DataObject, parser: Parser, exit_code: int) -> None:
    report = bytearray(SAMPLES[parser].bad)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(report)))
        report[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    evidence = judged(parser, bytes(report), exit_code)
    if exit_code:
        assert evidence.verdict is not Verdict.PASSED
    for finding in evidence.findings:
        assert_sound(finding)


def assert_sound(finding: Finding) -> None:
    """It can be written anywhere, and is what the type says."""
    for text in (finding.path, finding.rule, finding.message):
        assert isinstance(text, str)
        assert "\n" not in text
        text.encode()
    assert finding.severity in ("error", "warning", "note")
    assert min(finding.line, finding.column) >= 0
