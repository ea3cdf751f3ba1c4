"""What the files of a queue cost and leave behind, beyond the contract."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from nofx_cli import errors
from nofx_cli.clock import ManualClock
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.filesystem.queue_lock import Note, QueueLock, write_note
from nofx_cli.drivers.filesystem.queue_log import QueueLog
from nofx_cli.ports.queue import Job
from nofx_cli.testing.queue_case import ADA, drain, job, keys, steps
from nofx_cli.testing.waiting import wait_until

MANY = 1_000
"""Jobs whose lines are more than a `put` reads."""


class Opener:
    """Opens the queue of one store, over and over."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "queue"
        self.clock = ManualClock()
        self._layout = Layout(root, sync=False)

    def __call__(self, *, lock_timeout_ms: int = 30_000, spare_lines: int = 1_000) -> FileQueue:
        return FileQueue(self._layout, self.clock, lock_timeout_ms=lock_timeout_ms, spare_lines=spare_lines)

    def lines(self) -> int:
        return (self.folder / "log.jsonl").read_bytes().count(b"\n")


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    return Opener(tmp_path / "store")


def many() -> list[Job]:
    return [job(str(number)) for number in range(MANY)]


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueueLog, "_read_news", lambda log: pytest.fail("the log was read"))


def forbid_locking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueueLock, "_acquire", lambda lock: pytest.fail("the lock was taken"))


LOOKS: list[Callable[[FileQueue], object]] = [
    FileQueue.stats,
    FileQueue.waiting,
    FileQueue.claimed,
    FileQueue.dead,
    FileQueue.holders,
    FileQueue.first_due,
    FileQueue.next_due_ms,
    FileQueue.oldest_age_ms,
    lambda queue: queue.claim(ADA, limit=1),
    lambda queue: queue.ack(ADA, ["a/b/1"]),
    lambda queue: queue.give_back(ADA, ["a/b/1"]),
    lambda queue: queue.nack(ADA, "a/b/1", "no"),
    lambda queue: queue.take_from(ADA, "gone"),
    lambda queue: queue.requeue(["a/b/1"]),
    lambda queue: queue.resume(),
    lambda queue: queue.mended(),
    lambda queue: queue.put([]),
]


@pytest.mark.parametrize("look", LOOKS)
def test_what_changes_nothing_makes_nothing(opener: Opener, look: Callable[[FileQueue], object]) -> None:
    look(opener())
    assert not opener.folder.parent.exists()


@pytest.mark.parametrize("look", LOOKS)
def test_what_changes_nothing_takes_no_lock(
    opener: Opener, monkeypatch: pytest.MonkeyPatch, look: Callable[[FileQueue], object]
) -> None:
    opener().put([job(delay_ms=5)])
    forbid_locking(monkeypatch)
    look(opener())


