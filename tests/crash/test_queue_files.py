"""The files of a queue that were torn, damaged, deleted, made read-only or met a full disk, and processes that died."""

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.ports.queue import Queue
from nofx_cli.testing.child import Child, say
from nofx_cli.testing.queue_case import ADA, BOB, drain, job, keys, steps
from tests.crash.test_store_failures import CAUSES, FailingDisk

pytestmark = pytest.mark.crash

TORN = (b'["put",1,"20260101-000000-aaaaaa/torn/1",0,0]\n', b'["claim",1,"ada@here.1",["x/y/1"]]\n', b"\0" * 50)


class Store:
    """A store with the jobs a, b and c in its queue."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "queue"
        self.clock = ManualClock()
        self.open().put([job("a"), job("b"), job("c")])
        self.log = self.folder / "log.jsonl"

    def open(self, **options: int) -> FileQueue:
        return FileQueue(Layout(self.root, sync=False), self.clock, **options)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, store: Store) -> FailingDisk:
    return FailingDisk(monkeypatch, store.root)


class TestATornEnd:
    """The last line of the log has no end; the next writer gives it one."""

    @pytest.mark.parametrize("line", TORN)
    def test_what_was_torn_at_any_byte_is_not_there(self, store: Store, line: bytes) -> None:
        whole = store.log.read_bytes()
        for cut in range(1, len(line) - 1):
            store.log.write_bytes(whole)
            warm = store.open()
            assert warm.stats().due == 3
            with open(store.log, "ab") as log:
                log.write(line[:cut])
            for reader in (warm, store.open()):
                assert (steps(reader.waiting()), reader.stats().damaged) == (["a", "b", "c"], 0)
            warm.put([job("d")])
            for reader in (warm, store.open()):
                assert (steps(reader.waiting()), reader.stats().damaged) == (["a", "b", "c", "d"], 1)

    @pytest.mark.parametrize("step", ["read", "unread"])
    def test_each_change_goes_on_behind_it(self, store: Store, step: str) -> None:
        with open(store.log, "ab") as log:
            log.write(b'["put",')
        queue = store.open()
        if step == "read":
            queue.stats()
        assert steps(queue.claim(ADA, limit=2)) == ["a", "b"]
        queue.ack(ADA, keys([job("a")]))
        for reader in (queue, store.open()):
            assert (reader.stats().claimed, reader.stats().due, reader.stats().damaged) == (1, 1, 1)

    def test_the_note_is_of_what_was_written_behind_it(self, store: Store) -> None:
        with open(store.log, "ab") as log:
            log.write(b'["put",')
        store.open().drop(job().run)
        store.clock.advance(7)
        assert store.open().oldest_age_ms() == 0

    def test_a_line_that_lacks_only_its_end_counts(self, store: Store) -> None:
        store.log.write_bytes(store.log.read_bytes()[:-1])
        assert steps(store.open().waiting()) == ["a", "b"]
        store.open().put([job("d")])
        assert (steps(store.open().waiting()), store.open().stats().damaged) == (["a", "b", "c", "d"], 0)

    def test_a_long_log_is_put_into_behind_it(self, store: Store) -> None:
        store.open().put([job(str(number)) for number in range(1_000)])
        with open(store.log, "ab") as log:
            log.write(b'["put",')
        store.open().put([job("d")])
        stats = store.open().stats()
        assert (stats.due, stats.damaged) == (1_004, 1)


class TestDamage:
    """Lines that cannot be read are left out and counted."""

    @pytest.mark.parametrize(
        "line",
        [
            "garbage",
            "\0" * 30,
            "[]",
            "{}",
            "7",
            '"put"',
            '["unknown",1]',
            '["put"]',
            '["put",1,2,3,4]',
            '["put",1,"no key",0,0]',
            '["put","1","r/s/1",0,0]',
            '["put",1,"r/s/1",0.5,0]',
            '["put",1,"r/s/1",0,0]]',
            '["claim",1,"w",7]',
            '["claim",1,"w",[["r/s/1"]]]',
            '["gone"]',
            '["queue",1]',
            '["queue","1",2,3,4,5]',
            '["job","r/s/1"]',
            '["job","r/s/1","t",0,"x",0,0,0,0,"","waits",""]',
            "[" * 5_000,
            "9" * 5_000,
        ],
    )
    def test_a_line_that_is_no_operation_is_counted(self, store: Store, line: str) -> None:
        lines = store.log.read_bytes().split(b"\n")
        store.log.write_bytes(b"\n".join([lines[0], line.encode(), *lines[1:]]))
        queue = store.open()
        assert (steps(queue.waiting()), queue.stats().damaged) == (["a", "b", "c"], 1)
        queue.mended()
        for reader in (queue, store.open()):
            assert reader.stats().damaged == 0
            assert drain(store.open() if reader is queue else reader) == (["a", "b", "c"] if reader is queue else [])

    @pytest.mark.parametrize("lost", range(3))
    def test_what_follows_a_lost_line_is_taken_at_its_word(self, store: Store, lost: int) -> None:
        queue = store.open()
        for step in "abc":
            queue.claim(ADA, limit=1)
            assert not queue.nack(ADA, job(step).key, "no")
        queue.ack(ADA, keys(queue.claim(ADA, limit=3)))
        lines = store.log.read_bytes().split(b"\n")
        lines[lost] = lines[lost][1:]
        store.log.write_bytes(b"\n".join(lines))
        stats = store.open().stats()
        assert (stats.depth, stats.claimed, stats.damaged) == (0, 0, 1)

    @pytest.mark.parametrize("cut", [b"", b"[1"])
    def test_a_log_that_was_cut_while_it_was_open_is_read_anew(self, store: Store, cut: bytes) -> None:
        queue = store.open()
        assert queue.stats().due == 3
        store.log.write_bytes(cut)
        assert queue.stats().due == 0
        queue.put([job("d")])
        assert drain(store.open()) == ["d"]


@pytest.mark.parametrize("gone", ["queue/lock", "queue/log.jsonl", "queue", "."])
@pytest.mark.parametrize("how", ["deleted", "moved away"])
def test_what_is_deleted_while_it_is_open_is_made_anew(store: Store, tmp_path: Path, gone: str, how: str) -> None:
    one, two = store.open(), store.open()
    one.claim(ADA, limit=1)
    assert two.stats().claimed == 1
    path = store.root / gone
    if how == "moved away":
        path.rename(tmp_path / "elsewhere")
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    left = 3 if gone == "queue/lock" else 0
    for queue in (one, two, store.open()):
        stats = queue.stats()
        assert stats.depth + stats.claimed == left
    two.ack(ADA, keys([job("a")]))
    one.put([job("a"), job("d")])
    assert drain(two) == ([] if not left else ["b", "c"]) + ["a", "d"]
    for queue in (one, two, store.open()):
        assert queue.stats().depth == 0
        assert (queue.claimed(), queue.oldest_age_ms()) == ([], 0)


def test_a_new_log_in_place_of_a_deleted_one_is_not_taken_for_it(store: Store) -> None:
    one = store.open()
    assert one.stats().due == 3
    for turn in range(20):  # so that the number of a deleted file is used again
        store.log.unlink()
        store.open().put([job(f"x{turn}"), job(f"y{turn}"), job(f"z{turn}")])
        assert steps(one.waiting()) == [f"x{turn}", f"y{turn}", f"z{turn}"]


CHANGES: list[Callable[[FileQueue], object]] = [
    lambda queue: queue.put([job("d"), job("e")]),
    lambda queue: queue.claim(ADA, limit=2),
    lambda queue: queue.ack(BOB, keys([job("a")])),
    lambda queue: queue.nack(BOB, job("a").key, "no"),
    lambda queue: queue.give_back(BOB, keys([job("a")])),
    lambda queue: queue.take_from(BOB, "gone"),
    lambda queue: queue.drop(job().run),
    lambda queue: queue.pause(),
]


class TestADiskThatFails:
    """It is told, nothing was changed, and it works when the cause is gone."""

    @pytest.mark.parametrize(("code", "cause"), CAUSES)
    @pytest.mark.parametrize("after_bytes", [None, 0, 1, 30, 60])
    @pytest.mark.parametrize("change", CHANGES)
    def test_a_change_that_cannot_be_written_was_never_made(
        self, store: Store, disk: FailingDisk, *, change: Callable[[FileQueue], object],
        after_bytes: int | None, code: int, cause: str,
    ) -> None:  # fmt: skip
        queue = store.open()
        queue.claim(BOB, limit=1)
        before, lines = _seen(queue), store.log.read_bytes()
        disk.fail("write", code, after_bytes=after_bytes)
        with pytest.raises(errors.StoreFailure, match=cause) as told:
            change(queue)
        assert told.value.context["errno"] == errno.errorcode[code]
        assert _seen(queue) == _seen(store.open()) == before
        assert store.log.read_bytes() == lines
        change(queue)
        assert _seen(queue) == _seen(store.open()) != before

    @pytest.mark.parametrize("call", ["write", "replace", "open"])
    def test_a_log_that_cannot_be_written_anew_goes_on_as_it_is(
        self, store: Store, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        queue = store.open(spare_lines=-5)
        real = getattr(os, call)

        def failing(file: object, *args: object, **named: object) -> object:
            path = os.readlink(f"/dev/fd/{file}") if isinstance(file, int) else str(file)
            if path.endswith(".new"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(file, *args, **named)

        with monkeypatch.context() as full:
            full.setattr(os, call, failing)
            assert steps(queue.claim(ADA, limit=1)) == ["a"]
        assert sorted(path.name for path in store.folder.iterdir()) == ["lock", "log.jsonl"]
        assert store.log.read_bytes().startswith(b'["put"')
        queue.ack(ADA, keys([job("a")]))
        assert drain(store.open()) == ["b", "c"]

    def test_the_note_may_fail(self, store: Store, disk: FailingDisk) -> None:
        disk.fail("pwrite", errno.ENOSPC)
        store.clock.advance(5)
        drain(store.open())
        assert store.open().oldest_age_ms() == 0

    def test_lines_that_can_neither_be_written_nor_taken_back_are_ended(self, store: Store, disk: FailingDisk) -> None:
        queue = store.open()
        disk.fail("write", errno.EIO, after_bytes=30)
        disk.fail("ftruncate", errno.EIO)
        with pytest.raises(errors.StoreFailure):
            queue.put([job("d")])
        queue.put([job("e")])
        for reader in (queue, store.open()):
            assert (steps(reader.waiting()), reader.stats().damaged) == (["a", "b", "c", "e"], 1)

    def test_somebody_who_read_lines_that_were_taken_back_is_not_misled(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue, other = store.open(), store.open()
        real = os.write

        def failing(fd: int, data: bytes) -> int:
            real(fd, bytes(data)[: bytes(data).index(b"\n") + 1])
            assert steps(other.waiting()) == ["a", "b", "c", "d"]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as full:
            full.setattr(os, "write", failing)
            with pytest.raises(errors.StoreFailure):
                queue.put([job("d"), job("e")])
        queue.put([job("f"), job("g"), job("h")])
        for reader in (queue, other, store.open()):
            assert steps(reader.waiting()) == ["a", "b", "c", "f", "g", "h"]


class TestAStoreThatCanOnlyBeRead:
    """What looks works and makes nothing; what changes is refused."""

    @pytest.fixture
    def frozen(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
        store.open().claim(BOB, limit=1)
        real = os.open

        def read_only(path: str | Path, flags: int, *args: int, **named: int) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and Path(path).is_relative_to(store.root):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return real(path, flags, *args, **named)

        monkeypatch.setattr(os, "open", read_only)
        return store

    def test_it_is_read(self, frozen: Store) -> None:
        frozen.clock.advance(5)
        assert frozen.open().oldest_age_ms() == 5
        queue = frozen.open()
        assert (steps(queue.waiting()), queue.holders(), queue.next_due_ms()) == (["b", "c"], [BOB], 0)

    def test_it_is_read_without_a_note(self, frozen: Store) -> None:
        frozen.clock.advance(5)
        (frozen.folder / "lock").write_bytes(b"torn")
        assert frozen.open().oldest_age_ms() == 5
        (frozen.folder / "lock").unlink()
        assert frozen.open().oldest_age_ms() == 5
        assert not (frozen.folder / "lock").exists()

    @pytest.mark.parametrize("change", CHANGES)
    def test_it_is_not_changed(self, frozen: Store, change: Callable[[FileQueue], object]) -> None:
        before = _seen(frozen.open())
        with pytest.raises(errors.StoreFailure, match="read-only"):
            change(frozen.open())
        assert _seen(frozen.open()) == before


def test_a_queue_in_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    queue = FileQueue(Layout(tmp_path / "file"), ManualClock())
    for use in (queue.stats, lambda: queue.put([job()])):
        with pytest.raises(errors.StoreFailure):
            use()


def test_a_store_of_a_newer_nofx_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("99")
    with pytest.raises(errors.StoreFailure) as told:
        FileQueue(Layout(tmp_path), ManualClock()).put([job()])
    assert told.value.code == "store-newer"
    assert not (tmp_path / "queue").exists()


def _seen(queue: Queue) -> tuple[object, ...]:
    return queue.stats(), queue.waiting(), queue.claimed(), queue.dead(), queue.holders()


DEADLY: dict[str, tuple[Callable[[FileQueue], object], str]] = {
    "put": (lambda queue: queue.put([job("d")]), "abcd"),
    "claim": (lambda queue: queue.claim(ADA, limit=2), "abc"),
    "ack": (lambda queue: queue.ack(BOB, keys([job("a")])), "bc"),
    "nack": (lambda queue: queue.nack(BOB, job("a").key, "no"), "abc"),
}
"""Changes of the jobs a, b and c, of which Bob holds a, and what is there afterwards."""


@pytest.mark.parametrize("written_anew", [False, True])
@pytest.mark.parametrize("change", DEADLY)
def test_a_process_killed_at_any_call_of_the_system_leaves_the_change_made_or_not(
    tmp_path: Path, change: str, *, written_anew: bool
) -> None:
    with Child(die_everywhere, str(tmp_path), change, "-99" if written_anew else "99") as dying:
        cases = [json.loads(line) for line in iter(dying.hear, "end")]
    before, after = cases[0]["seen"], cases[-1]["seen"]
    assert before != after
    assert len(cases) > (15 if written_anew else 8)
    for case in cases:
        assert case["seen"] in (before, after)
        assert case["drained"] == list("abc" if case["seen"] == before else DEADLY[change][1]), case
        assert case["damaged"] <= 1


def die_everywhere(folder: str, change: str, spare_lines: str) -> None:
    """In a child: fork processes that die at the first, second, … call of the system; say what each has left."""
    for point in range(1_000):
        root = Path(folder) / f"store{point}"
        store = Store(root)
        store.open().claim(BOB, limit=1)
        pid = os.fork()
        if pid == 0:
            _die_at(point)
            DEADLY[change][0](store.open(spare_lines=int(spare_lines)))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        say(json.dumps(_left(store)))
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            assert os.waitstatus_to_exitcode(status) == 0
            break
    say("end")


def _die_at(point: int) -> None:
    """Let the process die at its call number `point`; a write is half done then."""
    left = [point]

    def deadly(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **named: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(bytes(args[1])) // 2])  # type: ignore[call-overload]
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **named)

        setattr(os, name, call)

    for name in ("open", "stat", "fstat", "pread", "write", "pwrite", "replace", "close"):
        deadly(name)


def _left(store: Store) -> dict[str, object]:
    """What others find, also in a new process; and that all goes on."""
    seen = repr(_seen(store.open()))
    assert store.open().oldest_age_ms() == store.open().stats().oldest_age_ms
    queue = store.open(lock_timeout_ms=0)
    queue.put([job("late")])
    for worker in (ADA, BOB):
        queue.take_from(worker, "gone")
    drained = sorted(drain(queue, WorkerId("heir")))
    assert drained.pop() == "late"
    return {"seen": seen, "drained": drained, "damaged": queue.stats().damaged}
