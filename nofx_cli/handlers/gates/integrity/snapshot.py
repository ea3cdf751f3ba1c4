"""What the verdicts of gates rest on, as it is now: one pass over the workspace, each file read once.

    {"version": 1, "weakened": "ask", "cut": false, "files": {"tests/test_a.py": {"kind": "tests", "digest": …}}}

Kept of a file is its digest and, by its kind, flat values (`settings`), tests with their assertions (`tests`), what it
accepts (`baseline`), nothing else (`opaque`), and in each of them the suppressions (`markers`: count and reach). Text
is never kept. Source in which nothing is suppressed is left out.

A pass reads every file, also the second and the third one of a process: times and sizes can be set, and a page that is
mapped is changed without either. What was found in a content is remembered under its digest, so that only what differs
is searched again.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.project import Weakened
from nofx_cli.handlers.gates.ecosystem import LEFT_BY_TOOLS
from nofx_cli.handlers.gates.integrity.baseline import BASELINES, accepted
from nofx_cli.handlers.gates.integrity.configuration import Configuration, configuration_of, kept_values
from nofx_cli.handlers.gates.integrity.markers import count_allowed_secrets, count_markers
from nofx_cli.handlers.gates.integrity.tests_found import PYTHON, SCRIPTS, is_test_file, read_tests, suffix_of

VERSION = 1
MOST_FILES = 100_000
LARGEST = 4 * 1024 * 1024
"""Of a larger file only the digest is taken, so that any change of it counts."""

_PYTHON = PYTHON | {".pyi"}
_SOURCE = _PYTHON | SCRIPTS | {".vue", ".svelte", ".astro"}
_OTHER_TEXT = frozenset({
    ".yaml", ".yml", ".toml", ".cfg", ".ini", ".env", ".sh", ".json", ".md", ".txt", ".html", ".css", ".go", ".rb",
    ".java", ".rs", ".tf", ".properties", ".xml", ".conf",
})  # fmt: skip
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe without a writer does not keep us waiting
_REMEMBERED: dict[str, tuple[bytes, JsonObject]] = {}
"""The digest of each file that was seen last under its path, and what was found in that content; by all threads."""
_NOT_LOOKED_INTO = LEFT_BY_TOOLS | {"site-packages", ".hypothesis", ".cache", "dist", "build", "htmlcov", ".next"}


def take_snapshot(workspace: Path, *, store: Path, weakened: Weakened = Weakened.ASK) -> JsonObject:
    """Look at the workspace.

    Args:
        store: the folder of nofx's own files; it is left out.
        weakened: what gates are to do where something became weaker. It is kept too, so that a step of the run cannot
            change it.
    """
    files: dict[str, JsonObject] = {}
    cut = False
    for number, (path, place) in enumerate(_files(workspace, store)):
        if number >= MOST_FILES:
            cut = True
            break
        seen = _seen(path, place)
        if seen:
            files[path] = seen
    return {"version": VERSION, "weakened": weakened.value, "cut": cut, "files": files}


def _files(workspace: Path, store: Path) -> Iterator[tuple[str, str]]:
    """The files that may matter: path below the workspace, and where it lies. Folders behind links are left out."""
    folders = [("", os.fspath(workspace))]
    left_out = os.fspath(store)
    while folders:
        prefix, folder = folders.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_LOOKED_INTO and entry.path != left_out:
                    folders.append((f"{prefix}{entry.name}/", entry.path))
            elif _may_matter(entry.name):
                yield f"{prefix}{entry.name}", entry.path


def _may_matter(name: str) -> bool:
    suffix = suffix_of(name)
    return suffix in _SOURCE or suffix in _OTHER_TEXT or name in BASELINES or configuration_of(name) is not None


def _seen(path: str, place: str) -> JsonObject:
    """What is kept of a file; empty where it says nothing that matters."""
    data, digest = _read(place)
    if data is None:
        matters = configuration_of(path) is not None or path in BASELINES or is_test_file(path)
        return {"kind": "opaque", "digest": digest} if digest and matters else {}
    taken = hashlib.sha256(data)
    known = _REMEMBERED.get(path)
    if known is not None and known[0] == taken.digest():
        return known[1]
    found = _found(path, data)
    seen: JsonObject = {**found, "digest": taken.hexdigest()} if found else {}
    if len(_REMEMBERED) >= MOST_FILES:
        _REMEMBERED.clear()
    _REMEMBERED[path] = (taken.digest(), seen)
    return seen


def _found(path: str, data: bytes) -> dict[str, JsonValue]:
    """What matters in a content. It comes from nothing else than what is given here, so that it can be remembered."""
    seen: dict[str, JsonValue] = {}
    suffix, configuration = suffix_of(path), configuration_of(path)
    if path in BASELINES:
        seen = {"kind": "baseline", **(accepted(data) or {})}
    elif configuration is not None:
        seen = _settings(configuration, data)
    elif is_test_file(path):
        seen = {"kind": "tests", "tests": read_tests(path, data)}
    markers = count_markers(data, is_script=suffix not in _PYTHON) if suffix in _SOURCE else count_allowed_secrets(data)
    if markers:
        seen = {"kind": "source", **seen, "markers": {label: list(found) for label, found in markers.items()}}
    return seen


def _settings(configuration: Configuration, data: bytes) -> dict[str, JsonValue]:
    values = configuration.read(data)
    if values is None:
        return {"kind": "opaque"}
    kept = kept_values(configuration, values)
    # An empty file of a tool's own counts too: it can stand in the way of another one.
    if not kept and (configuration.tables or configuration.by_lines):
        return {}
    return {"kind": "settings", "values": kept}


def _read(place: str) -> tuple[bytes | None, str]:
    """The bytes of a regular file, a link to one too. None for what cannot be read, or is too large: then a digest."""
    try:
        opened = os.open(place, _FLAGS)
        try:
            return _content(opened)
        finally:
            os.close(opened)
    except OSError:
        return None, "unreadable"


def _content(opened: int) -> tuple[bytes | None, str]:
    """Without a file object around it, which costs as much as all else here."""
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        return None, ""
    if status.st_size > LARGEST:
        with open(opened, "rb", closefd=False) as file:
            return None, hashlib.file_digest(file, "sha256").hexdigest()
    parts = []
    while part := os.read(opened, status.st_size + 1):
        parts.append(part)
    return (parts[0] if len(parts) == 1 else b"".join(parts)), ""
