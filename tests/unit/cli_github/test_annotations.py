"""The lines that the runner of GitHub Actions obeys, exactly."""

from dataclasses import replace
from typing import Any

import pytest

from nofx_cli.cli.github.annotations import annotation_lines
from nofx_cli.domain.findings import KNOWN, Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.reports.gate_report import GateReport

ERROR = Finding("src/a.py", 3, 7, "F401", "error", "`os` imported but unused", "ruff", "aa:1")
FAILED = GateReport("lint", "gate:lint", Verdict.FAILED, "1 finding", findings=(ERROR,))
MORE = "nofx gates report x"


def lines(*findings: Finding, folder: str = "", **fields: Any) -> list[str]:
    return annotation_lines([replace(FAILED, findings=findings, **fields)], folder=folder, more=MORE)


def test_a_finding() -> None:
    assert lines(ERROR) == ["::error file=src/a.py,line=3,col=7,title=gate%3Alint F401::`os` imported but unused"]


@pytest.mark.parametrize(("severity", "kind"), [("error", "error"), ("warning", "warning"), ("note", "notice")])
def test_the_kind_follows_the_severity(severity: str, kind: str) -> None:
    assert lines(replace(ERROR, severity=severity))[0].startswith(f"::{kind} file=")


def test_what_means_something_to_the_runner_is_escaped() -> None:
    odd = replace(ERROR, path="a,b:c%.py", rule="x,y:z", message="100%\r\n::error::b, c: d")
    assert lines(odd) == [
        "::error file=a%2Cb%3Ac%25.py,line=3,col=7,title=gate%3Alint x%2Cy%3Az::100%25%0A::error::b, c: d"
    ]


def test_what_a_terminal_would_obey_is_neutralised() -> None:
    (line,) = lines(replace(ERROR, path="a\x1b[2J\n.py", message="\x1b]0;owned\x07red\u202egpj\rx"))
    assert line == "::error file=a\\n.py,line=3,col=7,title=gate%3Alint F401::red\\u202egpj\\rx"


def test_what_is_not_known_is_left_out() -> None:
    assert lines(Finding("", 0, 0, "CVE-1", "error", "")) == ["::error title=gate%3Alint CVE-1::CVE-1"]
    assert lines(replace(ERROR, column=0, rule=""))[0].startswith("::error file=src/a.py,line=3,title=gate%3Alint::")


def test_paths_are_those_of_the_repository() -> None:
    assert lines(ERROR, folder="services/api")[0].startswith("::error file=services/api/src/a.py,")
    assert lines(replace(ERROR, path="/opt/a.py"), folder="services/api")[0].startswith("::error file=/opt/a.py,")


def test_at_most_ten_of_a_kind_worst_gates_first_and_how_many_more() -> None:
    many = [replace(ERROR, line=line) for line in range(1, 13)]
    notes = [replace(ERROR, severity="note", line=line) for line in range(1, 12)]
    broken = replace(FAILED, verdict=Verdict.ERRORED, summary="mypy is not installed", hint="pip", findings=())
    told = annotation_lines([replace(FAILED, findings=(*notes, *many)), broken], more=MORE)
    assert told[0] == "::error title=gate%3Alint errored::mypy is not installed%0Apip"
    assert [line.partition(" ")[0] for line in told] == [*["::error"] * 10, "…", *["::notice"] * 10, "…"]
    assert told[10] == f"… and 3 more errors: {MORE}"
    assert told[-1] == f"… and 1 more notice: {MORE}"


@pytest.mark.parametrize(
    ("verdict", "title"),
    [(Verdict.ERRORED, "errored"), (Verdict.VACUOUS, "vacuous"), (Verdict.TIMED_OUT, "timed out")],
)
def test_a_gate_without_a_result_is_told(verdict: Verdict, title: str) -> None:
    assert lines(verdict=verdict, summary="why") == [f"::error title=gate%3Alint {title}::why"]


def test_a_failure_without_findings_is_told() -> None:
    assert lines(summary="exit code 3") == ["::error title=gate%3Alint failed::exit code 3"]


def test_passes_and_skipped_gates_say_nothing() -> None:
    assert lines(verdict=Verdict.PASSED) == lines(verdict=Verdict.SKIPPED) == []


def test_what_does_not_block_is_no_error() -> None:
    assert lines(ERROR, blocking=False)[0].startswith("::warning file=")
    assert lines(ERROR, verdict=Verdict.PASSED)[0].startswith("::warning file=")
    assert lines(blocking=False, verdict=Verdict.ERRORED)[0].startswith("::warning title=")


def test_known_findings_are_not_annotated() -> None:
    assert lines(replace(ERROR, state=KNOWN), verdict=Verdict.PASSED) == []
    assert len(lines(replace(ERROR, state=KNOWN), ERROR)) == 1
