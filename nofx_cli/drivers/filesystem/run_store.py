"""All runs of a store on the filesystem."""

import errno
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.codec import DamagedLine, Head, Mask, decode_line, encode_batch, whole_batches
from nofx_cli.domain.events import Actor, Draft, Event
from nofx_cli.domain.ids import JsonObject, RunId, is_run_id
from nofx_cli.drivers.filesystem.journal_file import HEAD, JOURNAL, JournalFile, head_text, not_found, read_head
from nofx_cli.drivers.filesystem.layout import LOCK, NOTHING_MADE, Layout, told
from nofx_cli.drivers.filesystem.watch import FolderWatch
from nofx_cli.ports.journal import RunSummary

PLAN = "plan.yaml"
PLACE = "place.json"
_CHUNK = 32 * 1024


class FileRunStore:
    """Runs as folders below `layout.root`; see `layout` for what lies where, `journal_file` for the protocol."""

    def __init__(self, layout: Layout, *, mask: Mask | None = None) -> None:
        self._layout, self._mask = layout, mask
        self._journals: dict[RunId, JournalFile] = {}
        self._watches = threading.local()  # a watch serves one thread
        self._lock = threading.Lock()

    def create(self, run: RunId, plan_text: str, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        events, head = encode_batch(drafts, run=run, head=Head(), at=at, actor=actor, mask=self._mask)
        self._layout.prepare()
        final = self._layout.run(run)
        making = final.with_name(f".new-{run}-{os.getpid()}-{threading.get_ident()}")
        with told(f"run {run} cannot be created", hint=NOTHING_MADE):
            final.parent.mkdir(parents=True, exist_ok=True)
            making.mkdir()
            try:
                self._layout.write_durably(making / PLAN, plan_text.encode())
                self._layout.write_durably(making / JOURNAL, b"".join(event.line + b"\n" for event in events))
                (making / HEAD).write_bytes(head_text(head))
                (making / LOCK).touch()  # a name that comes later would make the first commit slower
                self._layout.fsync_folder(making)
                making.rename(final)
            except OSError as exc:
                shutil.rmtree(making, ignore_errors=True)
                if exc.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    raise _exists(run) from exc
                raise
            self._layout.fsync_folder(final.parent)
            self._layout.fsync_folder(final.parent.parent)
        return events

    def append(self, run: RunId, expected_seq: int, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        return self._journal(run).append(expected_seq, drafts, at=at, actor=actor)

    def read(self, run: RunId, *, after_seq: int = 0) -> Iterator[Event]:
        return iter(self._journal(run).read(after_seq=after_seq))

    def head(self, run: RunId) -> Head:
        return self._journal(run).head()

    def noted_head(self, run: RunId) -> Head | None:
        return read_head(self._layout.run(run))

    def lines(self, run: RunId) -> Iterator[bytes]:
        try:
            data = (self._layout.run(run) / JOURNAL).read_bytes()
        except FileNotFoundError as exc:
            raise not_found(run) from exc
        lines = data.split(b"\n")
        return iter(lines if lines[-1] else lines[:-1])

    def plan_text(self, run: RunId) -> str:
        try:
            return (self._layout.run(run) / PLAN).read_bytes().decode()
        except FileNotFoundError as exc:
            raise not_found(run) from exc

    def place(self, run: RunId) -> JsonObject:
        return read_place(self._layout.run(run))

    def runs(self) -> Iterator[RunId]:
        days = self._layout.root / "runs"
        for day in _names(days):
            for name in _names(days / day):
                if is_run_id(name):
                    yield RunId(name)

    def newcomers(self) -> "FolderNewcomers":
        return FolderNewcomers(self._layout.root / "runs")

    def summary(self, run: RunId) -> RunSummary | None:
        try:
            with open(self._layout.run(run) / JOURNAL, "rb") as file:
                first_line = file.readline()
                tail = _last_events(file.fileno())
        except FileNotFoundError as exc:
            raise not_found(run) from exc
        if not tail or not first_line.endswith(b"\n"):
            return None
        last, last_run_event = tail
        try:
            first = last if last.line == first_line[:-1] else decode_line(first_line[:-1])
            return RunSummary(run, first, last_run_event, last)
        except DamagedLine:  # `verify` tells; a list of runs goes on without this one
            return None

    def wait(self, run: RunId, *, after_seq: int, timeout_ms: float) -> bool:
        journal = self._journal(run)
        if journal.head().seq > after_seq:
            return True
        if timeout_ms <= 0:
            return False
        watch: FolderWatch | None = getattr(self._watches, run, None)
        if watch is None:
            watch = FolderWatch(self._layout.run(run))
            setattr(self._watches, run, watch)
        return watch.until(lambda: journal.head().seq > after_seq, timeout_ms=timeout_ms)

    def forget(self, run: RunId) -> None:
        with self._lock:
            journal = self._journals.pop(run, None)
        if journal is not None:
            journal.close()

    def _journal(self, run: RunId) -> JournalFile:
        journal = self._journals.get(run)
        if journal is None:
            with self._lock:
                journal = self._journals.get(run)
                if journal is None:
                    journal = self._journals[run] = JournalFile(self._layout, run, mask=self._mask)
        return journal


class FolderNewcomers:
    """Lists the folder of a day only when its time of change says that a name came or went.

    That time is coarse: a change right after a listing may leave it as it was. So a folder that has changed is listed
    at the next look once more.
    """

    def __init__(self, days: Path) -> None:
        self._days = days
        self._seen: dict[str, set[str]] = {}
        self._listed: dict[str, int] = {}
        self._again: set[str] = set()

    def look(self) -> list[RunId]:
        found = []
        for day in _names(self._days):
            with suppress(FileNotFoundError):
                changed_ns = os.stat(self._days / day).st_mtime_ns
                if self._listed.get(day) != changed_ns or day in self._again:
                    found += self._list(day, changed_ns)
        return found

    def _list(self, day: str, changed_ns: int) -> list[RunId]:
        (self._again.discard if self._listed.get(day) == changed_ns else self._again.add)(day)
        self._listed[day] = changed_ns
        names = {name for name in _names(self._days / day) if is_run_id(name)}
        new = names - self._seen.get(day, set())
        self._seen[day] = names
        return [RunId(name) for name in sorted(new, reverse=True)]


def read_place(folder: Path) -> JsonObject:
    """Where a run that was carried here works; empty for any other. See `RunStore.place`."""
    path = folder / PLACE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    import json

    try:
        place = json.loads(text)
        return {name: str(place[name]) for name in ("path", "tree") if place.get(name)}
    except (ValueError, AttributeError) as exc:
        raise errors.StoreFailure(
            f"{path}, which says where the run works, cannot be read",
            code="place-damaged",
            hint="move the run's folder away, and take the run in anew: nofx import FILE",
        ) from exc


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder), reverse=True)
    except (FileNotFoundError, NotADirectoryError):  # somebody's file may lie among the folders
        return []


def _exists(run: RunId) -> errors.Conflict:
    return errors.Conflict(f"there is a run {run} already", code="run-exists", context={"run": run})


def _last_events(fd: int) -> tuple[Event, Event] | None:
    """The newest event, and the newest event of the run as a whole, read from the end in growing pieces."""
    size = os.fstat(fd).st_size
    length = _CHUNK
    while True:
        offset = max(size - length, 0)
        data = os.pread(fd, size - offset, offset)
        if offset:
            data = data[data.find(b"\n") + 1 :]
        lines = data[: whole_batches(data)].split(b"\n")[:-1]
        found = next((line for line in reversed(lines) if b'"type":"run.' in line[:160]), None)
        if found is not None:
            try:
                last = decode_line(lines[-1])
                return last, last if found is lines[-1] else decode_line(found)
            except DamagedLine:
                return None
        if not offset:
            return None
        length *= 4
