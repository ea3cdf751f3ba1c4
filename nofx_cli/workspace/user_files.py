"""The user's files as git would take them, at the paths that a run changed."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace.tree_changes import FILE, LINK, PROGRAM, Entry


@record
class Seen:
    """What is at a path: an entry where it is a file or a link, or why it cannot be touched (`obstacle`).

    `mark` tells whether it was changed since.
    """

    entry: Entry | None = None
    obstacle: str = ""
    mark: tuple[int, ...] = ()


def look(git: Git, top: Path, paths: Sequence[str], *, removed: frozenset[str]) -> Mapping[str, Seen]:
    """Look at paths below the top of a checkout. Contents are written to the repository, as objects that nothing holds.

    Args:
        removed: paths that will be removed first: what they stand in the way of is free then.
    """
    obstacles = {path: _obstacle(top, path, removed) for path in paths}
    states = {path: _lstat(top / path) for path in paths if not obstacles[path]}
    files = [path for path, found in states.items() if found and stat.S_ISREG(found.st_mode)]
    links = {path: found for path, found in states.items() if found and stat.S_ISLNK(found.st_mode)}
    oids = dict(zip(files, _digests(git, files), strict=True))
    oids |= {path: _digest(git, os.fsencode(os.readlink(top / path))) for path in links}
    heeds_mode = (git.ask("config", "--type=bool", "core.fileMode") or "true").strip() != "false"
    return {
        path: Seen(_entry(states.get(path), oids.get(path, ""), heeds_mode), obstacles[path], mark_of(top / path))
        for path in paths
    }


def mark_of(place: Path) -> tuple[int, ...]:
    """Other numbers where a file was changed or replaced; empty where none is, or a folder."""
    found = _lstat(place)
    if found is None or stat.S_ISDIR(found.st_mode):
        return ()
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def _entry(found: os.stat_result | None, oid: str, heeds_mode: bool) -> Entry | None:
    if not oid or found is None:
        return None
    if stat.S_ISLNK(found.st_mode):
        return Entry(LINK, oid)
    return Entry("" if not heeds_mode else PROGRAM if found.st_mode & stat.S_IXUSR else FILE, oid)


def _obstacle(top: Path, path: str, removed: frozenset[str]) -> str:
    """Why what is at a path is not to be touched; empty where it may be."""
    for above in [part.as_posix() for part in Path(path).parents if part.parts]:
        found = _lstat(top / above)
        if found and not stat.S_ISDIR(found.st_mode) and above not in removed:
            return f"{above} is {'a link' if stat.S_ISLNK(found.st_mode) else 'a file'} in your folder"
    found = _lstat(top / path)
    if found and stat.S_ISDIR(found.st_mode):
        kept = (file for file in _files_below(top, path) if file not in removed)
        return "" if next(kept, None) is None else "it is a folder with other files in yours"
    if found and not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        return "it is no regular file in your folder"
    return ""


def _files_below(top: Path, path: str) -> Iterable[str]:
    for folder, folders, files in os.walk(top / path):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (os.path.relpath(os.path.join(folder, name), top) for name in (*files, *links))


def _digests(git: Git, files: Sequence[str]) -> list[str]:
    """Of contents as git would store them."""
    if not files:
        return []
    names = b"".join(_quoted(file) + b"\n" for file in files)
    return git.do("hash-object", "-w", "--stdin-paths", stdin=names).decode().split()


def _digest(git: Git, content: bytes) -> str:
    return git.do("hash-object", "-w", "--stdin", stdin=content).decode().strip()


def _quoted(file: str) -> bytes:
    """A path as git reads it from a line."""
    name = os.fsencode(file)
    if not name.startswith(b'"') and b"\n" not in name:
        return name
    return b'"' + b"".join(b"\\%03o" % byte if byte < 32 or byte in b'"\\' else bytes([byte]) for byte in name) + b'"'


def _lstat(place: Path) -> os.stat_result | None:
    try:
        return os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
