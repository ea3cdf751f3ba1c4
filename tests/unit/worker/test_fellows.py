"""A worker watches the others, and hears of their end at once."""

from collections.abc import Iterator

import pytest

from nofx_cli.clock import ManualClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.memory.workers import MemoryWorkers
from nofx_cli.worker.attempts import Inbox, WorkerGone
from nofx_cli.worker.fellows import Fellows
from tests.unit.worker.stage import PATIENCE


@pytest.fixture
def workers() -> Iterator[MemoryWorkers]:
    workers = MemoryWorkers(ManualClock())
    yield workers
    for seen in workers.seen():
        workers.die(seen.info.id)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def fellows(workers: MemoryWorkers, inbox: Inbox) -> Fellows:
    return Fellows(workers, me=workers.register(concurrency=1).id, inbox=inbox)


def _other(workers: MemoryWorkers) -> WorkerId:
    return workers.register(concurrency=1).id


def test_alone(fellows: Fellows) -> None:
    assert list(fellows.look()) == []
    assert not fellows


def test_the_end_of_one_that_was_seen_is_told_at_once(fellows: Fellows, workers: MemoryWorkers, inbox: Inbox) -> None:
    other = _other(workers)
    assert list(fellows.look()) == []
    assert fellows
    workers.die(other)
    assert inbox.get(timeout=PATIENCE) == WorkerGone(other)
    assert not fellows
    assert [info.id for info in fellows.look()] == [other]


def test_one_that_leaves_in_an_orderly_way_is_told_and_leaves_nothing(
    fellows: Fellows, workers: MemoryWorkers, inbox: Inbox
) -> None:
    with workers.register(concurrency=1) as other:
        list(fellows.look())
    assert inbox.get(timeout=PATIENCE) == WorkerGone(other.id)
    assert list(fellows.look()) == []


def test_one_that_was_gone_before_is_found_by_its_record(fellows: Fellows, workers: MemoryWorkers) -> None:
    other = _other(workers)
    workers.die(other)
    for _ in range(2):
        assert [info.id for info in fellows.look()] == [other], "until its record is cleared"
    workers.clear(other)
    assert list(fellows.look()) == []


def test_each_is_watched_once_and_not_more_than_32(
    fellows: Fellows, workers: MemoryWorkers, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[WorkerId] = []
    wait = workers.wait_until_gone

    def notes(worker: WorkerId, *, timeout_ms: float | None) -> bool:
        watched.append(worker)
        return wait(worker, timeout_ms=timeout_ms)

    monkeypatch.setattr(workers, "wait_until_gone", notes)
    others = [_other(workers) for _ in range(40)]
    for _ in range(3):
        list(fellows.look())
    for other in others:
        workers.die(other)
    told = {inbox.get(timeout=PATIENCE) for _ in range(32)}
    assert told == {WorkerGone(other) for other in others[:32]}
    assert sorted(watched) == sorted(others[:32])
    assert len(list(fellows.look())) == 40


def test_one_of_another_host_is_neither_watched_nor_lost(fellows: Fellows, workers: MemoryWorkers) -> None:
    other = _other(workers)
    workers.move_away(other)
    assert list(fellows.look()) == []
    assert not fellows
