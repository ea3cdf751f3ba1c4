"""The bytes of artifacts: masked on their way in, and counted."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.safety.masking_stream import StreamMasker

_BLOCK = 1024 * 1024


def write_masked(data: bytes | Path, target: Path, mask: StreamMasker) -> None:
    """Write bytes, or a copy of a file, without secrets."""
    blocks = [data] if isinstance(data, bytes) else _blocks(data)
    with open(target, "wb") as made:
        made.writelines(mask.feed(block) for block in blocks)
        made.write(mask.flush())


def holds_secrets(path: Path, mask: StreamMasker) -> bool:
    """Whether there is anything to mask in a file."""
    for block in _blocks(path):
        mask.feed(block)
        if mask.found:
            return True
    mask.flush()
    return mask.found


def mask_file(path: Path, mask: StreamMasker) -> None:
    """Replace a file by one without secrets."""
    making = path.with_name(f".new-{path.name}"[:200])
    making.unlink(missing_ok=True)
    write_masked(path, making, mask)
    shutil.copymode(path, making)
    os.replace(making, path)


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            yield block


def digest_of_file(path: Path, *, sync: bool = False) -> tuple[str, int]:
    """SHA-256 and size of a file, which is made durable where `sync` says so."""
    sha, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            size += len(block)
        if sync:
            os.fsync(file.fileno())
    return sha.hexdigest(), size
