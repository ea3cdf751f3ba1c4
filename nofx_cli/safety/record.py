"""The process of a step on disk, so that a later nofx can end what a dead one left running.

The record says which process it is (pid, start time, boot), not just which pid. It is written right behind the
start and emptied when nothing of the step is left. It need not survive a power cut, since no process does: no fsync.
It is written over in place, always of one size, and a half-written one names nobody: a file that is truncated, or
whose name comes and goes with every step, makes the commits of a run several times slower on ext4.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.ports.processes import RECORD_BYTES
from nofx_cli.safety.identity import boot_id
from nofx_cli.safety.process_table import Process

_ARGV0 = 80  # so much of the program's name is kept: the record has one size


def write_record(path: Path, process: Process, argv0: str) -> None:
    """Write the record; its folder is made where it is missing.

    Raises:
        errors.StoreFailure: it could not be written (code `record-not-written`).
    """
    data = json.dumps(
        {"pid": process.pid, "started": process.started, "boot_id": boot_id(), "argv0": argv0[:_ARGV0]}
    ).encode()
    try:
        try:
            _write(path, data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, data)
    except OSError as exc:
        raise errors.StoreFailure(
            f"the record of a started process could not be written to {path}: {exc.strerror}",
            code="record-not-written",
            hint="make room, or make the folder writable, then run again",
            context={"path": str(path)},
        ) from exc


def empty_record(path: Path) -> None:
    """Nothing of the process is left."""
    with suppress(OSError):  # a record of a process that is gone does no harm: it names nobody
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, b" " * RECORD_BYTES)
        finally:
            os.close(file)


def recorded_process(path: Path, table: Mapping[int, Process]) -> Process | None:
    """The process on record, if it is the very one and still there; a torn or missing record names nobody."""
    try:
        record = json.loads(path.read_bytes())
        process = table.get(record["pid"])
        known = (record["started"], record["boot_id"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return process if process and known == (process.started, boot_id()) else None


def _write(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, data.ljust(RECORD_BYTES))
    finally:
        os.close(file)
