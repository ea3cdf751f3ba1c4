"""The single settings of `nofx.yaml` at the project's root; what has a structure is read by `planning`."""

import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from nofx_cli import errors
from nofx_cli.regular_files import NotRegular, open_regular

_STRUCTURED = frozenset(
    {"policy", "gates", "secrets", "approvals", "models", "agents", "budget", "databases", "notify"}
)
"""Keys that are read elsewhere, with their structure."""
_LARGEST = 16 * 1024 * 1024
_DEEPEST = 64


def read_settings_text(path: Path) -> str | None:
    """The text of the file; None where nothing is there.

    Raises:
        errors.InvalidInput: it is there, and cannot be read (code `settings-unreadable`). A link that leads to
            nothing and a device are no settings that say nothing.
    """
    try:
        with open_regular(path) as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise _unreadable(path, f"it is larger than {_LARGEST // 1024 // 1024} MiB")
        return data.decode()
    except FileNotFoundError as exc:
        if os.path.islink(path):
            raise _unreadable(path, "it is a link that leads to nothing") from exc
        return None
    except NotRegular as exc:
        raise _unreadable(path, str(exc.strerror)) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(path, str(exc)) from exc


def _unreadable(path: Path, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(f"{path.name} cannot be read: {why}", code="settings-unreadable")


def read_settings_file(path: Path, known: AbstractSet[str]) -> Mapping[str, tuple[str, str]]:
    """The values of the file, as text, each with its place (`nofx.yaml:3`). An absent file has none.

    Raises:
        errors.InvalidInput: every fault of the file, one a line, each with its position.
    """
    text = read_settings_text(path)
    return {} if text is None else _checked(text, path.name, known)


def _loader() -> type[Any]:
    """PyYAML's parser, with a limit to nesting: the one in C has none, and dies of it."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # one of two, known at run time
        depth = 0

        def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:
            self.depth += 1
            if self.depth > _DEEPEST:
                raise yaml.YAMLError(f"nested deeper than {_DEEPEST} levels")

        def ascend_resolver(self) -> None:
            self.depth -= 1

    return Loader


def _checked(text: str, name: str, known: AbstractSet[str]) -> Mapping[str, tuple[str, str]]:
    import yaml

    try:
        root = yaml.compose(text, Loader=_loader())
    except yaml.YAMLError as exc:
        raise errors.InvalidInput(f"{name} is not YAML: {exc}", code="settings-syntax") from exc
    if root is None or _is_null(root):
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise errors.InvalidInput(
            f"{name}:1:1: the settings must be a mapping of keys to values", code="settings-syntax"
        )
    values: dict[str, tuple[str, str]] = {}
    faults = []
    for key_node, value_node in root.value:
        mark, key = key_node.start_mark, str(key_node.value)
        if key in _STRUCTURED:
            continue
        place = f"{name}:{mark.line + 1}"
        fault = _fault(key, value_node, known, seen=key in values)
        if fault:
            faults.append(f"{place}:{mark.column + 1}: error[{fault[0]}]: {fault[1]}")
        else:
            values[key] = (value_node.value, place)
    if faults:
        raise errors.InvalidInput("\n".join(faults), code="settings-invalid", hint="docs/reference/settings.md")
    return values


def _fault(key: str, value: object, known: AbstractSet[str], *, seen: bool) -> tuple[str, str] | None:
    import yaml

    if key not in known:
        from difflib import get_close_matches

        close = get_close_matches(key, known | _STRUCTURED, n=1)
        return "settings-unknown-key", f"unknown key `{key}`" + (f"; did you mean `{close[0]}`?" if close else "")
    if seen:
        return "settings-duplicate-key", f"`{key}` stands here twice"
    if not isinstance(value, yaml.ScalarNode):
        return "settings-bad-value", f"`{key}` must be a single value"
    if _is_null(value):
        return "settings-bad-value", f"`{key}` has no value; take the line away for the default"
    return None


def _is_null(node: object) -> bool:
    return getattr(node, "tag", "") == "tag:yaml.org,2002:null"
