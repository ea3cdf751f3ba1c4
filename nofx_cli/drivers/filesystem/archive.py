"""The archive as files: one entry a file, named by the digest of its request, in one of 256 folders.

Change: take the folder's lock (flock: the kernel frees it however we die), read the entry, write the whole of what it
becomes to a file with a leading dot, fsync it, rename it into place, fsync the folder, release. Readers take no lock:
they find the old entry or the new one.

Crash points: before the rename nothing happened; what was being written is overwritten by the next writer. After it
the new entry is there with all its answers.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nofx_cli.domain.exchanges import encode_entry
from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.drivers.filesystem.flock import free
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.drivers.stored_archive import Decide, StoredArchive, faulty, is_damaged, listed, readable
from nofx_cli.ports.archive import ArchiveEntry
from nofx_cli.regular_files import open_regular
from nofx_cli.safety.masking import Masker

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PUT_ASIDE = re.compile(r"[0-9a-f]{64}\.damaged-[0-9a-f]{12}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_SUFFIX = ".json"
_LOCK = ".lock"
_CANNOT_READ = "the archive cannot be read"
_CANNOT_WRITE = "the archive cannot be written"


class FileArchive(StoredArchive):
    """Files `<root>/archive/<ab>/<digest>.json`; those put aside end in `.damaged-<digest of their bytes>`."""

    def __init__(self, layout: Layout, masker: Masker | None = None) -> None:
        super().__init__(masker)
        self._layout = layout
        self._root = layout.root / "archive"

    def requests(self, prefix: str = "") -> Iterator[str]:
        with told(_CANNOT_READ):
            for path in self._files(prefix[:2]):
                if path.stem.startswith(prefix) and self._is_in_place(path):
                    yield path.stem

    def entries(self) -> Iterator[ArchiveEntry]:
        with told(_CANNOT_READ):
            for path in self._files():
                with suppress(FileNotFoundError):  # taken away since it was listed
                    yield self._listed(path)

    def remove_damaged(self) -> int:
        freed = 0
        with told(_CANNOT_WRITE):
            for path in self._files():
                with suppress(FileNotFoundError):
                    if self._is_damaged(path):
                        freed += self._remove_if_damaged(path)
        return freed

    def _read(self, request: str) -> bytes | None:
        if not _DIGEST.fullmatch(request):
            return None
        with told(_CANNOT_READ):
            return _content(self._path(request))

    def _change(self, request: str, decide: Decide) -> int:
        if not _DIGEST.fullmatch(request):
            return 0
        with told(_CANNOT_WRITE), self._locked(self._path(request).parent):
            data = self._read(request)
            there = readable(data, request)
            made = decide(there)
            if made is None:
                return 0
            if data is not None and there is None:
                self._put_aside(self._path(request), data)
            kept = encode_entry(made) if made.exchanges else b""
            if kept:
                self._replace(self._path(request), kept)
            else:
                self._path(request).unlink(missing_ok=True)
            self._layout.fsync_folder(self._path(request).parent)
            return len(data or b"") - len(kept)

    def _path(self, request: str) -> Path:
        return self._root / request[:2] / f"{request}{_SUFFIX}"

    def _is_in_place(self, path: Path) -> bool:
        return bool(_DIGEST.fullmatch(path.stem)) and path == self._path(path.stem)

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        if not folder.is_dir():
            self._make(folder)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            free(lock)

    def _make(self, folder: Path) -> None:
        self._layout.prepare()
        folder.mkdir(parents=True, exist_ok=True)
        self._layout.fsync_folder(folder.parent)
        self._layout.fsync_folder(folder.parent.parent)

    def _replace(self, path: Path, data: bytes) -> None:
        making = path.with_name(f".new-{path.name}")
        making.unlink(missing_ok=True)  # of a writer that died
        try:
            self._layout.write_durably(making, data)
            os.replace(making, path)
        finally:
            making.unlink(missing_ok=True)

    def _put_aside(self, path: Path, data: bytes) -> None:
        os.replace(path, path.with_name(f"{path.stem}.damaged-{digest_of_bytes(data)[:12]}"))

    def _files(self, folders: str = "") -> Iterator[Path]:
        """What lies in the folders whose names begin so, in order; not what is only being made."""
        for folder in _names(self._root):
            if _FOLDER.fullmatch(folder) and folder.startswith(folders):
                for name in _names(self._root / folder):
                    if not name.startswith("."):
                        yield self._root / folder / name

    def _listed(self, path: Path) -> ArchiveEntry:
        request = path.name[:64] if _DIGEST.match(path.name) else path.name
        try:
            with open_regular(path) as file:
                data = file.read()
        except FileNotFoundError:
            raise
        except OSError as exc:
            return faulty(request, 0, f"it cannot be read: {exc.strerror}")
        if _PUT_ASIDE.fullmatch(path.name):
            return faulty(request, len(data), f"it was damaged, and put aside as {path.name}")
        if not self._is_in_place(path):
            return faulty(request, len(data), f"{path.name} is no entry of {path.parent.name}/")
        return listed(data, request)

    def _is_damaged(self, path: Path) -> bool:
        """Whether it is an entry that nobody can read any more; what somebody else put there is not ours to judge."""
        if not self._is_in_place(path):
            return bool(_PUT_ASIDE.fullmatch(path.name))
        try:
            with open_regular(path) as file:
                return is_damaged(file.read(), path.stem)
        except OSError:  # gone, or the disk's fault, which may pass
            return False

    def _remove_if_damaged(self, path: Path) -> int:
        """Look again under the lock: somebody may have put a whole entry there."""
        with self._locked(path.parent):
            if not self._is_damaged(path):
                return 0
            size = path.lstat().st_size
            path.unlink()
            self._layout.fsync_folder(path.parent)
            return size


def _content(path: Path) -> bytes | None:
    try:
        with open_regular(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
