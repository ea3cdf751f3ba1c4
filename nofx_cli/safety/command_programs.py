"""Which file the name of a program means, and whether two names mean the same one.

Names are compared, and real files behind links, and, for files that lie outside of PATH, their bytes: a link or a
copy under another name is what it is. A program that looks at the name it was called by (busybox, coreutils) is one
file with many names, so there only names tell.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.safety.globs import SIGNS

_MANY_NAMED = frozenset(("busybox", "toybox", "coreutils", "uutils"))
_STANDARD = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_VERSION = re.compile(r"[-.]?[0-9][0-9.]*$")
_MANY_LINKS = 8


@record
class Place:
    """Where a command runs.

    Attributes:
        env: its environment.
        cwd: its working folder; not to be relied on where it `moved`.
        workspace: the folder that relative paths in rules start from.
        in_shell: whether a shell reads it, so that its builtins and `functions` go before programs.
        moved: whether its working folder may have changed by then.
    """

    env: Mapping[str, str]
    cwd: Path
    workspace: Path
    in_shell: bool = False
    moved: bool = False
    bash: bool = False
    functions: frozenset[str] = frozenset()


@record
class Program:
    """What the first word of a command means.

    Attributes:
        word: as it was written.
        file: the file, normalised but with its links; empty where there is none.
        real: that file behind all links.
    """

    word: str
    place: Place
    file: str = ""
    real: str = ""

    @property
    def name(self) -> str:
        return os.path.basename(self.word)

    @property
    def by_path(self) -> bool:
        return "/" in self.word

    @property
    def many_named(self) -> bool:
        """Whether it does something else under each of its names."""
        if os.path.basename(self.real) in _MANY_NAMED:
            return True
        # On macOS all developer tools are one small file that looks at its name.
        return sys.platform == "darwin" and bool(self.real) and os.stat(self.real).st_nlink > _MANY_LINKS

    @property
    def names(self) -> tuple[str, ...]:
        """What it is known by: its name, that of its real file (`vim.basic`), and both without a version."""
        found = [self.name, _VERSION.sub("", self.name)]
        if self.real and not self.many_named:
            real = os.path.basename(self.real)
            found += [real, _VERSION.sub("", real), real.partition(".")[0]]
        return tuple(dict.fromkeys(name for name in found if name))

    @property
    def elsewhere(self) -> bool:
        """Whether it was named by its path and lies in no folder of programs."""
        return self.by_path and os.path.dirname(self.file or self.word) not in self._folders()

    @property
    def in_workspace(self) -> bool:
        return bool(self.file) and Path(self.file).is_relative_to(self.place.workspace)

    def is_found(self) -> bool:
        return bool(self.file)

    def same_as(self, name: str) -> bool:
        """Whether its file is one that `name` means on PATH or in the usual folders of programs."""
        if not self.real or self.many_named:
            return False
        others = {os.path.realpath(path) for path in self._candidates(name)}
        return any(_is_same(self.real, other) for other in others) or (
            (self.elsewhere or self.in_workspace) and any(_is_copy(self.real, other) for other in others)
        )

    def is_named_on_path(self) -> bool:
        """Whether this very file is what its name means on PATH."""
        first = next(self._candidates(self.name, standard=False), "")
        return bool(self.file and first) and _is_same(self.file, first)

    def _candidates(self, name: str, *, standard: bool = True) -> Iterator[str]:
        if name and "/" not in name and SIGNS.isdisjoint(name):
            folders = self._folders() if standard else _path(self.place.env)
            yield from (path for folder in folders if _is_program(path := os.path.join(folder, name)))

    def _folders(self) -> list[str]:
        return [*_path(self.place.env), *_STANDARD]


def find(word: str, place: Place) -> Program:
    """Look it up as the system would; folders of PATH that are relative are passed over."""
    if "/" in word:
        candidates = [os.path.normpath(os.path.join(place.cwd, word))]
    else:
        candidates = [os.path.join(folder, word) for folder in _path(place.env)]
    file = next((path for path in candidates if _is_program(path)), "")
    return Program(word, place, file, os.path.realpath(file) if file else "")


def hides_in_relative_folder(word: str, place: Place) -> bool:
    """Whether a folder of PATH that is relative to the working folder could have a program of this name."""
    folders = place.env.get("PATH", os.defpath).split(os.pathsep)
    return "/" not in word and any(
        not folder.startswith("/") and _is_program(os.path.join(place.cwd, folder, word)) for folder in folders
    )


def _path(env: Mapping[str, str]) -> list[str]:
    return [
        folder.rstrip("/") or "/" for folder in env.get("PATH", os.defpath).split(os.pathsep) if folder.startswith("/")
    ]


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _is_copy(one: str, other: str) -> bool:
    try:
        if os.path.getsize(one) != os.path.getsize(other):
            return False
        return Path(one).read_bytes() == Path(other).read_bytes()
    except OSError:
        return False
