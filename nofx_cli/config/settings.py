"""Settings: a flag, then `NOFX_*`, then `nofx.yaml`, then the default. Each value knows which one it was.

Every setting is declared once, in `DECLARED`; `nofx config show` and `docs/reference/settings.md` come from it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from nofx_cli import errors
from nofx_cli.domain.durations import parse_duration_ms
from nofx_cli.domain.record import record

T = TypeVar("T")

SETTINGS_FILE = "nofx.yaml"
_MISSPELT = "nofx.yml"
STORE = "local_data"
EXECUTIONS = ("inline", "queue", "auto")


@record
class Declared:
    """A setting: its key in `nofx.yaml`, its variable, how its text is read, and what it is for.

    `key` is empty for what only the environment may say.
    """

    name: str
    variable: str
    read: Callable[[str], object]
    default: str
    description: str
    key: str = ""


@record
class Value(Generic[T]):
    """A setting's value and its source: `--flag`, `NOFX_…`, `nofx.yaml:3` or `default`."""

    value: T
    source: str


def _size(text: str) -> int:
    units = {"kb": 1024, "mb": 1024**2, "gb": 1024**3}
    number, unit = text[:-2], units.get(text[-2:].lower())
    if unit is None:
        number, unit = text, 1
    if not number.strip().isdigit() or int(number) < 1:
        raise ValueError(f"{text!r} is not a size; write it like 500KB, 64MB or 1GB")
    return int(number) * unit


def _switch(text: str) -> bool:
    if text.lower() not in {"on", "off"}:
        raise ValueError(f"{text!r} is neither on nor off")
    return text.lower() == "on"


def _execution(text: str) -> str:
    if text not in EXECUTIONS:
        raise ValueError(f"{text!r} is none of {', '.join(EXECUTIONS)}")
    return text


def _milliseconds(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"{text!r} is not a number of milliseconds; write it like 5000")
    return int(text)


DECLARED: tuple[Declared, ...] = (
    Declared("store", "NOFX_HOME", str, STORE, "the folder that runs are kept in, relative to the project", "store"),
    Declared("actor", "NOFX_ACTOR", str, "", "who is on record for what is done; by default the login name", "actor"),
    Declared("grace_ms", "NOFX_GRACE", parse_duration_ms, "700ms", "between TERM and KILL of a process", "grace"),
    Declared("output_limit", "NOFX_OUTPUT_LIMIT", _size, "64MB", "how much of a step's output is kept", "output_limit"),
    Declared("execution", "NOFX_EXECUTION", _execution, "auto", "who executes a run that is to go on", "execution"),
    Declared(
        "backpressure_age_ms",
        "BACKPRESSURE_AGE_MS",
        _milliseconds,
        "5000",
        "how old, in ms, the oldest due job may be before new jobs are delayed",
    ),
    Declared("sync", "NOFX_SYNC", _switch, "on", "off: nothing is synced to the disk; for tests only"),
)


@record
class Settings:
    """The settings in force for a project folder."""

    project: Path
    store: Value[Path]
    actor: Value[str]
    grace_ms: Value[int]
    output_limit: Value[int]
    execution: Value[str]
    backpressure_age_ms: Value[int]
    sync: Value[bool]


def find_project(start: Path) -> Path:
    """The project around a folder: the nearest one above that has a `nofx.yaml` or is a git checkout; else itself.

    Settings that cannot be read count, so that nobody goes by those of another project, or by none.
    """
    for folder in (start, *start.parents):
        if any(os.path.lexists(folder / name) for name in (SETTINGS_FILE, _MISSPELT, ".git")):
            return folder
    return start


def load_settings(project: Path, environ: Mapping[str, str], *, store: str | None = None) -> Settings:
    """Put the settings together.

    Args:
        store: the value of `--store`, where it was given.

    Raises:
        errors.InvalidInput: `nofx.yaml` or a variable is not as it should be; names value, place and remedy.
    """
    written = read_settings(project)
    flags = {"store": store} if store else {}
    found = {d.name: _value(d, flags, environ, written) for d in DECLARED}
    place = found["store"]
    found["store"] = Value(project / Path(os.path.expanduser(str(place.value))), place.source)
    return Settings(project=project, **found)  # type: ignore[arg-type]


def read_settings(project: Path) -> Mapping[str, tuple[str, str]]:
    """The single settings of the project's file as text, each with its place; the whole file is checked.

    Raises:
        errors.InvalidInput: it cannot be read, or has faults; or there is one whose name is only like that of settings.
    """
    if os.path.lexists(project / _MISSPELT):
        raise errors.InvalidInput(
            f"{_MISSPELT} is not read: settings are called {SETTINGS_FILE}",
            code="settings-misspelt",
            hint=f"mv {_MISSPELT} {SETTINGS_FILE}",
        )
    if not os.path.lexists(project / SETTINGS_FILE):
        return {}
    from nofx_cli.config.settings_file import read_settings_file

    return read_settings_file(project / SETTINGS_FILE, {declared.key for declared in DECLARED if declared.key})


def _value(
    declared: Declared,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    written: Mapping[str, tuple[str, str]],
) -> Value[object]:
    if declared.name in flags:
        text, source = flags[declared.name], f"--{declared.name}"
    elif environ.get(declared.variable):
        text, source = environ[declared.variable], declared.variable
    elif declared.key in written:
        text, source = written[declared.key]
    else:
        text, source = declared.default, "default"
    try:
        return Value(declared.read(text), source)
    except ValueError as exc:
        raise errors.InvalidInput(
            f"{source}: {declared.key or declared.variable}: {exc}", code="settings-bad-value", hint="nofx config show"
        ) from exc
