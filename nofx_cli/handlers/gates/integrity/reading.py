"""Files of settings, read into flat values; whatever cannot be read is left to its digest."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.gates.jsonc import json_with_comments as read_json

Reader: TypeAlias = Callable[[bytes], "dict[str, JsonValue] | None"]
"""The values of a file by key; None where it is not of the form."""

_DEEPEST = 40


def opaque(_data: bytes) -> dict[str, JsonValue] | None:
    """Nothing of it is understood."""
    return None


def toml(data: bytes) -> dict[str, JsonValue] | None:
    import tomllib

    try:
        return _flat(tomllib.loads(data.decode()))
    except (ValueError, RecursionError):
        return None


def json_with_comments(data: bytes) -> dict[str, JsonValue] | None:
    """JSON; comments and commas before a closing bracket are allowed."""
    try:
        return _flat(read_json(data.decode()))
    except (ValueError, RecursionError):
        return None


def yaml_(data: bytes) -> dict[str, JsonValue] | None:
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return _flat(yaml.load(data.decode(), Loader=loader))  # noqa: S506 - both are safe loaders
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


def ini(data: bytes) -> dict[str, JsonValue] | None:
    """Keys are `section.option`."""
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(data.decode())
    except (ValueError, configparser.Error):
        return None
    return _flat({section: dict(parser[section]) for section in parser.sections()})


def lines(data: bytes) -> dict[str, JsonValue] | None:
    """Each line that says something is a key."""
    stripped = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return {line: True for line in stripped if line and not line.startswith("#")}


def _flat(content: object) -> dict[str, JsonValue] | None:
    if content is None:
        return {}
    return dict(_leaves("", content, 0)) if isinstance(content, Mapping) else None


def _leaves(key: str, value: Any, depth: int) -> Iterator[tuple[str, JsonValue]]:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, Mapping):
        if not value:
            yield key, {}
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}" if key else str(name), item, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            yield from _leaves(f"{key}[{_named(item) or place}]", item, depth + 1)
    elif isinstance(value, list):
        yield key, [item if isinstance(item, str | int | float | bool) else str(item) for item in value]
    elif value is None or isinstance(value, str | int | float | bool):
        yield key, value
    else:
        yield key, str(value)  # a date


def _named(item: object) -> str:
    """What a table of a list is for, so that another one before it does not make it another one."""
    found = item.get("module", item.get("name")) if isinstance(item, Mapping) else None
    return found if isinstance(found, str) else ""
