"""The file that `nofx archive export` writes: JSON Lines in gzip, in which every byte counts.

    {"nofx":"archive","v":1}
    {"name":<digest of the request>,"entry":<the entry, as `domain.exchanges` writes it>}
    …
    {"requests":<number>,"answers":<number>,"digest":<SHA-256 of all lines above>}

The gzip header has no name, no time, and as its comment the SHA-256 of everything behind it. So the same entries make
the same bytes (with the same zlib), and one changed byte anywhere is found before anything is unpacked. The file has no
paths: nothing in it says where anything is written.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator

from nofx_cli.domain.exchanges import DamagedEntry, Entry, decode_entry, encode_entry
from nofx_cli.domain.record import record

MOST_LINE = 256 * 1024 * 1024
"""Bytes of the longest entry that is taken in."""
MOST_TIMES = 200
FREE_BYTES = 64 * 1024 * 1024
"""A file may unpack to so many bytes, or to so many times its own size, where that is more."""

_HEADER = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xffsha256:"
_START = len(_HEADER) + 64 + 1
_FIRST = b'{"nofx":"archive","v":1}\n'
_LINE = re.compile(rb'\{"name":"([0-9a-f]{64})","entry":')
_TRAILER = 8
_BLOCK = 1024 * 1024
_PIECE = 64 * 1024


class BadArchiveFile(ValueError):
    """The file is not one that `nofx archive export` wrote; the text says what is wrong."""


@record
class Contents:
    """What a file holds, or a list of entries does."""

    requests: int = 0
    answers: int = 0


class ArchiveWriter:
    """Makes such a file in memory, packed as it goes."""

    def __init__(self) -> None:
        self.contents = Contents()
        self._packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._packed: list[bytes] = []
        self._sha, self._crc, self._size = hashlib.sha256(), 0, 0
        self._add(_FIRST)

    def add(self, entry: Entry) -> None:
        """Take in an entry; give them in the order of their digests, that the same ones make the same file."""
        name = entry.request.encode()
        self._add(b'{"name":"%s","entry":%s}\n' % (name, encode_entry(entry)[:-1]))
        had = self.contents
        self.contents = Contents(had.requests + 1, had.answers + len(entry.exchanges))

    def finish(self) -> bytes:
        """The whole file."""
        self._add(_last_line(self.contents, self._sha.hexdigest()))
        self._packed.append(self._packer.flush())
        self._packed.append(_trailer(self._crc, self._size))
        body = b"".join(self._packed)
        return _HEADER + hashlib.sha256(body).hexdigest().encode() + b"\0" + body

    def _add(self, line: bytes) -> None:
        self._sha.update(line)
        self._crc = zlib.crc32(line, self._crc)
        self._size += len(line)
        self._packed.append(self._packer.compress(line))


def check_archive_file(data: bytes) -> Contents:
    """Hold a whole file against all its digests, without keeping what it holds.

    Raises:
        BadArchiveFile: it is not what was written, or unpacks to more than it may.
    """
    if data[: len(_HEADER)] != _HEADER or data[_START - 1 : _START] != b"\0":
        raise BadArchiveFile("it is no file that `nofx archive export` wrote")
    if hashlib.sha256(data[_START:]).hexdigest().encode() != data[len(_HEADER) : _START - 1]:
        raise BadArchiveFile("its content is not what its digest says")
    contents = Contents()
    for entry in entries_of(data):
        contents = Contents(contents.requests + 1, contents.answers + len(entry.exchanges))
    return contents


def entries_of(data: bytes) -> Iterator[Entry]:
    """The entries, one after the other; whether the file is whole shows at its end.

    Raises:
        BadArchiveFile: it is not what was written, or unpacks to more than it may.
    """
    sha, contents, lines = hashlib.sha256(), Contents(), _lines(data)
    first = next(lines, b"")
    if first != _FIRST:
        raise BadArchiveFile("its first line is not that of an archive of format 1")
    sha.update(first)
    line = next(lines, b"")
    while found := _LINE.match(line):
        sha.update(line)
        entry = _entry(found[1].decode(), line[found.end() : -2])
        contents = Contents(contents.requests + 1, contents.answers + len(entry.exchanges))
        yield entry
        line = next(lines, b"")
    if line != _last_line(contents, sha.hexdigest()) or next(lines, None) is not None:
        raise BadArchiveFile("its last line does not fit what stands above it")


def _entry(name: str, data: bytes) -> Entry:
    try:
        return decode_entry(data + b"\n", request=name)
    except DamagedEntry as exc:
        raise BadArchiveFile(f"entry {name[:12]}… is damaged: {exc}") from exc


def _last_line(contents: Contents, digest: str) -> bytes:
    told = {"requests": contents.requests, "answers": contents.answers, "digest": digest}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines with their ends; what stands behind the last end is a line too."""
    rest: list[bytes] = []
    length = 0
    for block in _blocks(data):
        *whole, last = block.split(b"\n")
        for part in whole:
            yield b"".join((*rest, part, b"\n"))
            rest, length = [], 0
        rest.append(last)
        length += len(last)
        if length > MOST_LINE:
            raise BadArchiveFile(f"an entry of it has more than {MOST_LINE} bytes")
    if length:
        yield b"".join(rest)


def _blocks(data: bytes) -> Iterator[bytes]:
    """What it unpacks to, a block at a time, so that no memory is taken for what is too much."""
    end = len(data) - _TRAILER
    most, size, crc = max(FREE_BYTES, MOST_TIMES * len(data)), 0, 0
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(_START, end, _PIECE):
        piece = data[start : min(start + _PIECE, end)]
        while block := _unpacked(unpacker, piece):
            piece, size, crc = unpacker.unconsumed_tail, size + len(block), zlib.crc32(block, crc)
            if size > most:
                raise BadArchiveFile(f"it unpacks to more than {most} bytes, which is far more than such files do")
            yield block
    if not unpacker.eof or unpacker.unused_data or data[end:] != _trailer(crc, size):
        raise BadArchiveFile("its end is not that of a whole file")


def _unpacked(unpacker: "zlib._Decompress", piece: bytes) -> bytes:
    """Up to a block; nothing where all of the piece was taken in."""
    try:
        return unpacker.decompress(piece, _BLOCK)
    except zlib.error as exc:
        raise BadArchiveFile(f"it cannot be unpacked: {exc}") from exc


def _trailer(crc: int, size: int) -> bytes:
    return crc.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
