"""The index of idempotency keys: one run for a key, whatever happens to the index."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.events import Actor, Draft, RunCreated
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.key_index import FileKeyIndex
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore

AT = "2026-01-01T12:00:00.000000Z"
ADA = Actor("user", "ada")


class Store:
    """A store with an index, and ids to propose."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder, sync=False)
        self.runs = FileRunStore(self.layout)
        self.index = FileKeyIndex(self.layout, self.runs)
        self._ids: Iterator[RunId] = (RunId(f"20260101-120000-aaaa{n:02}") for n in range(100))

    def make(self, key: str) -> RunId:
        """Make the run of a key, unless it is there."""
        with self.index.claim(key, lambda: next(self._ids)) as run:
            if run not in set(self.runs.runs()):
                self.runs.create(run, "plan", [Draft(RunCreated(idempotency_key=key))], at=AT, actor=ADA)
        return run

    @property
    def file(self) -> Path:
        return self.layout.root / "index" / "idempotency.jsonl"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "keys")


def test_one_run_a_key(store: Store) -> None:
    assert store.make("a") == store.make("a") != store.make("b")


def test_keys_are_told_apart_whatever_is_in_them(store: Store) -> None:
    keys = ["a", "a,", '"a"', "a\n", "ä", " a", "[", "a" * 300]
    assert len({store.make(key) for key in keys}) == len(keys)
    assert [store.make(key) for key in keys] == [store.make(key) for key in keys]


def test_a_lost_index_is_made_anew_from_the_runs(store: Store) -> None:
    runs = {key: store.make(key) for key in "abc"}
    store.file.unlink()
    assert {key: store.make(key) for key in "abc"} == runs


def test_an_index_that_could_not_be_made_anew_is_not_left_half_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {key: store.make(key) for key in "abc"}
    store.file.unlink()

    def full(fd: int, data: bytes | memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(errors.StoreFailure, match="the disk is full"):
            store.make("a")
    assert {key: store.make(key) for key in "abc"} == runs


def test_a_key_that_was_noted_by_a_process_that_died_before_it_made_the_run_is_used(store: Store) -> None:
    with store.index.claim("a", lambda: RunId("20260101-120000-noted0")) as noted:
        pass
    assert store.make("a") == noted


def test_a_torn_line_is_passed_over(store: Store) -> None:
    run = store.make("a")
    with open(store.file, "ab") as file:
        file.write(b'\n["b", "2026')
    assert store.make("a") == run
    assert store.make("b") == store.make("b") != run


def test_a_run_that_cannot_be_read_takes_no_other_key_with_it(store: Store) -> None:
    runs = {key: store.make(key) for key in "ab"}
    (store.layout.run(runs["b"]) / "journal.jsonl").write_bytes(b"{not an event}\n")
    store.file.unlink()
    assert store.make("a") == runs["a"]
