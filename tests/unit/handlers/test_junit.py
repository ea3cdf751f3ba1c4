"""JUnit XML is read as a stream and not believed."""

import pytest

from nofx_cli.handlers.gates.junit import Case, CaseStatus, NotJunit, parse
from tests.unit.handlers.parsers.samples import junit as xml


def case(inner: str, name: str = "test_a") -> str:
    return f'<testcase classname="tests.test_x" name="{name}" file="tests/test_x.py" line="4">{inner}</testcase>'


@pytest.mark.parametrize(
    ("inner", "status", "message"),
    [
        ("", CaseStatus.PASSED, ""),
        ('<failure message="assert 0">E  assert 0</failure>', CaseStatus.FAILED, "assert 0"),
        ('<error message="setup">E  x</error>', CaseStatus.ERROR, "setup"),
        ('<skipped message="no db"/>', CaseStatus.SKIPPED, "no db"),
        ('<failure message="f">1</failure><error message="e">2</error>', CaseStatus.ERROR, "e"),
        ("<properties><property/></properties><system-out>failure</system-out>", CaseStatus.PASSED, ""),
    ],
)
def test_a_case_has_the_gravest_of_its_results(inner: str, status: CaseStatus, message: str) -> None:
    (found,) = parse(xml(case(inner))).cases
    assert (found.status, found.message) == (status, message)
    assert (found.file, found.line, found.name) == ("tests/test_x.py", 5, "test_a")


def test_a_case_that_is_listed_twice_counts_once_and_by_the_graver_result() -> None:
    twice = case('<failure message="f"/>') + case("") + case("", "test_b")
    assert [(c.name, c.status) for c in parse(xml(twice)).cases] == [
        ("test_a", CaseStatus.FAILED),
        ("test_b", CaseStatus.PASSED),
    ]


def test_the_totals_of_all_suites_are_added_up() -> None:
    suite = '<testsuite tests="2" failures="1"/>'
    assert parse(f"<testsuites>{suite}{suite}</testsuites>".encode()).claimed == {
        "tests": 4,
        "failures": 2,
        "errors": 0,
        "skipped": 0,
    }


def test_the_totals_of_a_suite_have_those_of_the_suites_in_it() -> None:
    inner = '<testsuite tests="2" file="b.js"><testcase name="x"/></testsuite>'
    outer = f'<testsuite tests="3" file="a.js">{inner}<testcase name="y"/></testsuite>'
    report = parse(f'<testsuites>{outer}<testcase name="z"/></testsuites>'.encode())
    assert report.claimed["tests"] == 3
    assert [(case.name, case.file) for case in report.cases] == [("x", "b.js"), ("y", "a.js"), ("z", "")]


def test_a_report_without_a_suite_is_one_where_its_totals_or_cases_are_given() -> None:
    assert parse(b'<testsuites tests="0"/>').cases == []
    assert len(parse(b'<testsuites><testcase name="a"/></testsuites>').cases) == 1


def test_only_the_end_of_a_long_text_is_kept() -> None:
    (found,) = parse(xml(case(f"<failure>{'x' * 100_000}E  the end</failure>"))).cases
    assert found.text.endswith("E  the end")
    assert len(found.text) == 4096


def test_what_is_not_known_of_a_case_is_empty() -> None:
    assert parse(xml("<testcase/>")).cases == [Case("", "", "", 0)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not well-formed"),
        (b"<testsuites><testsuite>", "not well-formed"),
        (b"\xff\xfe\x00<", "not well-formed"),
        (b"<html/>", "there is no test suite in it"),
        (b'<testsuite tests="many"/>', "'many' is no number"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite tests="1"/>', "it declares a document type"),
    ],
)
def test_what_is_no_report_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(NotJunit, match=told):
        parse(data)
