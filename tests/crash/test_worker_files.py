"""Files of workers that are damaged, deleted, of another host, of another boot, or cannot be written."""

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, SystemClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.registration import FileRegistration
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.workers import Standing
from nofx_cli.safety import identity, process_table
from nofx_cli.testing import child
from nofx_cli.testing.child import Child
from nofx_cli.testing.workers import LONG_MS, of_id, work_elsewhere

pytestmark = pytest.mark.crash


def open_workers(place: Path) -> FileWorkers:
    return FileWorkers(Layout(place, sync=False), SystemClock())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "the store"


@pytest.fixture
def folder(place: Path) -> Path:
    return place / "workers"


@pytest.fixture
def workers(place: Path) -> FileWorkers:
    return open_workers(place)


@pytest.fixture
def me(workers: FileWorkers) -> Iterator[FileRegistration]:
    with workers.register(concurrency=1, log="/var/log/it") as registered:
        yield registered


@pytest.fixture
def working(place: Path) -> Iterator[Child]:
    """A worker in a process of its own."""
    with Child(work_elsewhere, child.name_of(open_workers), str(place)) as worker:
        assert worker.hear() == "registered"
        yield worker


@pytest.fixture
def it(working: Child, workers: FileWorkers) -> WorkerId:
    return workers.seen()[0].info.id


class TestDeleted:
    def test_a_worker_whose_files_are_gone_lives_and_comes_back(
        self, workers: FileWorkers, working: Child, it: WorkerId, folder: Path
    ) -> None:
        shutil.rmtree(folder)

        assert workers.standing(it) is Standing.ALIVE
        assert not workers.wait_until_gone(it, timeout_ms=1)
        assert (list(workers.seen()), workers.any_alive()) == ([], False)
        with pytest.raises(errors.Conflict):
            workers.declare_gone(it)

        working.tell("tell")
        assert working.hear() == "told"
        [seen] = workers.seen()
        assert (seen.info.id, seen.info.steps, seen.standing) == (it, 1, Standing.ALIVE)
        working.tell("wait")
        assert working.hear() == "waiting"
        assert working.hear() == "True"  # a ring may have been lost with the old bell
        working.tell("wait")
        assert working.hear() == "waiting"
        workers.ring()
        assert working.hear() == "True"

        working.kill()
        assert workers.standing(it) is Standing.GONE

    def test_one_that_dies_without_its_files_is_gone(
        self, workers: FileWorkers, working: Child, it: WorkerId, folder: Path
    ) -> None:
        shutil.rmtree(folder)
        working.kill()
        assert workers.standing(it) is Standing.GONE
        assert workers.wait_until_gone(it, timeout_ms=None)
        with pytest.raises(errors.NotFound):
            workers.declare_gone(it)

    def test_who_waits_for_one_without_files_sees_its_end(
        self, workers: FileWorkers, working: Child, it: WorkerId, folder: Path
    ) -> None:
        shutil.rmtree(folder)
        os.kill(working.pid, signal.SIGTERM)
        working.end()
        assert workers.wait_until_gone(it, timeout_ms=LONG_MS)

    def test_files_that_were_put_back_by_somebody_do_not_kill_a_worker(
        self, workers: FileWorkers, working: Child, it: WorkerId, folder: Path
    ) -> None:
        record = folder / f"{it}.json"
        text = record.read_bytes()
        record.unlink()
        record.write_bytes(text)
        assert workers.standing(it) is Standing.ALIVE
        working.tell("tell")
        assert working.hear() == "told"
        assert [seen.info.steps for seen in workers.seen()] == [1]

    def test_a_bell_alone_comes_back_too(self, workers: FileWorkers, me: FileRegistration, folder: Path) -> None:
        (folder / f"{me.id}.bell").unlink()
        me.tell(of_id(me.id))
        assert me.wait_for_ring(timeout_ms=LONG_MS)
        workers.ring()
        assert me.wait_for_ring(timeout_ms=LONG_MS)

    def test_a_store_that_is_gone_is_not_made_again(self, me: FileRegistration, place: Path) -> None:
        shutil.rmtree(place)
        me.tell(of_id(me.id))
        me.release()
        assert not place.exists()

    def test_a_release_leaves_no_file(self, workers: FileWorkers, folder: Path) -> None:
        with workers.register(concurrency=1) as me:
            shutil.rmtree(folder)
            me.tell(of_id(me.id))
        assert list(folder.iterdir()) == []


