"""The files of a workspace that a command names, with their digests: an approval of the command is bound to them."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILES = 64
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """`digests` is SHA-256 by path relative to the workspace; `left_out` are files that cannot be read, or too many."""

    digests: dict[str, str]
    left_out: tuple[str, ...]


def named_files(words: Iterable[str], *, cwd: Path, workspace: Path) -> NamedFiles:
    """Look every word up as a path relative to `cwd`, and what follows `=` in it too.

    Only regular files inside the workspace count, links resolved; a name that the command makes up while it runs is
    not seen. At most 64 files and 64 MiB are read.
    """
    digests: dict[str, str] = {}
    left_out: list[str] = []
    budget = MAX_BYTES
    for path in _files(words, cwd, workspace.resolve()):
        name = path.relative_to(workspace.resolve()).as_posix()
        size = path.stat().st_size
        if name in digests or name in left_out:
            continue
        digest = _digest(path) if len(digests) < MAX_FILES and size <= budget else ""
        if not digest:
            left_out.append(name)
            continue
        budget -= size
        digests[name] = digest
    return NamedFiles(dict(sorted(digests.items())), tuple(left_out))


def _files(words: Iterable[str], cwd: Path, workspace: Path) -> Iterator[Path]:
    for word in words:
        for name in filter(None, (word, word.partition("=")[2])):
            try:
                path = (cwd / name).resolve()
                if path.is_relative_to(workspace) and path.is_file():
                    yield path
            except (OSError, ValueError, RuntimeError):  # too long, a zero byte, a loop of links: no file's name
                continue


def _digest(path: Path) -> str:
    """Empty where the file may not be read: then nothing that a person sees could be bound to it either."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
