"""Read the file of a backup: its end first, then every byte against the digest there, then file by file.

Digests tell of accidents, not of malice: who makes a file makes its digests, too. So nothing in it is believed: names
are those of files below the folders of a store, members are plain files, and no more is unpacked than the end declares.
"""

import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Self, cast

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup.contents import FOLDERS, FORMAT_FILE
from nofx_cli.drivers.filesystem.backup.journal_copy import blocks_of
from nofx_cli.drivers.filesystem.backup.manifest import MANIFEST, KeptFile, Manifest, Summary, decode_manifest
from nofx_cli.drivers.filesystem.backup.seal import NewerSeal, NoSeal, Seal, read_seal
from nofx_cli.regular_files import open_regular
from nofx_cli.safety.paths import fault_of_name

_BLOCK = 256 * 1024
_GZIP_HEADER = 10
_LARGEST_MANIFEST = 1024**3
_MODES = 0o777
_BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError)


class Unreadable(ValueError):
    """The archive cannot be read any further; the text says why and where."""


@record
class Member:
    """A file in the archive, as its header tells it."""

    path: str
    size: int
    mode: int
    mtime: int


class BackupFile:
    """An open backup. `seal` is its end, `files` and `manifest` are known when `members` has come to its end."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            errors.NotFound: there is no such file (code `file-not-found`).
            errors.InvalidInput: it is no backup, cut off, damaged or newer (codes `backup-damaged`, `backup-newer`).
        """
        self.path = path
        try:
            self._file = open_regular(path)
        except FileNotFoundError as exc:
            raise errors.NotFound(f"there is no file {path}", code="file-not-found", hint="nofx backup list") from exc
        except OSError as exc:
            raise damaged(path, f"it cannot be read: {(exc.strerror or str(exc)).lower()}") from exc
        try:
            self.seal, self._end = _sealed(path, self._file.fileno())
        except BaseException:
            self._file.close()
            raise
        self.files: dict[str, KeptFile] = {}
        self._manifest: bytes = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def summary(self) -> Summary:
        return self.seal.summary

    def is_as_sealed(self) -> bool:
        """Whether every byte before the end is what it was."""
        sha = hashlib.sha256()
        for block in blocks_of(self._file.fileno(), self._end):
            sha.update(block)
        return sha.hexdigest() == self.seal.content

    def check_content(self) -> None:
        """Raises `errors.InvalidInput` where a byte is another (code `backup-damaged`)."""
        if not self.is_as_sealed():
            raise damaged(self.path, "its content is not what the digest at its end says")

    def members(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        """Every file in order, but the manifest, each with its bytes, to be read before the next is asked for.

        Raises:
            Unreadable: it cannot be unpacked, or holds what does not belong into a backup.
        """
        try:
            packed = cast("IO[bytes]", _Inflated(self._file.fileno(), self._end))
            with tarfile.open(fileobj=packed, mode="r|", bufsize=_BLOCK) as tar:
                yield from self._members(tar)
        except Unreadable:
            raise
        except _BROKEN as exc:
            raise Unreadable(f"it cannot be unpacked behind its file {len(self.files)}: {exc}") from exc

    @cached_property
    def manifest(self) -> Manifest:
        """What it says of itself.

        Raises:
            Unreadable: there is none, or it is not the one that the end names.
        """
        if hashlib.sha256(self._manifest).hexdigest() != self.seal.manifest:
            raise Unreadable("its manifest is not the one that its end names")
        try:
            found = decode_manifest(self._manifest)
        except ValueError as exc:
            raise Unreadable(f"its manifest cannot be read: {exc}") from exc
        if found.summary != self.summary:
            raise Unreadable("its manifest is not the one that its end names")
        return found

    def file_faults(self) -> Iterator[str]:
        """How the files that were in it differ from those that its manifest names."""
        named = {file.path: file for file in self.manifest.files}
        for path in sorted(named.keys() | self.files.keys()):
            if path not in self.files:
                yield f"{path} is missing"
            elif path not in named:
                yield f"{path} is not in its manifest"
            elif self.files[path] != named[path]:
                yield f"{path} is not what its manifest says"

    def _members(self, tar: tarfile.TarFile) -> Iterator[tuple[Member, Iterator[bytes]]]:
        room = self.summary.bytes
        for info in tar:
            path = self._place(info)
            file = cast("IO[bytes]", tar.extractfile(info))
            if path == MANIFEST and info.size <= _LARGEST_MANIFEST:
                self._manifest = file.read()
                continue
            room -= info.size
            if room < 0 or len(self.files) == self.summary.files:
                raise Unreadable(f"it holds more than its end says: {path}")
            if path in self.files or self._manifest:
                raise Unreadable(f"{path} does not belong where it stands")
            member = Member(path, info.size, info.mode & _MODES, int(info.mtime))
            reading = _Reading(file, path)
            yield member, reading.blocks()
            for _ in reading.blocks():
                pass  # the rest of what nobody wanted to read
            self.files[path] = KeptFile(path, reading.size, member.mode, reading.sha.hexdigest())

    def _place(self, info: tarfile.TarInfo) -> str:
        """The path of a member below the store; what is none is refused."""
        top, _, path = info.name.partition("/")
        parts = PurePosixPath(path).parts
        known = path in (MANIFEST, FORMAT_FILE) or (len(parts) > 1 and parts[0] in FOLDERS)
        sound = fault_of_name(path) is None and ".." not in parts and str(PurePosixPath(path)) == path
        if top != self.summary.id or not known or not sound:
            raise Unreadable(f"it holds {info.name!r}, which is no place in a store")
        if info.type != tarfile.REGTYPE or info.issparse():
            raise Unreadable(f"{path} in it is no plain file")
        return path


def damaged(path: Path, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"the backup {path} is damaged: {why}",
        code="backup-damaged",
        hint=f"see what can be told of it: nofx backup verify {path}; others: nofx backup list",
        context={"path": str(path)},
    )


def _sealed(path: Path, fd: int) -> tuple[Seal, int]:
    try:
        return read_seal(fd)
    except NewerSeal as exc:
        raise errors.InvalidInput(
            f"the backup {path} cannot be read: {exc}", code="backup-newer", hint="update nofx"
        ) from exc
    except NoSeal as exc:
        raise errors.InvalidInput(
            f"the backup {path} cannot be used: {exc}", code="backup-damaged", hint="nofx backup list"
        ) from exc


class _Reading:
    def __init__(self, file: IO[bytes], path: str) -> None:
        self._file, self._path, self.sha, self.size = file, path, hashlib.sha256(), 0

    def blocks(self) -> Iterator[bytes]:
        while block := self._read():
            self.sha.update(block)
            self.size += len(block)
            yield block

    def _read(self) -> bytes:
        try:
            return self._file.read(_BLOCK)
        except _BROKEN as exc:
            raise Unreadable(f"{self._path} cannot be unpacked: {exc}") from exc


class _Inflated(io.RawIOBase):
    """What a member of gzip holds that stands in the first `size` bytes of an open file.

    Its checksum is not looked at: it comes last, and would keep the file from being named in which a byte is another.
    """

    def __init__(self, fd: int, size: int) -> None:
        self._fd, self._size, self._at = fd, size, _GZIP_HEADER
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = b""
        while not data and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._packed()
            if not packed:
                break
            data = self._inflate.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _packed(self) -> bytes:
        packed = os.pread(self._fd, min(_BLOCK, self._size - self._at), self._at)
        self._at += len(packed)
        return packed