class TestDamaged:
    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b'{"v": 1, "id": "w-',
            b"\0" * 4096,
            b"[1]",
            b'{"id": 7, "pid": "x", "host": []}',
            b'{"id": "w-other-abcdef-1-abcdef-1", "pid": 1, "host": "other"}',
            b"[" * 4096,
        ],
    )
    def test_a_half_written_record_of_a_living_worker_is_no_harm(
        self, workers: FileWorkers, me: FileRegistration, folder: Path, text: bytes
    ) -> None:
        with open(folder / f"{me.id}.json", "r+b") as record:
            record.truncate()
            record.write(text)
        [seen] = workers.seen()
        assert (seen.info.id, seen.info.pid, seen.info.log, seen.standing) == (me.id, os.getpid(), "", Standing.ALIVE)
        assert workers.any_alive()
        me.tell(of_id(me.id, steps=3))
        assert [seen.info.steps for seen in workers.seen()] == [3]

    def test_what_a_later_version_adds_is_passed_over(
        self, workers: FileWorkers, me: FileRegistration, folder: Path
    ) -> None:
        with open(folder / f"{me.id}.json", "r+b") as record:
            text = json.loads(record.read())
            record.seek(0)
            record.write(json.dumps(text | {"v": 2, "colour": "blue"}).encode().ljust(4096))
        assert [seen.info.log for seen in workers.seen()] == ["/var/log/it"]

    def test_foreign_files_are_left_alone(self, workers: FileWorkers, me: FileRegistration, folder: Path) -> None:
        (folder / "README.json").write_text("{}")
        (folder / "w-vm-abcdef-1-abcdef-1.json").mkdir()
        os.mkfifo(folder / "w-vm-abcdef-1-abcdef-2.json")
        (folder / "notes.bell").write_text("ding")
        workers.ring()
        assert me.id in [seen.info.id for seen in workers.seen()]
        assert workers.any_alive()
        assert (folder / "notes.bell").read_text() == "ding"

    def test_a_record_never_outgrows_its_size(self, workers: FileWorkers, folder: Path) -> None:
        with workers.register(concurrency=1, log="/" + "long/" * 900) as me:
            me.tell(of_id(me.id, doing=("r/" + "s" * 400 + "/1",) * 20))
            assert (folder / f"{me.id}.json").stat().st_size == 4096
            [seen] = workers.seen()
            assert seen.info.pid == os.getpid()
            me.tell(of_id(me.id, steps=1))
            assert [seen.info.steps for seen in workers.seen()] == [1]


