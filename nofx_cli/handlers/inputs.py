"""Check the inputs of a built-in tool against what it takes, in words that a person can act on."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from nofx_cli.domain.ids import JsonObject, JsonValue

Kind: TypeAlias = Literal["text", "list", "mapping", "number", "flag", "anything"]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "list": (list, tuple),
    "mapping": (Mapping,),
    "number": (int,),
    "flag": (bool,),
    "anything": (object,),
}
_WORDS: Mapping[str, str] = {
    "text": "a text",
    "list": "a list",
    "mapping": "a mapping",
    "number": "a whole number",
    "flag": "true or false",
}


class Field(NamedTuple):  # a dataclass takes a millisecond more, at every start
    """One input: the kinds of value it may have, and whether it must be there."""

    kinds: tuple[Kind, ...]
    required: bool = False


def faults_of(inputs: JsonObject, fields: Mapping[str, Field]) -> list[str]:
    """What is wrong: unknown, missing and ill-typed inputs, in that order. A value that is a template is not judged."""
    faults = [_unknown(name, fields) for name in inputs if name not in fields]
    faults += [f"`{name}` is missing" for name, field in fields.items() if field.required and name not in inputs]
    for name, field in fields.items():
        if name in inputs and not _fits(inputs[name], field):
            wanted = " or ".join(_WORDS[kind] for kind in field.kinds)
            faults.append(f"`{name}` must be {wanted}, not {word_for(inputs[name])}")
    return faults


def is_template(value: JsonValue) -> bool:
    """Whether the value is only known once its template is rendered."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def is_scalar(value: JsonValue) -> bool:
    """Whether the value is a text or a number, so that it can be written as one word of a command."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def word_for(value: JsonValue) -> str:
    """The kind of a value, in words: `a list`, `true`, `nothing`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, word in _WORDS.items():
        if isinstance(value, _TYPES[kind]):
            return word
    return "a fraction"


def _fits(value: JsonValue, field: Field) -> bool:
    if is_template(value) or "anything" in field.kinds:
        return True
    if isinstance(value, bool):
        return "flag" in field.kinds
    return any(isinstance(value, _TYPES[kind]) for kind in field.kinds if kind != "flag")


def _unknown(name: str, fields: Mapping[str, Field]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, fields, n=1)
    then = f"did you mean `{near[0]}`?" if near else f"there are {_listed(fields)}"
    return f"`{name}` is not an input of this tool; {then}"


def _listed(fields: Mapping[str, Field]) -> str:
    return ", ".join(f"`{name}`" for name in fields) or "none"
