"""Settings of tools in the project's own files. What cannot be read says nothing: the tool itself will tell."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from configparser import ConfigParser

FILE = "pyproject.toml"


def table(workspace: Path, *names: str) -> Mapping[str, Any] | None:
    """A table of `pyproject.toml`, such as `tool`, `mypy`; None where there is none."""
    found: Any = _document(workspace)
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None


def fault(workspace: Path) -> str:
    """Why `pyproject.toml` is no TOML; empty where it is, or is not there."""
    import tomllib

    try:
        _read(workspace)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        return str(exc)
    except OSError:
        pass
    return ""


def ini_value(file: Path, section: str, name: str) -> str:
    """A value of a file such as `setup.cfg`; empty where there is none."""
    return _ini(file).get(section, name, fallback="").strip()


def ini_values(file: Path, section: str, name: str) -> dict[str, str]:
    """A value by section: of `section`, empty where it is not there, and of those below it, such as `mypy-tests.*`."""
    parser = _ini(file)
    found = {section: parser.get(section, name, fallback="")}
    for other in parser.sections():
        if other.startswith(f"{section}-") and parser.has_option(other, name):
            found[other] = parser.get(other, name)
    return found


def has_section(file: Path, section: str) -> bool:
    """Whether a file such as `setup.cfg` has a section of that name, or one below it: `mypy`, `mypy-tests.*`."""
    try:
        text = file.read_text("utf-8")
    except (OSError, ValueError):
        return False
    return re.search(rf"^\[{re.escape(section)}[\]-]", text, re.MULTILINE) is not None


def _ini(file: Path) -> "ConfigParser":
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return configparser.ConfigParser()
    return parser


def _document(workspace: Path) -> Mapping[str, Any]:
    try:
        return _read(workspace)
    except (OSError, ValueError):  # a TOML that does not parse is a ValueError
        return {}


def _read(workspace: Path) -> Mapping[str, Any]:
    import tomllib

    return tomllib.loads((workspace / FILE).read_bytes().decode())
