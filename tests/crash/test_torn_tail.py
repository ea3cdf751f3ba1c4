"""A journal on the filesystem that was cut off in the middle of a write, at every place where that can happen."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.verification import verify_chain
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.ports.journal import AppendConflict
from nofx_cli.testing.run_store_case import RUN, append, append_behind_everybody, create, enqueued, finished

pytestmark = pytest.mark.crash


class Bench:
    """A store with a run of one batch, and the bytes of a second batch that was cut off."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root, sync=False)
        store = self.open()
        create(store)
        self.journal = self.layout.run(RUN) / "journal.jsonl"
        self.committed = self.journal.read_bytes()
        self._noted_head = (self.journal.parent / "head").read_bytes()
        append(store, 1, [finished("Grüße"), *enqueued(), finished('{"more":3}')])
        self.batch = self.journal.read_bytes()[len(self.committed) :]

    def open(self) -> FileRunStore:
        return FileRunStore(self.layout)

    def leave(self, tail: bytes) -> FileRunStore:
        """The store as a process finds it that opens it after a power loss left `tail`."""
        self.journal.write_bytes(self.committed + tail)
        (self.journal.parent / "head").write_bytes(self._noted_head)
        for kept in self.kept():
            kept.unlink()
        return self.open()

    def kept(self) -> list[Path]:
        return sorted(self.layout.run(RUN).glob("journal.torn-*"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "store")


def check_before_repair(store: FileRunStore) -> None:
    """Readers see what was committed and nothing else, and change nothing."""
    assert [event.type for event in store.read(RUN)] == ["run.created"]
    assert store.head(RUN).seq == 1
    summary = store.summary(RUN)
    assert summary is not None
    assert summary.last.seq == 1
    assert store.wait(RUN, after_seq=1, timeout_ms=0) is False


def check_repair(bench: Bench, store: FileRunStore, tail: bytes) -> None:
    """The next writer cuts the tail off, keeps it, tells it, and then goes on like after anybody else's append."""
    [told, own] = _append_after_repair(store)
    assert told.payload == ev.JournalRepaired(bytes=len(tail), kept=f"journal.torn-{len(bench.committed)}")
    assert own.seq == 3
    [kept] = bench.kept()
    assert (kept.name, kept.read_bytes()) == (f"journal.torn-{len(bench.committed)}", tail)
    assert bench.journal.read_bytes().startswith(bench.committed)
    for reader in (store, bench.open()):
        assert [event.type for event in reader.read(RUN)] == ["run.created", "journal.repaired", "step.enqueued"]
        assert verify_chain(reader.lines(RUN)).ok
        assert reader.head(RUN) == reader.noted_head(RUN)


def _append_after_repair(store: FileRunStore) -> list[ev.Event]:
    with pytest.raises(AppendConflict) as repaired:
        append(store, 1, enqueued())
    return [*repaired.value.since, *append(store, 2, enqueued())]


def test_a_batch_that_was_cut_at_any_byte_is_not_there(bench: Bench) -> None:
    for cut in range(1, len(bench.batch)):
        tail = bench.batch[:cut]
        store = bench.leave(tail)
        check_before_repair(store)
        check_repair(bench, store, tail)


def test_a_whole_batch_is_there_though_its_writer_never_said_so(bench: Bench) -> None:
    store = bench.leave(bench.batch)
    assert store.head(RUN).seq == 4
    assert append(store, 4, enqueued())[0].seq == 5
    assert bench.kept() == []


@pytest.mark.parametrize(
    "tail",
    [
        b"\0",
        b"\0" * 4096,
        b"\0" * 100 + b"\n",
        b"garbage",
        b"garbage\n",
        b"\xff\xfe\x00\n\n",
        b"\n",
        b"{\n",
        b'{"v":1,"seq":2,"at":"2026\0\0\0\0\0\0\0\0}\n',
    ],
)
def test_what_is_no_event_behind_the_last_batch_is_a_torn_tail(bench: Bench, tail: bytes) -> None:
    store = bench.leave(tail)
    check_before_repair(store)
    check_repair(bench, store, tail)


def test_a_process_that_had_the_journal_open_repairs_it_just_so(bench: Bench) -> None:
    store = bench.leave(b"")
    assert store.head(RUN).seq == 1
    with open(bench.journal, "ab") as journal:
        journal.write(bench.batch[:100])
    check_before_repair(store)
    check_repair(bench, store, bench.batch[:100])


def test_a_journal_that_is_torn_twice_keeps_both_tails(bench: Bench) -> None:
    append_behind_everybody(bench.leave(b"first"), enqueued())
    with open(bench.journal, "ab") as journal:
        journal.write(b"second")
    append_behind_everybody(bench.open(), enqueued())
    assert {kept.read_bytes() for kept in bench.kept()} == {b"first", b"second"}
    assert verify_chain(bench.open().lines(RUN)).ok


def test_verify_sees_a_torn_tail_that_nobody_repaired_yet(bench: Bench) -> None:
    one_line = bench.batch[: bench.batch.index(b"\n") + 1]
    for tail, code in ((one_line, "torn"), (bench.batch[:50], "damaged"), (b"\0\0", "damaged")):
        [fault] = verify_chain(bench.leave(tail).lines(RUN)).faults
        assert fault.code == code


@pytest.mark.parametrize("damage", [lambda line: line[:-9], lambda line: b"", lambda line: b"\0" * len(line)])
def test_damage_in_the_middle_is_told_and_never_cut_off(bench: Bench, damage: Callable[[bytes], bytes]) -> None:
    store = bench.leave(bench.batch)
    append(store, 4, enqueued())
    lines = bench.journal.read_bytes().split(b"\n")
    lines[2] = damage(lines[2])
    damaged = b"\n".join(lines)
    bench.journal.write_bytes(damaged)
    asked: list[Callable[[], object]] = [
        lambda: list(bench.open().read(RUN)),
        lambda: append(bench.open(), 5, enqueued()),
    ]
    for ask in asked:
        with pytest.raises(errors.StoreFailure) as told:
            ask()
        assert told.value.code == "journal-damaged"
        assert "event 3 " in told.value.message
        assert "nofx verify" in told.value.hint
    assert bench.journal.read_bytes() == damaged


@pytest.mark.parametrize("batches", [1, 2])
def test_a_damaged_first_line_does_not_break_the_list_of_runs(bench: Bench, batches: int) -> None:
    store = bench.leave(b"")
    started = append(store, 1, [ev.Draft(ev.RunStarted())])[0].line + b"\n" if batches == 2 else b""
    bench.journal.write_bytes(bench.committed.replace(b'"seq"', b'"sex"') + started)
    with contextlib.suppress(errors.StoreFailure):  # to tell the damage is as good as to leave the run out
        assert store.summary(RUN) is None


def test_a_journal_that_lost_its_committed_end_is_not_written_on(bench: Bench) -> None:
    store = bench.leave(b"")
    append(store, 1, enqueued(3))
    bench.journal.write_bytes(bench.committed)
    with pytest.raises(errors.NofxError):
        append(store, 4, enqueued())
    assert bench.journal.read_bytes().rstrip(b"\0") == bench.committed
    assert b"\0" not in bench.journal.read_bytes()
