"""What the parts of the contract for run stores share: the store under test, and how a test writes to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.ports.journal import AppendConflict, RunStore
from nofx_cli.testing import child

RUN = RunId("20261122-091530-7k3f9q")
OTHER_RUN = RunId("20261122-091531-aaaaaa")
NO_RUN = RunId("20261122-091532-zzzzzz")
AT = "2026-11-22T09:15:30.000123Z"
ADA = ev.Actor("user", "ada")
PLAN = "goal: Grüße\r\nsteps: []\n"
STEP = StepName("notes")


def enqueued(count: int = 1) -> list[ev.Draft]:
    return [ev.Draft(ev.StepEnqueued(), STEP) for _ in range(count)]


def finished(text: str) -> ev.Draft:
    return ev.Draft(ev.StepFinished(outputs={"said": text}), STEP, 1)


def create(store: RunStore, run: RunId = RUN) -> list[ev.Event]:
    return store.create(run, PLAN, [ev.Draft(ev.RunCreated(goal="Grüße"))], at=AT, actor=ADA)


def append(store: RunStore, expected_seq: int, drafts: Sequence[ev.Draft], run: RunId = RUN) -> list[ev.Event]:
    return store.append(run, expected_seq, drafts, at=AT, actor=ADA)


def append_behind_everybody(store: RunStore, drafts: Sequence[ev.Draft]) -> list[ev.Event]:
    """Append as a writer does: when somebody was first, take that in and try again."""
    seq = store.head(RUN).seq
    while True:
        try:
            return append(store, seq, drafts)
        except AppendConflict as conflict:
            seq += len(conflict.since)


class RunStoreCase:
    """The store under test."""

    processes: ClassVar[bool] = False
    """Whether several openers of one place share one store."""

    @staticmethod
    def open_store(place: Path) -> RunStore:
        """Open the store that lies at a place, made where there is none; a function that a child can import."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "the store"

    @pytest.fixture
    def store(self, place: Path) -> RunStore:
        return self.open_store(place)

    @pytest.fixture
    def other(self, place: Path, store: RunStore) -> RunStore:
        """The same store as somebody else sees it."""
        return self.open_store(place) if self.processes else store


def open_elsewhere(opener: str, place: str) -> RunStore:
    """In a child: open the store of `elsewhere`."""
    store: RunStore = child.find(opener)(Path(place))
    return store
