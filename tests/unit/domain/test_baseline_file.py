"""`nofx-baseline.json`: what it has, what it knows, and how it is read."""

from dataclasses import replace

import pytest

from nofx_cli.domain.baseline import (
    Baseline,
    Entry,
    baseline_of,
    baseline_text,
    change_between,
    has_baseline,
    is_coverable,
)
from nofx_cli.domain.findings import KNOWN, NEW, Finding
from nofx_cli.domain.project import GateSpec, Parser

LINT = "gate:lint"
SAME = '{"gate": "g", "path": "", "rule": "", "fingerprint": "a"}'
ONE = Finding("a.py", 3, 8, "F401", "error", "unused", "ruff", "aa11:1")
TWIN = replace(ONE, line=5, fingerprint="aa11:2")
OTHER = Finding("b.py", 1, 1, "E501", "warning", "long", "ruff", "bb22:1")


def states(baseline: Baseline, *findings: Finding, gate: str = LINT) -> list[str]:
    return [finding.state for finding in baseline.marked(gate, findings)]


class TestWhatIsKnown:
    baseline = Baseline().recorded({LINT: [ONE, OTHER]})

    def test_what_was_recorded_is_known_and_all_else_is_new(self) -> None:
        assert states(self.baseline, ONE, OTHER, replace(ONE, fingerprint="cc:1")) == [KNOWN, KNOWN, NEW]

    def test_a_finding_that_moved_is_known(self) -> None:
        assert states(self.baseline, replace(ONE, line=99)) == [KNOWN]

    def test_more_of_the_same_than_were_recorded_are_new(self) -> None:
        assert states(self.baseline, ONE, TWIN) == [KNOWN, NEW]
        assert states(Baseline().recorded({LINT: [ONE, TWIN]}), ONE, TWIN) == [KNOWN, KNOWN]

    def test_another_gate_knows_nothing_of_it(self) -> None:
        assert states(self.baseline, ONE, gate="gate:sast") == [NEW]

    @pytest.mark.parametrize("rule", ["invalid-syntax", "parse-error", "E902", "syntax", "TS1005"])
    def test_a_file_that_does_not_parse_is_never_known(self, rule: str) -> None:
        broken = replace(ONE, rule=rule)
        forged = Baseline((Entry(LINT, "a.py", rule, "aa11"),))
        assert not is_coverable(broken)
        assert states(forged, broken) == [NEW]
        assert Baseline().recorded({LINT: [broken]}).entries == ()

    def test_a_finding_without_a_fingerprint_is_never_known(self) -> None:
        assert states(self.baseline, replace(ONE, fingerprint="")) == [NEW]


class TestWhatIsGone:
    baseline = Baseline().recorded({LINT: [ONE, TWIN, OTHER], "gate:sast": [OTHER]})

    def test_what_is_not_found_any_more_is_told_with_how_many(self) -> None:
        assert [(entry.path, entry.count) for entry in self.baseline.gone(LINT, [ONE])] == [("a.py", 1), ("b.py", 1)]
        assert self.baseline.gone(LINT, [ONE, TWIN, OTHER]) == ()

    def test_pruning_takes_it_out_and_adds_nothing(self) -> None:
        pruned = self.baseline.pruned({LINT: [TWIN, replace(ONE, fingerprint="dd:1")]})
        assert [(entry.gate, entry.fingerprint, entry.count) for entry in pruned.entries] == [
            (LINT, "aa11", 1),
            ("gate:sast", "bb22", 1),
        ]


def test_recording_a_gate_anew_leaves_the_others() -> None:
    old = Baseline().recorded({LINT: [ONE, TWIN], "gate:sast": [OTHER]}, note="legacy")
    new = old.recorded({LINT: [OTHER]})
    assert [(entry.gate, entry.fingerprint) for entry in new.entries] == [(LINT, "bb22"), ("gate:sast", "bb22")]
    assert new.note == "legacy"
    change = change_between(old, new)
    assert (change.added, change.removed, change.total) == (1, 2, 2)


def test_the_file_is_sorted_and_has_a_finding_a_line() -> None:
    assert baseline_text(Baseline().recorded({"gate:sast": [OTHER], LINT: [OTHER, TWIN, ONE]}, note='old "sins"')) == (
        "{\n"
        ' "version": 1,\n'
        ' "note": "old \\"sins\\"",\n'
        ' "findings": [\n'
        '  {"gate": "gate:lint", "path": "a.py", "rule": "F401", "fingerprint": "aa11", "count": 2},\n'
        '  {"gate": "gate:lint", "path": "b.py", "rule": "E501", "fingerprint": "bb22", "count": 1},\n'
        '  {"gate": "gate:sast", "path": "b.py", "rule": "E501", "fingerprint": "bb22", "count": 1}\n'
        " ]\n"
        "}\n"
    )


@pytest.mark.parametrize("baseline", [Baseline(), Baseline().recorded({LINT: [ONE, TWIN, OTHER]}, note="ü")])
def test_what_is_written_is_read_again(baseline: Baseline) -> None:
    assert baseline_of(baseline_text(baseline).encode()) == baseline


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "Expecting value"),
        ("[]", "it has no list `findings`"),
        ('{"version": 1}', "it has no list `findings`"),
        ('{"version": 2, "findings": []}', "its version is 2; this nofx reads version 1"),
        ('{"version": 1, "findings": [{}]}', "finding 1 has not all of gate, path, rule, fingerprint"),
        ('{"version": 1, "findings": [{"gate": "g", "path": "", "rule": "", "fingerprint": "a", "count": 0}]}', "is 0"),
        (
            '{"version": 1, "findings": [{"gate": "g", "path": "", "rule": "", "fingerprint": "a", "count": true}]}',
            "Tr",
        ),
        (f'{{"version": 1, "findings": [{SAME}, {SAME}]}}', "it has the same fingerprint of one gate twice"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        baseline_of(text)


@pytest.mark.parametrize(
    ("gate", "parser", "expected"),
    [
        ("gate:lint", None, True),
        ("gate:secrets", None, True),
        ("gate:unit", None, False),
        ("gate:test", None, False),
        ("gate:coverage", None, False),
        ("gate:mine", Parser.SARIF, True),
        ("gate:mine", Parser.JUNIT, False),
        ("gate:mine", Parser.PYTEST, False),
        ("gate:mine", Parser.EXIT_CODE, False),
        ("gate:unit", Parser.JUNIT, False),
    ],
)
def test_failing_tests_have_no_baseline(gate: str, parser: Parser | None, expected: bool) -> None:
    spec = GateSpec(gate.removeprefix("gate:"), command=("x",), parser=parser) if parser else GateSpec("x")
    assert has_baseline(gate, spec) is expected
