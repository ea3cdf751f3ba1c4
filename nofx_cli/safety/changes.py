"""What really changed in a workspace while a step ran: its files before and after, without following links.

A file counts as changed when its inode, its kind, its mode, its size, or one of its times differs: the time of change
is the kernel's own and cannot be set back. Links are looked at themselves, so what is written through one shows at the
place that it leads to. What lies outside of the workspace is not seen: a sandbox keeps processes from it.

Of `.git` the objects, the index and lock files are left out: reading commands such as `git status` write those.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from nofx_cli.safety.never_written import CACHE, STEERING, followed

Traces: TypeAlias = Mapping[str, tuple[int, ...]]
"""By path below the workspace, with `/`: inode, mode, size, time of modification, time of change."""

_GIT, _SUBMODULES = ".git", "modules"
_GIT_NOISE = frozenset({"objects", "index", "lfs"})


def take_traces(workspace: Path, *, store: Path) -> Traces:
    """The traces of all files and links below the workspace but the store's, and of what steers nofx."""
    files = _walk(str(workspace), store=os.path.realpath(store))
    return {**dict(files), **take_traces_of_steering(workspace)}


def take_traces_of_steering(workspace: Path) -> Traces:
    """Of `nofx.yaml` and the project's handlers alone: what is looked at where no rule says what may be written.

    Links are looked at themselves and followed, for nofx follows them too.
    """
    found: dict[str, tuple[int, ...]] = {}
    pending, seen = list(STEERING), set[str]()
    while pending:
        path = pending.pop()
        place = os.path.join(workspace, path)
        is_folder, trace = os.path.isdir(place), _trace_through(place)
        if trace and not is_folder:
            found[path] = trace
        if is_folder and os.path.islink(place):
            found[path] = _trace(os.lstat(place))
        if is_folder and (real := os.path.realpath(place)) not in seen:
            seen.add(real)
            pending += [f"{path}/{entry.name}" for entry in _entries(place) or () if entry.name != CACHE]
    return found


def take_trace_of_git(workspace: Path) -> Traces:
    """Whether there is a git folder at the top, and which one."""
    with suppress(OSError):
        found = os.lstat(workspace / _GIT)
        return {_GIT: (found.st_ino, found.st_mode)}
    return {}


def take_traces_below_git(git: Path, places: Iterable[Path]) -> Traces:
    """Of files, and folders with all that is in them, of a git folder that lies elsewhere, as if it lay at the top."""
    found: dict[str, tuple[int, ...]] = {}
    for place in places:
        name = f"{_GIT}/{os.path.relpath(place, git)}"
        if trace := _trace_through(str(place)):
            # What is in a folder counts, and not when something was in it for a while: git makes lock files.
            found[name] = trace[:2] if place.is_dir() else trace
        for path, trace in _walk(str(place), store=""):
            found[f"{name}/{path}"] = trace
    return found


def together(one: Traces, other: Traces) -> Traces:
    """The traces of two places under the same names."""
    if not other:
        return one
    return {path: (*one.get(path, ()), *other.get(path, ())) for path in {*one, *other}}


def changed(before: Traces, after: Traces) -> list[str]:
    """The paths that were made, changed or removed, ordered."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def leads_out(workspace: Path, path: str) -> str:
    """Where a link leads that leaves the workspace; empty for what is no link, or stays inside."""
    if not (workspace / path).is_symlink():
        return ""
    target = followed(workspace, path)
    return "" if target.is_relative_to(followed(workspace)) else str(target)


def target_of(workspace: Path, path: str) -> str:
    """What a path leads to below the workspace, links followed; the path itself where it leads out."""
    base, target = followed(workspace), followed(workspace, path)
    return target.relative_to(base).as_posix() if target.is_relative_to(base) else path


def _walk(top: str, *, store: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    pending = [""]
    while pending:
        folder = pending.pop()
        entries = _entries(os.path.join(top, folder))
        if entries is None:  # nobody can see what is in it: then it counts itself
            yield folder, _trace_through(os.path.join(top, folder))
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.path == store or _is_noise(folder, entry.name):
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # it went away meanwhile
            if stat.S_ISDIR(found.st_mode):
                pending.append(path)
            else:
                yield path, _trace(found)


def _entries(folder: str) -> list["os.DirEntry[str]"] | None:
    """What lies in a folder; None where that may not be seen."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError:
        return None
    except OSError:
        return []


def _is_noise(folder: str, name: str) -> bool:
    parts = folder.split("/")
    if _GIT not in parts:
        return False
    below = parts[parts.index(_GIT) + 1 :]
    at_top = not below or below[0] == _SUBMODULES
    return name.endswith(".lock") or (at_top and (name in _GIT_NOISE or name.endswith("_HEAD")))


def _trace(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _trace_through(place: str) -> tuple[int, ...]:
    """Of what is there, and of what it leads to; empty where nothing is."""
    found: tuple[int, ...] = ()
    with suppress(OSError):
        for look in (os.lstat, os.stat):
            found += _trace(look(place))
    return found
