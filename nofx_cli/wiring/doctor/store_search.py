"""Every file of a store, searched block by block; what is compressed is searched as it was before."""

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nofx_cli.safety import identity
from nofx_cli.safety.masking import Masker

_BLOCK = 1024 * 1024
_OVERLAP = 4096
_GZIP = b"\x1f\x8b"


class Place(NamedTuple):
    """Where a secret stands: a line, or 0 for the file's name. `text` is what stands there, never to be shown."""

    line: int
    is_known: bool
    text: bytes

    @property
    def told(self) -> str:
        return f":{self.line}" if self.line else ", its name"

    def __repr__(self) -> str:
        return f"Place(line {self.line})"


class StoreSearch:
    """One search. `searched` and `faults` are whole when `files` has come to its end."""

    def __init__(self, root: Path, known: Masker, looks: Masker) -> None:
        """`known` finds values, `looks` what only looks like one."""
        self._root, self._known, self._looks = root, known, looks
        self.searched = 0
        self.faults: list[str] = []

    def files(self) -> Iterator[tuple[Path, list[Place]]]:
        """The files that hold secrets, ordered by path."""
        if not self._root.exists():
            return
        for folder, folders, names in os.walk(self._root, onerror=self._note):
            folders[:] = sorted(name for name in folders if not _is_in_use(Path(folder, name)))
            for name in sorted(names):
                path = Path(folder, name)
                places = self._places(path)
                if places:
                    yield path, places

    def _places(self, path: Path) -> list[Place]:
        places = self._spans_of(os.fsencode(path.name), line=0)
        if path.is_symlink() or not path.is_file():
            return places
        try:
            with open(path, "rb") as file:
                if file.peek(2)[:2] == _GZIP:
                    with gzip.open(file) as inner:
                        places += self._search(inner)  # type: ignore[arg-type]
                else:
                    places += self._search(file)
            self.searched += 1
        except FileNotFoundError:
            pass  # a run that goes on took it away
        except (OSError, EOFError, zlib.error) as exc:
            self._note(exc, path)
        return places

    def _search(self, file: BinaryIO) -> list[Place]:
        """Blocks overlap, so that what lies across the edge of two is whole in one of them."""
        places: list[Place] = []
        line, kept = 1, b""
        while block := file.read(_BLOCK):
            data = kept + block
            places += self._spans_of(data, line=line)
            cut = max(len(data) - _OVERLAP, 0)
            line += data.count(b"\n", 0, cut)
            kept = data[cut:]
        return list(dict.fromkeys(places))

    def _spans_of(self, data: bytes, line: int) -> list[Place]:
        found: list[tuple[int, int, bool]] = []
        for masker, is_known in ((self._known, True), (self._looks, False)):
            found += ((start, end, is_known) for start, end in masker.spans(data))
        places: list[Place] = []
        end_of_last = 0
        for start, end, is_known in sorted(found, key=lambda one: (one[0], -one[1], not one[2])):
            if start >= end_of_last or is_known:
                places.append(Place(line and line + data.count(b"\n", 0, start), is_known, data[start:end]))
            end_of_last = max(end_of_last, end)
        return places

    def _note(self, exc: Exception, path: Path | None = None) -> None:
        place = getattr(exc, "filename", "") if path is None else path
        why = getattr(exc, "strerror", None) or type(exc).__name__
        self.faults.append(f"{place} cannot be searched: {why}")


def _is_in_use(folder: Path) -> bool:
    """What a living process works with is not kept yet: it is masked when it is."""
    return folder.parent.name == "scratch" and identity.instance_runs(folder.name.rpartition(".")[0])
