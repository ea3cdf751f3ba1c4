"""Runs in memory, under the same contract as on disk."""

import threading
import time
from collections.abc import Iterator, Sequence

from nofx_cli import errors
from nofx_cli.domain.codec import Head, Mask, encode_batch
from nofx_cli.domain.events import Actor, Draft, Event
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.ports.journal import AppendConflict, RunSummary


class MemoryRunStore:
    """Lives and dies with the process; shared by its threads."""

    def __init__(self, *, mask: Mask | None = None) -> None:
        self._mask = mask
        self._changed = threading.Condition()
        self._events: dict[RunId, list[Event]] = {}
        self._heads: dict[RunId, Head] = {}
        self._plans: dict[RunId, str] = {}

    def create(self, run: RunId, plan_text: str, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        with self._changed:
            if run in self._events:
                raise errors.Conflict(f"there is a run {run} already", code="run-exists", context={"run": run})
            self._plans[run], self._events[run], self._heads[run] = plan_text, [], Head()
            return self._write(run, drafts, at=at, actor=actor)

    def append(self, run: RunId, expected_seq: int, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        with self._changed:
            events = self._of(run)
            if len(events) != expected_seq:
                raise AppendConflict(run, events[expected_seq:])
            return self._write(run, drafts, at=at, actor=actor)

    def read(self, run: RunId, *, after_seq: int = 0) -> Iterator[Event]:
        return iter(self._of(run)[after_seq:])

    def head(self, run: RunId) -> Head:
        self._of(run)
        return self._heads[run]

    def noted_head(self, run: RunId) -> Head | None:
        return self._heads.get(run)

    def lines(self, run: RunId) -> Iterator[bytes]:
        return iter([event.line for event in self._of(run)])

    def plan_text(self, run: RunId) -> str:
        self._of(run)
        return self._plans[run]

    def place(self, run: RunId) -> JsonObject:
        return {}

    def runs(self) -> Iterator[RunId]:
        return iter(sorted(self._events, reverse=True))

    def newcomers(self) -> "MemoryNewcomers":
        return MemoryNewcomers(self)

    def forget(self, run: RunId) -> None:
        pass

    def summary(self, run: RunId) -> RunSummary | None:
        events = self._of(run)
        newest = next((event for event in reversed(events) if event.type.startswith("run.")), None)
        return RunSummary(run, events[0], newest, events[-1]) if newest else None

    def wait(self, run: RunId, *, after_seq: int, timeout_ms: float) -> bool:
        deadline = time.monotonic() + timeout_ms / 1000
        with self._changed:
            while len(self._of(run)) <= after_seq:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def _of(self, run: RunId) -> list[Event]:
        try:
            return self._events[run]
        except KeyError as exc:
            raise errors.NotFound(f"there is no run {run}", code="run-not-found", hint="nofx list") from exc

    def _write(self, run: RunId, drafts: Sequence[Draft], *, at: str, actor: Actor) -> list[Event]:
        events, head = encode_batch(drafts, run=run, head=self._heads[run], at=at, actor=actor, mask=self._mask)
        self._events[run].extend(events)
        self._heads[run] = head
        self._changed.notify_all()
        return events


class MemoryNewcomers:
    """Compares with what was there at the last look."""

    def __init__(self, store: MemoryRunStore) -> None:
        self._store = store
        self._seen: set[RunId] = set()

    def look(self) -> list[RunId]:
        new = [run for run in self._store.runs() if run not in self._seen]
        self._seen.update(new)
        return new