def test_an_idle_look_is_one_call_of_the_system(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = opener()
    queue.put([job(delay_ms=5)])
    assert queue.claim(ADA, limit=1) == []
    calls: list[str] = []

    def watched(name: str) -> Callable[..., object]:
        real: Callable[..., object] = getattr(os, name)

        def call(*args: object, **named: object) -> object:
            calls.append(name)
            return real(*args, **named)

        return call

    for name in ("open", "stat", "fstat", "pread", "read", "write"):
        monkeypatch.setattr(os, name, watched(name))
    for look in (lambda: queue.claim(ADA, limit=1), queue.first_due, queue.next_due_ms):
        calls.clear()
        look()
        assert calls == ["stat"]


def test_the_first_job_makes_the_store(opener: Opener) -> None:
    opener().put([job()])
    assert sorted(path.name for path in opener.folder.iterdir()) == ["lock", "log.jsonl"]
    assert (opener.folder.parent / ".gitignore").read_text() == "*\n"


def test_a_job_is_put_into_a_long_queue_without_reading_it(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    opener().put(many())
    with monkeypatch.context() as patched:
        forbid_reading(patched)
        cold = opener()
        cold.put([job("one more"), job("7")])
        cold.put([job("and one more")])
    assert opener.lines() == MANY + 3
    assert steps(cold.waiting())[-3:] == [str(MANY - 1), "one more", "and one more"]


def test_a_job_that_is_there_is_not_even_written_again(opener: Opener) -> None:
    queue = opener()
    queue.put([job("a"), job("b")])
    opener().put([job("a"), job("b")])
    assert opener.lines() == 2


class TestTheAgeInANewProcess:
    """It is read from the note that is beside the log, where that is true."""

    def check(self, opener: Opener, age_ms: int) -> None:
        assert opener().oldest_age_ms() == age_ms
        warm = opener()
        warm.stats()
        assert warm.oldest_age_ms() == age_ms

    def test_it_follows_every_change(self, opener: Opener) -> None:
        queue = opener()
        queue.put([job("a")])
        opener.clock.advance(30)
        self.check(opener, 30)
        opener().put([job("b"), job("c", delay_ms=4)])
        self.check(opener, 30)
        opener.clock.advance(2)
        drain(queue)
        self.check(opener, 0)
        opener.clock.advance(10)
        self.check(opener, 8)
        drain(queue)
        self.check(opener, 0)

    def test_it_is_not_read_from_the_log(self, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
        opener().put(many())
        opener.clock.advance(7)
        forbid_reading(monkeypatch)
        assert opener().oldest_age_ms() == 7
        opener().put([job("one more")])
        assert opener().oldest_age_ms() == 7

    def test_jobs_put_by_those_who_read_nothing_count(self, opener: Opener) -> None:
        queue = opener()
        queue.put(replace_delay(many(), 50))
        opener().put([job("one", delay_ms=40)])
        opener.clock.advance(45)
        self.check(opener, 5)
        opener.clock.advance(10)
        self.check(opener, 15)

    @pytest.mark.parametrize("note", [None, b"", b"\0" * 63, b"1 2 3\n", b"x", b"9" * 62 + b"\n"])
    def test_a_note_that_is_not_true_is_not_believed(self, opener: Opener, note: bytes | None) -> None:
        opener().put(many())
        opener.clock.advance(9)
        lock = opener.folder / "lock"
        if note is None:
            lock.unlink()
        else:
            lock.write_bytes(note)
        self.check(opener, 9)
        opener().put([job("by one who has read nothing")])
        self.check(opener, 9)
        queue = opener()
        queue.claim(ADA, limit=1)
        queue.put([job("by one who has read all")])
        opener.clock.advance(1)
        self.check(opener, 10)

    def test_a_note_that_is_behind_the_log_is_not_believed(self, opener: Opener) -> None:
        queue = opener()
        queue.put([job()])
        behind = (opener.folder / "lock").read_bytes()
        opener.clock.advance(9)
        drain(queue)
        (opener.folder / "lock").write_bytes(behind)
        self.check(opener, 0)

    def test_a_note_that_is_just_being_written_is_waited_for(
        self, opener: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue = opener()
        queue.put(many())
        opener.clock.advance(9)
        written, told = threading.Event(), threading.Event()

        def late(fd: int, note: Note) -> None:
            written.set()
            assert told.wait(30)
            write_note(fd, note)

        monkeypatch.setattr("nofx_cli.drivers.filesystem.queue.write_note", late)
        with ThreadPoolExecutor(2) as threads:
            change = threads.submit(queue.put, [job("one more")])
            assert written.wait(30)
            forbid_reading(monkeypatch)
            look = threads.submit(opener().oldest_age_ms)
            wait_until(lambda: _open_files(opener.folder).count("lock") == 2, why="the lock to be waited for")
            told.set()
            assert look.result() == 9
            change.result()

    def test_there_is_none_where_the_log_is_gone(self, opener: Opener) -> None:
        opener().put([job()])
        (opener.folder / "log.jsonl").unlink()
        opener.clock.advance(9)
        self.check(opener, 0)


def replace_delay(jobs: list[Job], delay_ms: int) -> list[Job]:
    return [job(each.step, delay_ms=delay_ms) for each in jobs]


class TestTheLog:
    """It is written anew when it holds far more lines than there are jobs."""

    def test_it_stays_short(self, opener: Opener) -> None:
        queue, other = opener(spare_lines=50), opener(spare_lines=50)
        queue.put([job("stays", priority=-1)])
        for number in range(300):
            queue.put([job(str(number))])
            other.ack(ADA, keys(other.claim(ADA, limit=1)))
            assert opener.lines() <= 50 + 2 * 2 + 1
        assert steps(queue.waiting()) == steps(opener().waiting()) == ["stays"]

    def test_it_tells_the_same_when_it_was_written_anew(self, opener: Opener) -> None:
        queue = opener()
        queue.put([job("a"), job("b", delay_ms=5), job("c", priority=3), job("d"), job("e")])
        queue.claim(ADA, limit=2)
        queue.nack(ADA, job("c").key, "Grüße")
        queue.pause()
        opener.clock.advance(-9_000)
        before = self.seen(opener())
        opener(spare_lines=-99).resume()
        queue.pause()
        assert b'["queue",' in (opener.folder / "log.jsonl").read_bytes()[:9]
        assert self.seen(queue) == self.seen(opener()) == before

    def test_it_keeps_the_order_when_the_clock_was_set_back_before(self, opener: Opener) -> None:
        queue = opener()
        for step in ("a", "b", "c"):
            opener(spare_lines=-99).put([job(step)])
            opener.clock.advance(-9_000)
        assert steps(queue.waiting()) == steps(opener().waiting()) == ["a", "b", "c"]

    def test_damage_stays_told_when_it_was_written_anew(self, opener: Opener) -> None:
        queue = opener()
        queue.put([job("a")])
        with open(opener.folder / "log.jsonl", "ab") as log:
            log.write(b"garbage\n")
        opener(spare_lines=-99).put([job("b")])
        assert b"garbage" not in (opener.folder / "log.jsonl").read_bytes()
        assert opener().stats().damaged == queue.stats().damaged == 1
        queue.mended()
        assert opener().stats().damaged == queue.stats().damaged == 0

    def test_long_lines_are_read_whole(self, opener: Opener) -> None:
        queue = opener()
        queue.put([job("a"), job("b")])
        queue.claim(ADA, limit=1)
        queue.nack(ADA, job("a").key, "x" * 1_000_000)
        assert [len(each.reason) for each in opener().waiting()] == [0, 1_000_000]

    def seen(self, queue: FileQueue) -> tuple[object, ...]:
        return queue.stats(), queue.waiting(), queue.claimed(), queue.dead(), queue.holders()


class TestTheLock:
    """`filelock` holds it, so that its holders and those of a `FileLock` hold each other off."""

    def test_a_lock_that_stays_held_is_told_and_nothing_was_changed(self, opener: Opener) -> None:
        queue = opener(lock_timeout_ms=20)
        queue.put([job("a")])
        lock = opener.folder / "lock"
        changes: list[Callable[[], object]] = [
            lambda: queue.put([job("b")]),
            lambda: queue.claim(ADA, limit=1),
            queue.pause,
        ]
        with FileLock(lock):
            for change in changes:
                with pytest.raises(errors.StoreFailure) as told:
                    change()
                assert told.value.code == "queue-locked"
                assert str(lock) in told.value.hint
            assert (steps(queue.waiting()), queue.stats().claimed, queue.stats().paused) == (["a"], 0, False)
        queue.put([job("b")])
        assert drain(queue) == ["a", "b"]

    def test_a_lock_that_was_deleted_while_it_was_waited_for_is_made_anew(self, opener: Opener) -> None:
        queue, path = opener(), opener.folder / "lock"
        queue.put([job("a")])
        with ThreadPoolExecutor(1) as threads:
            with FileLock(path):
                waits = threads.submit(queue.claim, ADA, limit=1)
                wait_until(lambda: len(_open_files(opener.folder)) == 3, why="the lock to be waited for")
                path.unlink()
            assert steps(waits.result()) == ["a"]
        assert path.exists()

    def test_a_lock_is_free_though_a_child_that_is_being_started_has_a_copy_of_it(self, opener: Opener) -> None:
        with QueueLock(Layout(opener.folder.parent), timeout_ms=0).among_processes() as fd:
            copy = os.dup(fd)
        opener(lock_timeout_ms=0).put([job()])
        os.close(copy)

    def test_a_lock_is_free_after_a_failure(self, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
        queue = opener(lock_timeout_ms=20)
        with monkeypatch.context() as broken:
            broken.setattr(QueueLog, "append", lambda log, operations: pytest.fail("on purpose"))
            with pytest.raises(pytest.fail.Exception):
                queue.put([job()])
        opener(lock_timeout_ms=20).put([job()])
        assert drain(queue) == ["notes"]


def test_a_queue_that_is_dropped_closes_its_files(opener: Opener) -> None:
    queue = opener()
    queue.put([job()])
    assert _open_files(opener.folder) == ["log.jsonl"]
    del queue
    assert _open_files(opener.folder) == []


def _open_files(folder: Path) -> list[str]:
    links = (os.path.join("/dev/fd", name) for name in os.listdir("/dev/fd"))
    paths = [os.path.realpath(link) for link in links]
    return [os.path.basename(path) for path in paths if path.startswith(str(folder.resolve()))]


class TestLost:
    """A log that somebody deleted, as who had read it sees it."""

    @pytest.mark.parametrize("by_a_put", [False, True])
    def test_a_deleted_log_is_damage_until_it_is_mended(self, opener: Opener, by_a_put: bool) -> None:
        queue, other = opener(), opener()
        queue.put([job("a")])
        assert queue.stats().damaged == 0
        (opener.folder / "log.jsonl").unlink()
        if by_a_put:
            other.put([job("b")])
        assert (queue.stats().damaged, other.stats().damaged) == (1, 0)
        queue.mended()
        assert queue.stats().damaged == 0

    def test_a_log_that_was_written_anew_is_none(self, opener: Opener) -> None:
        queue, other = opener(spare_lines=5), opener(spare_lines=5)
        queue.put([job("a")])
        for number in range(20):
            other.put([job(f"b{number}")])
            drain(other)
        assert queue.stats().damaged == other.stats().damaged == 0