class TestElsewhere:
    @pytest.fixture
    def dead(self, workers: FileWorkers, working: Child, it: WorkerId) -> WorkerId:
        working.kill()
        return it

    @pytest.fixture
    def moved(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """From here on we are another host, with a boot of its own unless `same_boot`."""

        def move(*, same_boot: bool = False) -> None:
            monkeypatch.setattr(identity, "host_id", lambda: "abcdef")
            if not same_boot:
                monkeypatch.setattr(identity, "boot_id", lambda: "another boot")

        return move

    def test_one_of_another_host_is_not_known_to_be_dead(
        self, workers: FileWorkers, dead: WorkerId, folder: Path, moved: Callable[..., None]
    ) -> None:
        moved()
        workers.clear(dead)
        assert [seen.standing for seen in workers.seen()] == [Standing.ELSEWHERE]
        assert not workers.any_alive()
        shutil.rmtree(folder)
        assert workers.standing(dead) is Standing.ELSEWHERE

    def test_one_whose_lock_is_seen_lives(
        self, workers: FileWorkers, working: Child, it: WorkerId, moved: Callable[..., None]
    ) -> None:
        moved()
        assert workers.standing(it) is Standing.ALIVE

    @pytest.mark.parametrize("deleted", [False, True])
    def test_a_person_may_declare_it_gone(
        self, place: Path, folder: Path, dead: WorkerId, moved: Callable[..., None], deleted: bool
    ) -> None:
        moved()
        if deleted:
            shutil.rmtree(folder)
        open_workers(place).declare_gone(dead)
        other = open_workers(place)
        assert other.standing(dead) is Standing.GONE
        other.clear(dead)
        assert list(other.seen()) == []
        assert other.standing(dead) is Standing.GONE

    def test_on_the_same_kernel_the_lock_tells(
        self, workers: FileWorkers, dead: WorkerId, moved: Callable[..., None]
    ) -> None:
        moved(same_boot=True)
        assert workers.standing(dead) is Standing.GONE
        workers.clear(dead)
        assert workers.standing(dead) is Standing.GONE


class TestEarlier:
    def test_after_a_reboot_all_are_gone(
        self, workers: FileWorkers, working: Child, it: WorkerId, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        working.kill()
        monkeypatch.setattr(identity, "boot_id", lambda: "another boot")
        assert [seen.standing for seen in workers.seen()] == [Standing.GONE]

    @pytest.mark.parametrize("deleted", [False, True])
    def test_a_process_with_the_pid_of_a_dead_worker_is_not_it(
        self,
        workers: FileWorkers,
        working: Child,
        it: WorkerId,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        deleted: bool,
    ) -> None:
        working.kill()
        if deleted:
            shutil.rmtree(folder)
        another = process_table.look_up(os.getpid())
        monkeypatch.setattr(identity, "look_up", lambda pid: another)
        assert workers.standing(it) is Standing.GONE


class TestDisk:
    @pytest.mark.parametrize("call", ["pwrite", "mkfifo", "rename"])
    def test_where_nothing_can_be_written_nobody_registers(
        self, workers: FileWorkers, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no space left")

        monkeypatch.setattr(os, call, refuse)
        with pytest.raises(errors.StoreFailure) as told:
            workers.register(concurrency=1)
        assert told.value.message == f"a worker cannot be registered in {folder}: the disk is full"
        assert list(folder.iterdir()) == []

    def test_a_worker_on_a_full_disk_works_on_and_tells_later(
        self, workers: FileWorkers, me: FileRegistration, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no space left")

        shutil.rmtree(folder)
        with monkeypatch.context() as full:
            full.setattr(os, "pwrite", refuse)
            me.tell(of_id(me.id, steps=1))
        assert workers.standing(me.id) is Standing.ALIVE
        assert list(workers.seen()) == []
        me.tell(of_id(me.id, steps=2))
        assert [seen.info.steps for seen in workers.seen()] == [2]

    def test_a_newer_store_is_refused(self, workers: FileWorkers, place: Path) -> None:
        place.mkdir()
        (place / "format").write_text("99\n")
        with pytest.raises(errors.StoreFailure) as refused:
            workers.register(concurrency=1)
        assert refused.value.code == "store-newer"
        assert [path.name for path in place.iterdir()] == ["format"]


def test_two_stores_do_not_see_one_another(tmp_path: Path) -> None:
    one, two = open_workers(tmp_path / "one"), open_workers(tmp_path / "two")
    with one.register(concurrency=1), two.register(concurrency=1) as me:
        assert [seen.info.id for seen in two.seen()] == [me.id]
        one.ring()
        assert not me.wait_for_ring(timeout_ms=0)
        me.release()
        assert not two.any_alive()
        assert one.any_alive()


def test_a_name_never_leads_to_an_unlocked_record(
    workers: FileWorkers, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Standing] = []
    rename = os.rename
    monkeypatch.setattr(identity, "worker_process_runs", lambda _: False)

    def rename_and_look(source: Path, target: Path) -> None:
        rename(source, target)
        seen.extend(each.standing for each in workers.seen())

    monkeypatch.setattr(os, "rename", rename_and_look)
    with workers.register(concurrency=1):
        assert seen == [Standing.ALIVE]


def test_times_are_those_of_the_clock(place: Path) -> None:
    clock = ManualClock("2026-01-01T00:00:00.000000Z")
    workers = FileWorkers(Layout(place, sync=False), clock)
    with workers.register(concurrency=1) as me:
        clock.advance(1_000)
        me.tell(of_id(me.id))
        [seen] = workers.seen()
    assert (seen.info.since, seen.info.at) == ("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z")
