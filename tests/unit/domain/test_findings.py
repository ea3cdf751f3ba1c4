"""Findings: gathered, told apart by their fingerprints, ordered, counted, and written as JSON."""

from dataclasses import replace

import pytest

from nofx_cli.domain.findings import (
    KNOWN,
    Finding,
    findings_json,
    findings_of_json,
    findings_words,
    gathered,
    normalised,
    severity_counts,
    worst_first,
)

UNUSED = Finding("a.py", 3, 8, "F401", "error", "`os` imported but unused")
CODE = {("a.py", 3): "import os", ("a.py", 4): "import os", ("a.py", 9): "  import  os"}


def text_of(path: str, line: int) -> str:
    return CODE.get((path, line), "")


def fingerprints(*findings: Finding) -> list[str]:
    return [finding.fingerprint for finding in gathered(findings, text_of)]


class TestGathered:
    def test_each_is_there_once_by_path_line_and_column(self) -> None:
        other = replace(UNUSED, path="A.py", line=20)
        later, wider = replace(UNUSED, line=10), replace(UNUSED, column=12)
        found = gathered([later, wider, UNUSED, other, UNUSED], text_of)
        assert [finding.place for finding in found] == ["A.py:20:8", "a.py:3:8", "a.py:3:12", "a.py:10:8"]

    def test_of_two_that_differ_in_severity_alone_the_worse_stays(self) -> None:
        (found,) = gathered([replace(UNUSED, severity="note"), UNUSED, replace(UNUSED, severity="warning")], text_of)
        assert found.severity == "error"

    def test_they_are_tidied(self) -> None:
        odd = Finding("./a.py", -1, 3, " F\n401 ", "HIGH", " what\ud800ever \n", tool="ruff")
        (found,) = gathered([odd], text_of, tool="other")
        assert (found.path, found.line, found.column, found.rule) == ("a.py", 0, 0, "F 401")
        assert (found.severity, found.message, found.tool) == ("error", "what\\ud800ever", "ruff")

    def test_they_are_bounded(self) -> None:
        (found,) = gathered([Finding("p" * 9999, 2**40, 1, "r" * 9999, "error", "m" * 99_999)], text_of)
        assert (len(found.path), len(found.rule), len(found.message), found.line) == (1024, 256, 4096, 0)
        assert found.message.endswith("…")

    def test_the_program_is_noted(self) -> None:
        assert gathered([UNUSED], text_of, tool="ruff")[0].tool == "ruff"


class TestFingerprint:
    def test_it_stays_when_the_line_moves_and_is_indented(self) -> None:
        assert fingerprints(UNUSED) == fingerprints(replace(UNUSED, line=9, column=10))

    def test_it_is_another_for_another_rule_path_or_line_of_code(self) -> None:
        others = [replace(UNUSED, rule="F402"), replace(UNUSED, path="b.py"), replace(UNUSED, line=5)]
        assert len({*fingerprints(UNUSED), *(fingerprints(other)[0] for other in others)}) == 4

    def test_equal_ones_are_numbered_from_the_top(self) -> None:
        first, second = fingerprints(replace(UNUSED, line=4), UNUSED)
        assert first.endswith(":1")
        assert second == first.removesuffix("1") + "2"

    def test_where_there_is_no_line_it_is_of_the_message_without_numbers(self) -> None:
        package = Finding("requirements.txt", 0, 0, "CVE-1", "error", "x 1.2 is vulnerable")
        assert fingerprints(package) == fingerprints(replace(package, message="x 1.4 is  vulnerable"))
        assert fingerprints(package) != fingerprints(replace(package, message="y 1.2 is vulnerable"))

    def test_it_is_the_one_that_baselines_in_git_have(self) -> None:
        assert fingerprints(UNUSED) == ["ad349342-0f1a-247f-38d2-e24f154f8d04:1"]


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        (("error", "HIGH", "Critical", "fatal", "2", "", "something new"), "error"),
        (("warning", "MEDIUM", "moderate", "1"), "warning"),
        (("note", "LOW", "info", "none"), "note"),
    ],
)
def test_the_words_of_tools_for_how_bad_it_is(words: tuple[str, ...], severity: str) -> None:
    assert [normalised(word) for word in words] == [severity] * len(words)


def test_the_worst_are_first_and_known_ones_last() -> None:
    known = replace(UNUSED, path="0.py", state=KNOWN)
    warning, note = replace(UNUSED, path="1.py", severity="warning"), replace(UNUSED, path="0.py", severity="note")
    assert worst_first([known, note, warning, UNUSED]) == [UNUSED, warning, note, known]


def test_counts_by_severity() -> None:
    assert severity_counts([UNUSED, UNUSED, replace(UNUSED, severity="note")]) == {
        "errors": 2,
        "warnings": 0,
        "notes": 1,
    }


def test_words_are_bounded_and_say_where_more_is() -> None:
    findings = [replace(UNUSED, line=line) for line in range(1, 6)]
    assert findings_words(findings, 2, more="nofx gates report x") == [
        "a.py:1:8 F401 `os` imported but unused",
        "a.py:2:8 F401 `os` imported but unused",
        "… and 3 more: nofx gates report x",
    ]
    assert findings_words([replace(UNUSED, state=KNOWN)], 2, more="") == [f"{UNUSED} (in the baseline)"]
    assert findings_words([], 2, more="") == []


def test_a_finding_is_one_line_whatever_its_message() -> None:
    assert str(replace(UNUSED, message="a\nfailed:  b")) == "a.py:3:8 F401 a failed: b"


class TestJson:
    def test_what_is_written_is_read_again(self) -> None:
        found = gathered([replace(UNUSED, message='"quoted" ünd\n::error::'), replace(UNUSED, line=4)], text_of)
        marked = (replace(found[0], state=KNOWN), found[1])
        assert findings_of_json(findings_json(marked)) == marked

    def test_a_finding_a_line(self) -> None:
        assert findings_json([UNUSED, UNUSED]).count("\n") == 4
        assert findings_json([]) == "[]\n"

    def test_what_an_older_nofx_wrote_is_read(self) -> None:
        assert findings_of_json('[{"path": "a", "line": 1, "x": 2, "rule": null}]') == (
            Finding("a", 1, 0, "", "error", ""),
        )

    @pytest.mark.parametrize("text", ["{}", "[1]", "[", "null"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            findings_of_json(text)
