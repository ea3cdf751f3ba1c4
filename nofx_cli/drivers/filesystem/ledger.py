"""The ledger over the journals of a store: those that were written to since the period began are looked through.

A journal only grows, so of each the place is kept up to which it was read; of its lines only those are decoded that
tell of calls.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from nofx_cli.domain.budget import Spent
from nofx_cli.domain.codec import DamagedLine, decode_line
from nofx_cli.domain.events import Event, RunCreated
from nofx_cli.domain.spending import bill_of, charges_of
from nofx_cli.drivers.filesystem.flock import free
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.drivers.filesystem.run_store import read_place

_SIGN = b'"type":"llm.'
_WHAT = "what the runs of the project have spent cannot be told"


class FileLedger:
    """Implements `ports.ledger.Ledger`. Its methods may be called from several threads."""

    def __init__(self, layout: Layout, project: Path) -> None:
        self._layout, self._project = layout, str(project)
        self._read: dict[str, _Journal] = {}

    @contextmanager
    def turn(self) -> Iterator[None]:
        folder = self._layout.root / "index"
        with told(_WHAT):
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / "spending.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            free(lock)

    def spent(self, *, since: str) -> Spent:
        began = datetime.fromisoformat(since).timestamp()
        total = Spent()
        with told(_WHAT):
            for path, found in _journals(self._layout.root / "runs"):
                if found.st_mtime >= began:
                    total += self._read.setdefault(path, _Journal(path)).spent(found.st_size, self._project, since)
        return total


class _Journal:
    """One journal, as far as it was read."""

    def __init__(self, path: str) -> None:
        self._path, self._offset, self._project = path, 0, ""
        self._calls: list[Event] = []

    def spent(self, size: int, project: str, since: str) -> Spent:
        if size != self._offset:
            self._take_in(size)
        if not self._calls or self._project != project:
            return Spent()
        return bill_of(charge for charge in charges_of(self._calls) if charge.at >= since).spent

    def _take_in(self, size: int) -> None:
        if size < self._offset:
            self._offset, self._calls = 0, []
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if self._offset == 0 and lines:
            place = read_place(Path(self._path).parent)
            self._project = str(place.get("path", "")) or _project_of(lines[0])
        self._calls += filter(None, (_decoded(line) for line in lines if _SIGN in line))
        self._offset += len(whole)


def _decoded(line: bytes) -> Event | None:
    try:
        return decode_line(line)
    except DamagedLine:
        return None  # `nofx verify` tells of it


def _project_of(line: bytes) -> str:
    event = _decoded(line)
    return str(event.payload.workspace.get("path", "")) if event and isinstance(event.payload, RunCreated) else ""


def _journals(runs: Path) -> Iterator[tuple[str, os.stat_result]]:
    for day in _folders(str(runs)):
        for run in _folders(day):
            path = f"{run}/journal.jsonl"
            try:
                yield path, os.stat(path)
            except FileNotFoundError:
                continue


def _folders(place: str) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []
