"""Every driver of `Workers` under the one contract."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, SystemClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.drivers.memory.workers import MemoryWorkers
from nofx_cli.ports.workers import Standing, Workers
from nofx_cli.testing.workers import SharedWorkersContract, WorkersContract


def open_files(place: Path) -> Workers:
    return FileWorkers(Layout(place, sync=False), SystemClock())


def open_memory(place: Path) -> Workers:
    return MemoryWorkers(SystemClock())


class TestFiles(SharedWorkersContract):
    open_workers = staticmethod(open_files)


class TestMemory(WorkersContract):
    open_workers = staticmethod(open_memory)


class TestWhatATestMayDoInMemory:
    @pytest.fixture
    def workers(self) -> MemoryWorkers:
        return MemoryWorkers(ManualClock())

    def test_a_worker_may_die(self, workers: MemoryWorkers) -> None:
        me = workers.register(concurrency=1)
        workers.die(me.id)
        assert [seen.standing for seen in workers.seen()] == [Standing.GONE]
        assert not workers.any_alive()
        workers.clear(me.id)
        assert list(workers.seen()) == []

    def test_a_worker_may_be_elsewhere_until_it_is_declared_gone(self, workers: MemoryWorkers) -> None:
        me = workers.register(concurrency=1)
        workers.move_away(me.id)
        workers.clear(me.id)
        assert workers.standing(me.id) is Standing.ELSEWHERE
        assert workers.wait_until_gone(me.id, timeout_ms=None)
        workers.declare_gone(me.id)
        assert workers.standing(me.id) is Standing.GONE

    def test_of_an_unknown_one_nothing_can_be_said(self, workers: MemoryWorkers) -> None:
        with pytest.raises(errors.NotFound):
            workers.declare_gone(WorkerId("w-here-9"))
