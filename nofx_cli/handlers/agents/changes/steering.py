"""What in a repository's own folder decides which programs git runs: its settings, its hooks, its attributes.

Whoever changes those has git run what he likes, later, for somebody else. Of the settings those do not count that
people and git itself change all the time while somebody works in another worktree: which branch follows which, and
where a remote lies.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.handlers.agents.changes.git import run_git

_SETTINGS = ("config", "config.worktree")
_NO_MATTER = re.compile(rb"branch\..*|remote\..*\.(url|fetch|push|pushurl|tagopt)", re.DOTALL)
_SUBMODULES = "modules"
_LOOKED_INTO = frozenset({"hooks", "info", _SUBMODULES})
_WITHOUT = frozenset({"objects", "refs", "logs"})


def steering_of(*folders: Path) -> Mapping[str, str]:
    """A digest of each such file in folders of a repository and of its submodules, by path: `.git/hooks/pre-commit`."""
    return {path: digest for folder in dict.fromkeys(folders) for path, digest in _found(folder)}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that were made, changed or removed."""
    return tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))


def is_steering(path: str) -> bool:
    """Whether a path within a `.git` folder, relative to it, is of these."""
    return path in (*_SETTINGS, "info/attributes") or path.startswith("hooks/")


def _found(folder: Path) -> Iterator[tuple[str, str]]:
    for place, folders, files in os.walk(folder):
        within = Path(place).relative_to(folder).parts
        folders[:] = [name for name in folders if (name not in _WITHOUT if within else name in _LOOKED_INTO)]
        has_settings = not within or within[0] == _SUBMODULES
        for name in files:
            if (has_settings and name in _SETTINGS) or is_steering("/".join((*within, name)[-2:])):
                yield "/".join((".git", *within, name)), _digest(Path(place, name))


def _digest(path: Path) -> str:
    try:
        data = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        mode = path.lstat().st_mode
    except OSError:
        return ""
    if path.name in _SETTINGS:
        data, mode = _settings(path, data), 0
    return digest_of_bytes(b"%o\0%s" % (mode, data))


def _settings(path: Path, data: bytes) -> bytes:
    """The settings that count, as git reads them; the text of the file where git cannot."""
    try:
        told = run_git(path.parent, "config", "--file", str(path), "-z", "--list")
    except errors.StoreFailure:
        return data
    entries = (entry for entry in told.split(b"\0") if not _NO_MATTER.fullmatch(entry.partition(b"\n")[0]))
    return b"\0".join(entries)
