"""Write the file of a backup: files go through one by one, in blocks, and it is there whole or not at all.

Crash points: until the rename it has a name with a leading dot, and its writer holds a lock on it. Whoever finds such a
file without a lock knows that its writer is gone, and may take it away.
"""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nofx_cli import errors
from nofx_cli.drivers.filesystem.backup.manifest import MANIFEST, KeptFile, Manifest, encode_manifest
from nofx_cli.drivers.filesystem.backup.seal import Seal, encode_seal
from nofx_cli.drivers.filesystem.flock import free, try_lock
from nofx_cli.drivers.filesystem.layout import write_all

if TYPE_CHECKING:
    from _typeshed import SupportsRead

SUFFIX = ".tar.gz"
_MAKING = ".making-"
_BLOCK = 256 * 1024
_LEVEL = 6


class BackupWriter:
    """One backup that is being written. Every method raises OSError where the disk fails."""

    def __init__(self, target: Path, backup: str, *, at_s: int, sync: bool) -> None:
        self.files: list[KeptFile] = []
        self._target, self._backup, self._at_s, self._sync = target, backup, at_s, sync
        self._making = target.with_name(f"{_MAKING}{backup}{SUFFIX}")
        self._fd = os.open(self._making, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try_lock(self._fd)
        self._file = _Digested(self._fd)
        try:
            self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=self._file, mtime=0)
        except OSError:  # its header had no room
            self._take_away()
            raise
        self._tar = tarfile.open(  # noqa: SIM115 - closed by `finish`
            fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK
        )

    def add(self, path: str, source: Path, size: int) -> KeptFile | None:
        """Add the first `size` bytes of a file; None, and nothing is added, where it is gone.

        Its time is kept to the next full second: what looks for journals that were written to since some time must not
        find one too old.
        """
        try:
            fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(fd, "rb", buffering=0) as file:
            found = os.fstat(fd)
            return self._add(path, file, size, mode=found.st_mode & 0o777, mtime=-(-found.st_mtime_ns // 10**9))

    def add_bytes(self, path: str, data: bytes) -> KeptFile:
        """Add a file with that content."""
        return self._add(path, io.BytesIO(data), len(data), mode=0o644, mtime=self._at_s)

    def finish(self, manifest: Manifest, *, replace: bool) -> str:
        """Add the manifest, seal the file, and put it in place durably; returns the backup's digest.

        Raises:
            errors.Conflict: a file is there by now (code `file-exists`).
        """
        kept = self.add_bytes(MANIFEST, encode_manifest(manifest))
        self._tar.close()
        self._gzip.close()
        write_all(self._fd, encode_seal(Seal(manifest.summary, kept.digest, self._file.digest)))
        if self._sync:
            os.fsync(self._fd)
        if replace:
            os.replace(self._making, self._target)
        else:
            self._put_where_nothing_is()
        free(self._fd)
        self._fd = -1
        _sync_folder(self._target.parent, sync=self._sync)
        return kept.digest

    def drop(self) -> None:
        """Take away what was written; does nothing after `finish`."""
        if self._fd >= 0:
            self._take_away()
            with suppress(OSError, ValueError):
                self._tar.close()  # they write what they still have, at the latest when they are thrown away
            with suppress(OSError, ValueError):
                self._gzip.close()

    def _take_away(self) -> None:
        self._file.is_dropped = True
        with suppress(OSError):
            os.unlink(self._making)
        free(self._fd)
        self._fd = -1

    def _put_where_nothing_is(self) -> None:
        try:
            os.link(self._making, self._target)
        except FileExistsError as exc:
            raise file_exists(self._target) from exc
        except OSError:  # a file system without links
            os.rename(self._making, self._target)
        else:
            os.unlink(self._making)

    def _add(self, path: str, source: "SupportsRead[bytes]", size: int, *, mode: int, mtime: int) -> KeptFile:
        info = tarfile.TarInfo(f"{self._backup}/{path}")
        info.size, info.mode, info.mtime = size, mode, mtime
        counted = _Counted(source)
        self._tar.addfile(info, cast("io.BufferedReader", counted))
        kept = KeptFile(path, size, mode, counted.sha.hexdigest())
        self.files.append(kept)
        return kept


def file_exists(path: Path) -> errors.Conflict:
    return errors.Conflict(
        f"{path} is there already", code="file-exists", hint="write elsewhere, or give --force to replace it"
    )


def cut_off(folder: Path) -> Iterator[Path]:
    """What writers that are gone have left in a folder."""
    for path in sorted(folder.glob(f"{_MAKING}*{SUFFIX}")):
        with suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if try_lock(fd):
                    yield path
            finally:
                free(fd)


def _sync_folder(folder: Path, *, sync: bool) -> None:
    if sync:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class _Digested(io.RawIOBase):
    """Writes to a descriptor, unless it was dropped, and keeps the SHA-256 of all that was written."""

    def __init__(self, fd: int) -> None:
        self._fd, self._sha = fd, hashlib.sha256()
        self.is_dropped = False

    @property
    def digest(self) -> str:
        return self._sha.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if not self.is_dropped:
            self._sha.update(data)
            write_all(self._fd, data)
        return len(data)


class _Counted:
    """Reads from a file, and keeps the SHA-256 of all that was read."""

    def __init__(self, source: "SupportsRead[bytes]") -> None:
        self._source, self.sha = source, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """So many bytes, unless the file ends before."""
        parts = []
        while size and (part := self._source.read(size)):
            parts.append(part)
            size -= len(part)
        data = b"".join(parts)
        self.sha.update(data)
        return data
