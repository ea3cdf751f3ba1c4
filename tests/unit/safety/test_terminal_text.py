import sys
import unicodedata

import pytest

from nofx_cli.safety.terminal_text import fence_workflow_commands, neutralise


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("grüße 漢字 ✔\ufe0f 🎉", "grüße 漢字 ✔\ufe0f 🎉"),
        ("a\tb", "a b"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H\x1b[?25lgone", "gone"),
        ("\x1b[38:2::255:0:0mred", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\x\x1b_app\x1b\\y\x1b^pm\x1b\\z", "xyz"),
        ("\x1b(0lqk", "lqk"),
        ("\x9b31mred\x9d0;title\x9cx", "redx"),
        ("\x1bc", "␛c"),
        ("\x1b[12", "␛[12"),
        ("\x1b]0;never ends", "␛]0;never ends"),
        ("\x1b]0;one\n\x07", "␛]0;one\\n\\x07"),
        ("\x1b\x1b[0m[2J", "␛[2J"),
        ("a\rb\n", "a\\rb\\n"),
        ("\x00\x07\x08\x7f\x85", "\\x00\\x07\\x08\\x7f\\x85"),
        ("if (user == \u202e'nimda')", "if (user == \\u202e'nimda')"),
        ("\u2066\u2069\u200f", "\\u2066\\u2069\\u200f"),
        ("pay\u200bpal\u00ad\ufeff", "pay\\u200bpal\\xad\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud800x\udcff", "\\ud800x\\udcff"),
        ("fill\u3164\u115f", "fill\\u3164\\u115f"),
    ],
)
def test_what_could_act_or_hide_is_taken_out_or_shown(text: str, shown: str) -> None:
    assert neutralise(text) == shown


def test_no_control_and_no_format_character_is_let_through() -> None:
    harmful = [chr(code) for code in range(sys.maxunicode + 1) if _is_harmful(chr(code))]

    assert len(harmful) > 2_000
    assert [hex(ord(char)) for char in harmful if char in neutralise(f"x{char}y")] == []


def _is_harmful(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_ordinary_letters_of_all_scripts_are_let_through() -> None:
    ordinary = "".join(chr(c) for c in range(0x20, 0x20000) if unicodedata.category(chr(c)) in {"Lu", "Ll", "Nd", "Sc"})

    assert neutralise(ordinary) == ordinary


def test_lines_are_kept_where_they_are_wanted() -> None:
    assert neutralise("a\r\nb\n\x1b[1mc\x1b[0m\rd\n", keep_newlines=True) == "a\nb\nc\\rd\n"


def test_a_hostile_text_costs_linear_time() -> None:
    hostile = ("\x1b]" * 20_000) + ("\x9d" * 20_000) + ("\x1b[0" * 20_000)

    assert "\x1b" not in neutralise(hostile)


@pytest.mark.parametrize(
    ("line", "fenced"),
    [
        ("::error::boom", ": :error::boom"),
        ("  ::set-output name=x::y", "  : :set-output name=x::y"),
        ("\u00a0::stop-commands::t", "\u00a0: :stop-commands::t"),
        ("##[error]boom", "# #[error]boom"),
        ("x ##[group]y", "x # #[group]y"),
        ("##vso[task.complete result=Failed;]", "# #vso[task.complete result=Failed;]"),
        ("##VSO[x]", "# #VSO[x]"),
        ("##teamcity[x]", "# #teamcity[x]"),
        ("one\n::error::two", "one\n: :error::two"),
        ("std::vector and ## heading", "std::vector and ## heading"),
        ("plain", "plain"),
    ],
)
def test_commands_to_a_ci_runner_are_broken_up(line: str, fenced: str) -> None:
    assert fence_workflow_commands(line) == fenced


def test_a_command_that_an_escape_sequence_hides_is_found_after_it_was_taken_out() -> None:
    assert fence_workflow_commands(neutralise(":\x1b[0m:error::x")) == ": :error::x"
