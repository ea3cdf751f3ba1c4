"""How faults look to people and to programs."""

from nofx_cli.planning.diagnostics import Diagnostic, PlanInvalid, render, to_json
from nofx_cli.planning.report import Report, did_you_mean, quoted


def diagnostic(text: str, column: int, length: int = 1, *, line: int = 3, hint: str = "") -> Diagnostic:
    return Diagnostic("plan-bad-value", "no", "x.yaml", line, column, hint, text, length)


def test_a_fault_is_shown_as_ruff_shows_one() -> None:
    assert render([diagnostic("    tols: shell", 5, 4, line=12, hint="did you mean `tool`?")]) == (
        "x.yaml:12:5: error[plan-bad-value]: no\n   |\n12 |     tols: shell\n   |     ^^^^ did you mean `tool`?"
    )


def test_the_marks_stand_under_wide_and_combining_characters() -> None:
    line, under = render([diagnostic("日本: e\u0301x", 7, 1)]).split("\n")[2:]
    assert line == "3 | 日本: e\u0301x"
    assert under == "  |       " + " ^"


def test_of_a_long_line_only_what_is_near_is_shown() -> None:
    text = "a" * 500 + "BAD" + "b" * 500
    line, under = render([diagnostic(text, 501, 3)]).split("\n")[2:]
    assert len(line) < 180
    assert line[under.index("^") : under.rindex("^") + 1] == "BAD"
    assert line.startswith("3 | …aaa")
    assert line.endswith("bbb…")


def test_a_mark_beyond_the_line_stands_at_its_end() -> None:
    assert render([diagnostic("ab", 9, 5)]).endswith("\n3 | ab\n  |   ^")


def test_nothing_in_a_plan_can_reach_the_terminal() -> None:
    hostile = "\x1b]0;title\x07\x1b[2J\u202e\x9b31m\t"
    found = Diagnostic("plan-bad-value", hostile, hostile, 1, len(hostile) + 1, hostile, hostile + "x")
    shown = render([found])
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert len(shown.split("\n")) == 4


def test_faults_stand_in_the_order_of_the_file_and_are_data_too() -> None:
    report = Report("x.yaml", "a\nbc\n")
    report.at("plan-bad-value", 1, 1, "third")
    report.at("plan-bad-type", 1, 0, "second", hint="mend", length=2)
    report.at("plan-bad-name", 0, 0, "first")
    error = report.invalid()
    assert [found.message for found in error.diagnostics] == ["first", "second", "third"]
    assert to_json(error.diagnostics)[1] == {
        "code": "plan-bad-type",
        "message": "second",
        "source": "x.yaml",
        "line": 2,
        "column": 1,
        "hint": "mend",
        "text": "bc",
        "length": 2,
    }
    assert error.context == {"diagnostics": to_json(error.diagnostics)}
    assert (error.code, error.exit_code) == ("plan-invalid", 3)
    assert isinstance(error, PlanInvalid)


def test_names_in_messages_are_short_and_on_one_line() -> None:
    assert quoted("a\nb\x1b\u202e") == "`a\\nb\\x1b\\u202e`"
    assert quoted("x" * 100) == "`" + "x" * 59 + "…`"


def test_a_name_in_another_case_is_near() -> None:
    assert did_you_mean("WHEN", ["name", "when"]) == "did you mean `when`?"
    assert did_you_mean("zzz", ["name", "when"]) == ""


def test_after_many_comparisons_no_more_guesses_are_made() -> None:
    report = Report("x.yaml", "")
    names = [f"step{n}" for n in range(4_500)]
    guesses = [report.near("stpe7", names) for _ in range(3)]
    assert guesses[0] == guesses[1] != ""
    assert guesses[2] == ""
