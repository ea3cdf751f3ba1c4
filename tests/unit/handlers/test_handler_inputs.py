"""Inputs are checked in words that a person can act on."""

import pytest

from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.inputs import Field, faults_of

FIELDS = {"command": Field(("text", "list"), required=True), "env": Field(("mapping",)), "fast": Field(("flag",))}


def test_good_inputs_have_no_faults() -> None:
    assert faults_of({"command": ["a"], "env": {"A": "b"}, "fast": True}, FIELDS) == []


def test_an_unknown_input_is_told_with_its_nearest_name() -> None:
    assert faults_of({"command": "x", "comand": "y"}, FIELDS) == [
        "`comand` is not an input of this tool; did you mean `command`?"
    ]
    assert faults_of({"command": "x", "zzz": 1}, FIELDS) == [
        "`zzz` is not an input of this tool; there are `command`, `env`, `fast`"
    ]


def test_all_faults_are_told_at_once() -> None:
    assert faults_of({"env": ["A=b"], "fast": "yes"}, FIELDS) == [
        "`command` is missing",
        "`env` must be a mapping, not a list",
        "`fast` must be true or false, not a text",
    ]


@pytest.mark.parametrize(
    ("value", "word"),
    [(None, "nothing"), (True, "true"), (3, "a whole number"), (2.5, "a fraction"), ({}, "a mapping")],
)
def test_a_value_of_another_kind_is_named(value: JsonValue, word: str) -> None:
    assert faults_of({"command": value}, FIELDS) == [f"`command` must be a text or a list, not {word}"]


def test_a_flag_is_no_number_and_a_number_no_flag() -> None:
    assert faults_of({"n": True}, {"n": Field(("number",))}) == ["`n` must be a whole number, not true"]
    assert faults_of({"n": 1}, {"n": Field(("flag",))}) == ["`n` must be true or false, not a whole number"]


def test_a_template_is_not_judged() -> None:
    assert faults_of({"command": "x", "fast": "{{ params.fast }}", "env": "{% if x %}{% endif %}"}, FIELDS) == []
