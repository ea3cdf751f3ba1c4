"""Which run an idempotency key belongs to: `index/idempotency.jsonl`, one line a key, read and written under a lock.

The line is written before the run is made, so after a crash in between the next claim of the key finds the proposed
id and makes the run under it. Where the file is gone it is written anew from the runs' first events.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.codec import DamagedLine
from nofx_cli.domain.events import RunCreated
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout, fdatasync, told, write_all
from nofx_cli.drivers.filesystem.run_store import FileRunStore


class FileKeyIndex:
    """Implements `engine.create_run.KeyIndex`."""

    def __init__(self, layout: Layout, store: FileRunStore) -> None:
        self._layout, self._store = layout, store

    @contextmanager
    def claim(self, key: str, propose: Callable[[], RunId]) -> Iterator[RunId]:
        self._layout.prepare()
        folder = self._layout.root / "index"
        with told("the index of idempotency keys cannot be used"):
            folder.mkdir(exist_ok=True)
            lock = os.open(folder / "idempotency.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with told("the index of idempotency keys cannot be used"):
                run = self._find_or_note(key, propose)
            yield run
        finally:
            os.close(lock)

    def _find_or_note(self, key: str, propose: Callable[[], RunId]) -> RunId:
        path = self._layout.root / "index" / "idempotency.jsonl"
        if not path.exists():
            self._rebuild(path)
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            found = _look_up(os.pread(fd, os.fstat(fd).st_size, 0), key)
            if found is None:
                found = propose()
                write_all(fd, _line(key, found))
                if self._layout.sync:
                    fdatasync(fd)
            return found
        finally:
            os.close(fd)

    def _rebuild(self, path: Path) -> None:
        """Write the index anew, whole or not at all: one that lacks a key would let its run be made twice."""
        making = path.with_name(f".new-{path.name}")
        making.unlink(missing_ok=True)
        self._layout.write_durably(making, b"".join(self._lines()))
        os.replace(making, path)

    def _lines(self) -> Iterator[bytes]:
        for run in self._store.runs():
            with suppress(errors.NofxError, DamagedLine):  # `nofx verify` tells; other keys are none the worse for it
                summary = self._store.summary(run)
                created = summary.first.payload if summary else None
                if isinstance(created, RunCreated) and created.idempotency_key:
                    yield _line(created.idempotency_key, run)


def _line(key: str, run: RunId) -> bytes:
    return b"\n" + json.dumps([key, run]).encode()


def _look_up(data: bytes, key: str) -> RunId | None:
    wanted = json.dumps(key).encode()
    for line in data.split(b"\n"):
        if line.startswith(b"[" + wanted + b",") and line.endswith(b"]"):
            return RunId(json.loads(line)[1])
    return None
