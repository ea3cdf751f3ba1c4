"""`nofx.yaml` at the project's root: a flat mapping so far."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from nofx_cli import errors

_LATER = frozenset({"policy", "gates", "models", "secrets", "approvals"})


def read_settings_file(path: Path, known: AbstractSet[str]) -> Mapping[str, tuple[str, str]]:
    """The values of the file, as text, each with its place (`nofx.yaml:3`). An absent file has none.

    Raises:
        errors.InvalidInput: every fault of the file, one a line, each with its position.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.InvalidInput(f"{path.name} cannot be read: {exc}", code="settings-unreadable") from exc
    return _checked(text, path.name, known)


def _checked(text: str, name: str, known: AbstractSet[str]) -> Mapping[str, tuple[str, str]]:
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
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

    if key in _LATER:
        return "settings-not-yet-supported", f"`{key}` is not supported by this version of nofx"
    if key not in known:
        from difflib import get_close_matches

        close = get_close_matches(key, known, n=1)
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
