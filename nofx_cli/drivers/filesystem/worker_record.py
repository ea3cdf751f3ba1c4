"""What a worker says of itself, as JSON in a file of one size that is locked for as long as the worker lives.

The lock is on the inode, so the record is written over in place, never replaced or cut; a shorter text is padded with
blanks. It comes to its name when it is locked already, so that nobody meets it unlocked.
"""

import json
import os
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from nofx_cli.domain.ids import JsonValue, WorkerId
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.flock import free, try_lock
from nofx_cli.ports.workers import WorkerInfo

RECORD_BYTES = 4096
_LOOKS = 3


@record
class WorkerRecord:
    """A record: what the worker says, and the boot of the machine that it runs on."""

    info: WorkerInfo
    boot_id: str


class LockedRecord:
    """The record of a worker of this process. Deleted or replaced, it stays locked, and `write` makes another one."""

    def __init__(self, path: Path, text: WorkerRecord) -> None:
        self._path = path
        self._fds: list[int] = []
        self._make(text)

    def write(self, text: WorkerRecord) -> None:
        if self._has_its_name():
            os.pwrite(self._fds[-1], _encode(text), 0)
        else:
            self._make(text)

    def close(self) -> None:
        """Take it away, and then the lock."""
        with suppress(OSError):
            os.unlink(self._path)
        for fd in self._fds:
            free(fd)

    def _has_its_name(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._fds[-1]))
        except OSError:
            return False

    def _make(self, text: WorkerRecord) -> None:
        new = self._path.with_name(f".{self._path.name}.new")
        self._path.parent.mkdir(exist_ok=True)
        fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try_lock(fd)
            os.pwrite(fd, _encode(text), 0)
            os.rename(new, self._path)
        except BaseException:
            with suppress(OSError):
                os.unlink(new)
            free(fd)
            raise
        self._fds.append(fd)


def read_record(fd: int, worker: WorkerId) -> WorkerRecord | None:
    """What stands there; None of what is half-written, of another worker, or no record at all."""
    for _ in range(_LOOKS):  # a look in the middle of a write may see half of each
        try:
            found = _decode(os.pread(fd, RECORD_BYTES, 0))
        except OSError:  # a folder has this name
            return None
        if found:
            return found if found.info.id == worker else None
    return None


def _encode(text: WorkerRecord) -> bytes:
    """It fits: what is being done is cut short, and then the names of files and hosts."""
    while len(data := _as_json(text)) > RECORD_BYTES and text.info.doing:
        text = replace(text, info=replace(text.info, doing=text.info.doing[:-1]))
    if len(data) > RECORD_BYTES:
        data = _as_json(replace(text, info=replace(text.info, log="", host=text.info.host[:80])))
    return data.ljust(RECORD_BYTES)


def _as_json(text: WorkerRecord) -> bytes:
    told = {name: getattr(text.info, name) for name in _TYPES}
    return json.dumps({"v": 1, "boot_id": text.boot_id, **told}).encode() + b"\n"


def _decode(data: bytes) -> WorkerRecord | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    told: dict[str, Any] = {name: _as_told(found[name]) for name in _TYPES if name in found}
    boot_id = found.get("boot_id", "")
    if not isinstance(boot_id, str) or not told.keys() >= {"id", "pid", "host"}:
        return None
    if any(type(value) is not _TYPES[name] for name, value in told.items()):
        return None
    return WorkerRecord(WorkerInfo(**told), boot_id)


def _as_told(value: JsonValue) -> JsonValue:
    return tuple(str(one) for one in value) if isinstance(value, list) else value


_TYPES: dict[str, type] = {"id": str, "pid": int, "host": str} | {
    each.name: type(each.default) for each in fields(WorkerInfo)[3:]
}
