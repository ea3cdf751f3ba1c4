"""What expressions of templates give, and how that becomes text, a word of a command, or JSON. Imports Jinja."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined

from nofx_cli.domain.ids import JsonValue


class Quoted(str):
    """Text that is quoted for a shell already."""

    __slots__ = ()


def as_text(value: Any) -> str:
    """What an expression gives, as a part of a text: booleans and structures as JSON; nothing is an error."""
    if isinstance(value, str):
        return value
    if value is None:
        raise SecurityError("a value that is null cannot be a part of a text; write `… or ''` for an empty text")
    if isinstance(value, Undefined | int | float) and not isinstance(value, bool):
        return str(value)
    return to_json(value)


def sh(value: Any) -> Quoted:
    """Quoted for `sh`: a list item by item, anything else as one word; what is quoted already is left alone."""
    from shlex import quote

    if isinstance(value, Quoted):
        return value
    if isinstance(value, list | tuple):
        return Quoted(" ".join(quote(as_text(item)) for item in value))
    text = as_text(value)
    if "\0" in text:
        raise SecurityError("a command cannot have a NUL character in it")
    return Quoted(quote(text))


def to_json(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> JsonValue:
    """What an expression gives, as JSON data of its own.

    Raises:
        UndefinedError: it is not defined.
        SecurityError: it is no data.
    """
    if isinstance(value, Undefined):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise SecurityError(f"{kind_of(value)} is no value")


def kind_of(value: Any) -> str:
    """The kind of a value, in words."""
    kinds: dict[type, str] = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), f"a {type(value).__name__}")
