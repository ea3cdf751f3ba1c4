"""The text kept for an approval, made readable."""

import json

from nofx_cli.cli.live.shown import ShownLine, shown_lines
from tests.unit.cli_live.stage import EVIL


def _document(**fields: object) -> str:
    return json.dumps({"run": "r", "step": "s", "tool": "t", "reason": "approval", **fields})


def test_command_comes_first_and_once() -> None:
    document = _document(
        inputs={"command": ["make", "all the things"], "cwd": "sub"},
        preview={"argv": ["make", "all the things"], "cwd": "sub", "env": [], "files": {"Makefile": "a" * 64}},
    )
    assert shown_lines(document) == [
        ShownLine("command", "make 'all the things'"),
        ShownLine("file", "Makefile  aaaaaaaaaaaa…"),
        ShownLine("cwd", "sub"),
    ]


def test_artifacts_are_named_with_their_step() -> None:
    document = _document(artifacts={"build": {"app.tar": "c" * 64, "gone": "changed since it was made"}})
    assert shown_lines(document) == [
        ShownLine("artifact", "build/app.tar  cccccccccccc…"),
        ShownLine("artifact", "build/gone  changed since it was made"),
    ]


def test_script_stands_as_it_was_written() -> None:
    document = _document(inputs={"command": "cd sub\nmake\n"}, preview={"argv": ["/bin/sh", "-ec", "cd sub\nmake\n"]})
    assert shown_lines(document) == [ShownLine("command", "cd sub"), ShownLine("", "make")]


def test_lines_of_a_difference_have_their_kinds() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n same\n-old\n+new\n"
    kinds = [line.kind for line in shown_lines(_document(preview={"diff": diff}, inputs={"content": "new\n"}))]
    assert kinds == ["place", "place", "place", "plain", "removed", "added"]


def test_what_a_handler_asked_by_itself_is_shown() -> None:
    assert shown_lines('{"target":"staging","hosts":3}') == [ShownLine("target", "staging"), ShownLine("hosts", "3")]


def test_whole_document_leaves_nothing_out() -> None:
    document = _document(inputs={"message": "Go?", "show": {"version": "1.4"}}, artifacts={"build": {"a": "c" * 64}})
    lines = {line.label: line.text for line in shown_lines(document, whole=True)}
    assert lines["run"] == "r"
    assert lines["inputs.message"] == "Go?"
    assert lines["inputs.show.version"] == "1.4"
    assert lines["artifacts.build.a"] == "c" * 64


def test_question_is_not_repeated() -> None:
    assert shown_lines(_document(inputs={"message": "Go?"}, preview={"message": "Go?"})) == []


def test_foreign_text_is_neutralised_in_labels_and_values() -> None:
    for whole in (False, True):
        lines = shown_lines(_document(inputs={EVIL: EVIL}, preview={"diff": EVIL}), whole=whole)
        assert all((line.label + line.text).isprintable() for line in lines)
        assert any("red\\u202egpj" in line.text for line in lines)
