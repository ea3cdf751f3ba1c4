"""Putting a run that was carried into a store of files: it is there whole, or not at all."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import RunId, StepName, digest_of_bytes
from nofx_cli.drivers.filesystem.carrier import FileRunCarrier
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.ledger import FileLedger
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.ports.carrying import CarriedFile, Contents
from nofx_cli.ports.journal import AppendConflict

RUN = RunId("20261122-091530-7k3f9q")
AT = "2026-11-22T09:15:30.000123Z"
ADA = ev.Actor("user", "ada")
NOTHING = Head()


def lines(count: int, *, after: Head = NOTHING) -> tuple[list[bytes], Head]:
    first = [] if after.seq else [ev.Draft(ev.RunCreated(workspace={"path": "/elsewhere"}))]
    drafts = [*first, *(ev.Draft(ev.StepEnqueued(), StepName("a")) for _ in range(count - len(first)))]
    events, head = encode_batch(drafts, run=RUN, head=after, at=AT, actor=ADA)
    return [event.line for event in events], head


def contents(files: dict[str, bytes]) -> Contents:
    for path, data in files.items():
        yield CarriedFile(path, len(data), digest_of_bytes(data)), iter([data])


def journal(written: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in written)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store", sync=True)


class TestInstall:
    def test_it_is_a_run_like_any_other_and_knows_where_it_works(self, layout: Layout) -> None:
        written, head = lines(3)
        files = {"journal.jsonl": journal(written), "plan.yaml": b"steps: []\n", "logs/a.1.log": b"x"}
        FileRunCarrier(layout).install(RUN, contents(files), place={"path": "/here"})
        store = FileRunStore(layout)
        assert (store.head(RUN), store.noted_head(RUN), store.plan_text(RUN)) == (head, head, "steps: []\n")
        assert list(store.runs()) == [RUN]
        assert store.place(RUN) == {"path": "/here"}
        store.append(RUN, 3, [ev.Draft(ev.StepEnqueued(), StepName("a"))], at=AT, actor=ADA)
        assert FileRunCarrier(layout).logs(RUN) == ["logs/a.1.log"]

    @pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), errors.Conflict("the file was changed")])
    def test_a_failure_in_the_middle_leaves_nothing(self, layout: Layout, fault: Exception) -> None:
        def cut() -> Iterator[bytes]:
            yield b"some"
            raise fault

        def broken() -> Contents:
            yield from contents({"plan.yaml": b"steps: []\n"})
            yield CarriedFile("journal.jsonl", 9, ""), cut()

        with pytest.raises(errors.StoreFailure if isinstance(fault, OSError) else errors.Conflict):
            FileRunCarrier(layout).install(RUN, broken(), place={})
        assert not list(FileRunStore(layout).runs())
        assert not layout.unfinished()

    def test_a_run_that_is_there_is_not_replaced(self, layout: Layout) -> None:
        files = {"journal.jsonl": journal(lines(1)[0]), "plan.yaml": b""}
        FileRunCarrier(layout).install(RUN, contents(files), place={})
        with pytest.raises(errors.Conflict) as told:
            FileRunCarrier(layout).install(RUN, contents({**files, "plan.yaml": b"other"}), place={})
        assert told.value.code == "run-exists"
        assert FileRunStore(layout).plan_text(RUN) == ""
        assert not layout.unfinished()

    def test_a_link_that_stands_in_the_way_is_not_followed(self, layout: Layout, tmp_path: Path) -> None:
        """Two names that are one: the second one would be written through the first."""
        files = contents({"logs/a": b"x", "plan.yaml": b""})

        def linked() -> Contents:
            for file, blocks in files:
                yield file, blocks
                (making,) = layout.unfinished()
                os.symlink(tmp_path / "outside", making / "journal.jsonl")
                yield CarriedFile("journal.jsonl", 1, ""), iter([b"x"])

        with pytest.raises(errors.StoreFailure):
            FileRunCarrier(layout).install(RUN, linked(), place={})
        assert not (tmp_path / "outside").exists()


class TestExtend:
    @pytest.fixture
    def head(self, layout: Layout) -> Head:
        written, head = lines(2)
        files = {"journal.jsonl": journal(written), "plan.yaml": b"", "logs/a.1.log": b"be"}
        FileRunCarrier(layout).install(RUN, contents(files), place={})
        return head

    def test_its_files_and_then_its_lines(self, layout: Layout, head: Head) -> None:
        more, end = lines(2, after=head)
        files = {"journal.jsonl": b"not looked at", "logs/a.1.log": b"begun", "logs/b.1.log": b"new"}
        FileRunCarrier(layout).extend(RUN, contents(files), more, behind=head)
        store = FileRunStore(layout)
        assert (store.head(RUN), store.noted_head(RUN), len(list(store.read(RUN)))) == (end, end, 4)
        assert (layout.run(RUN) / "logs/a.1.log").read_bytes() == b"begun"
        assert FileRunCarrier(layout).logs(RUN) == ["logs/a.1.log", "logs/b.1.log"]

    def test_not_behind_what_somebody_else_appended(self, layout: Layout, head: Head) -> None:
        FileRunStore(layout).append(RUN, 2, [ev.Draft(ev.StepEnqueued(), StepName("b"))], at=AT, actor=ADA)
        with pytest.raises(AppendConflict):
            FileRunCarrier(layout).extend(RUN, contents({}), lines(1, after=head)[0], behind=head)
        assert FileRunStore(layout).head(RUN).seq == 3

    def test_a_torn_tail_was_never_committed_and_is_set_aside(self, layout: Layout, head: Head) -> None:
        with open(layout.run(RUN) / "journal.jsonl", "ab") as file:
            file.write(b'{"v":1,"seq":3')
        more, end = lines(1, after=head)
        FileRunCarrier(layout).extend(RUN, contents({}), more, behind=head)
        assert FileRunStore(layout).head(RUN) == end
        assert [path.read_bytes() for path in layout.run(RUN).glob("journal.torn-*")] == [b'{"v":1,"seq":3']


def test_a_place_that_cannot_be_read_is_told(layout: Layout) -> None:
    files = {"journal.jsonl": journal(lines(1)[0]), "plan.yaml": b""}
    FileRunCarrier(layout).install(RUN, contents(files), place={"path": "/here"})
    (layout.run(RUN) / "place.json").write_text("{")
    with pytest.raises(errors.StoreFailure) as told:
        FileRunStore(layout).place(RUN)
    assert told.value.code == "place-damaged"


def test_what_it_spent_counts_for_the_project_that_it_works_on_now(layout: Layout) -> None:
    first = ev.Draft(ev.RunCreated(workspace={"path": "/elsewhere"}))
    asked = ev.Draft(ev.LlmRequested("d", "openai/gpt-5", 1, "0.5", 10), StepName("a"), 1)
    events, _ = encode_batch([first, asked], run=RUN, head=Head(), at=AT, actor=ADA)
    files = {"journal.jsonl": journal([event.line for event in events]), "plan.yaml": b""}
    FileRunCarrier(layout).install(RUN, contents(files), place={"path": "/here"})
    assert FileLedger(layout, Path("/here")).spent(since="2026-01-01T00:00:00Z").calls == 1
    assert FileLedger(layout, Path("/elsewhere")).spent(since="2026-01-01T00:00:00Z").calls == 0
