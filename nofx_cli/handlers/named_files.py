"""The files of a workspace that a command names, with their digests: an approval of the command is bound to them."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILES = 64
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """`digests` is SHA-256 by path relative to the workspace; `left_out` are the files beyond the limits."""

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
        if len(digests) >= MAX_FILES or size > budget:
            left_out.append(name)
            continue
        budget -= size
        with path.open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return NamedFiles(dict(sorted(digests.items())), tuple(left_out))


def _files(words: Iterable[str], cwd: Path, workspace: Path) -> Iterator[Path]:
    for word in words:
        for name in {word, word.partition("=")[2]} - {""}:
            try:
                path = (cwd / name).resolve()
                if path.is_relative_to(workspace) and path.is_file():
                    yield path
            except (OSError, ValueError):  # too long for a path, a loop of links, a zero byte: no file's name
                continue
