"""A tar archive in gzip, written and read from front to back, with nothing in it but plain files."""

import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import IO, BinaryIO, TypeAlias

BLOCK = 1024 * 1024
_TRAILER = 8
_RECORD = 512

Member: TypeAlias = tuple[str, int, Iterator[bytes]]
"""The name of a file, its size in bytes, and its bytes."""


class BadRunFile(ValueError):
    """The file is not one that `nofx export` wrote; the text says what is wrong."""


def write_member(packer: "Packer", name: str, size: int, blocks: Iterable[bytes]) -> None:
    from tarfile import PAX_FORMAT, TarInfo

    info = TarInfo(name)
    info.size, info.mode = size, 0o644
    packer.write(info.tobuf(PAX_FORMAT, "utf-8", "surrogateescape"))
    for block in blocks:
        packer.write(block)
    packer.write(b"\0" * (-size % _RECORD))


def members_of(stream: "Unpacked") -> Iterator[Member]:
    """The members of the tar archive: each must be a plain file, and what comes behind the last one nothing."""
    from tarfile import TarError  # fmt: skip
    from tarfile import open as open_tar

    try:
        with open_tar(fileobj=stream, mode="r|", bufsize=_RECORD) as tar:  # type: ignore[call-overload]
            for info in tar:
                if not info.isreg():
                    raise BadRunFile(f"{info.name!r} is no plain file")
                file: IO[bytes] | None = tar.extractfile(info)
                assert file is not None
                yield info.name, info.size, iter(lambda file=file: file.read(BLOCK), b"")  # type: ignore[misc]
    except (TarError, EOFError) as exc:
        raise BadRunFile(f"it cannot be unpacked: {exc}") from exc
    stream.finish()


class Packer:
    """Packs what it is given; knows the digest of what it wrote."""

    def __init__(self, target: BinaryIO) -> None:
        self._target, self._sha = target, sha256()
        self._packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc = self._size = 0

    @property
    def digest(self) -> str:
        return self._sha.hexdigest()

    def write(self, data: bytes) -> None:
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)
        self._put(self._packer.compress(data))

    def finish(self) -> None:
        """Write the end of the archive."""
        self.write(b"\0" * 2 * _RECORD)
        self._put(self._packer.flush() + _trailer(self._crc, self._size))

    def _put(self, packed: bytes) -> None:
        self._sha.update(packed)
        self._target.write(packed)


class Unpacked:
    """What the rest of a file unpacks to, read from the front; never more than `most` bytes."""

    def __init__(self, file: BinaryIO, *, most: int) -> None:
        self._file, self._most = file, most
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self._have, self._crc, self._size = bytearray(), 0, 0

    def read(self, size: int) -> bytes:
        while len(self._have) < size and not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._file.read(BLOCK)
            if not packed:
                raise BadRunFile("its end is missing")
            self._take(packed)
        data = bytes(self._have[:size])
        del self._have[:size]
        return data

    def finish(self) -> None:
        """See that nothing but padding is left, and that the end is that of a whole file."""
        while rest := self.read(BLOCK):
            if rest.strip(b"\0"):
                raise BadRunFile("something stands behind its last file")
        end = self._unpacker.unused_data + self._file.read(_TRAILER + 1)
        if end != _trailer(self._crc, self._size):
            raise BadRunFile("its end is not that of a whole file")

    def _take(self, packed: bytes) -> None:
        try:
            data = self._unpacker.decompress(packed, BLOCK)
        except zlib.error as exc:
            raise BadRunFile(f"it cannot be unpacked: {exc}") from exc
        self._have += data
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)
        if self._size > self._most:
            raise BadRunFile(f"it unpacks to more than {self._most} bytes")


def _trailer(crc: int, size: int) -> bytes:
    return crc.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
