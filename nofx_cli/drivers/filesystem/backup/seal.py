"""The end of a backup: an empty member of gzip whose comment has the summary and the digests of what stands before it.

    <gzip: tar of the files, manifest.json last> <gzip of nothing, comment {"kind": "nofx-backup", "v": 1, …}>

`tar` and `gunzip` take both for one stream. A file that was cut off has no such end; one in which a byte is another, in
whatever place, is not what its end says; and who lists backups reads nothing but their ends.
"""

import json
import os
from dataclasses import asdict

from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup.manifest import VERSION, Summary, summary_of

_BEGIN = bytes((0x1F, 0x8B, 8, 0x10, 0, 0, 0, 0, 0, 0xFF))
"""The header of a member with a comment: no time, no name, no system."""
_NOTHING = bytes((0, 3, 0)) + bytes(8)
"""The end of the comment, an empty deflate block, the CRC and the size of nothing."""
_MARK = _BEGIN + b'{"kind": "nofx-backup", '
_LONGEST = 16 * 1024


class NoSeal(ValueError):
    """What stands at the end of a file is not the end of a backup; the text says why."""


class NewerSeal(NoSeal):
    """It is one of a newer nofx."""


@record
class Seal:
    """Digests of SHA-256: `manifest` of the manifest, `content` of every byte before the seal."""

    summary: Summary
    manifest: str
    content: str


def encode_seal(seal: Seal) -> bytes:
    """The bytes that stand at the end of the file."""
    told = {**asdict(seal.summary), "manifest": seal.manifest, "content": seal.content}
    return _BEGIN + json.dumps({"kind": "nofx-backup", "v": VERSION, **told}).encode("ascii") + _NOTHING


def read_seal(fd: int) -> tuple[Seal, int]:
    """The seal of an open file, and how many bytes stand before it.

    Raises:
        NoSeal: there is none, or a byte of it is another.
        OSError: the file cannot be read.
    """
    size = os.fstat(fd).st_size
    offset = max(size - _LONGEST, 0)
    data = os.pread(fd, _LONGEST, offset)
    at = data.rfind(_MARK)
    if at < 0:
        raise NoSeal("it is no backup of nofx, or its end was cut off")
    try:
        found = json.loads(data[at + len(_BEGIN) : -len(_NOTHING)])
        if found["v"] != VERSION:
            raise NewerSeal(f"it has format {found['v']!r}, and this nofx knows {VERSION}")
        seal = Seal(summary_of(found), str(found["manifest"]), str(found["content"]))
    except NewerSeal:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise NoSeal("its end is damaged") from exc
    if encode_seal(seal) != data[at:]:
        raise NoSeal("its end is damaged")
    return seal, offset + at
