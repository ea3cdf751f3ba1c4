"""A disk that is full, broken or read-only: a clear error, what was committed stays, and the next append works."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.verification import verify_chain
from nofx_cli.drivers.filesystem.artifacts import FileArtifacts
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.ports.journal import AppendConflict
from nofx_cli.testing.run_store_case import RUN, STEP, append, create, enqueued, finished

pytestmark = pytest.mark.crash

CAUSES = [
    (errno.ENOSPC, "the disk is full"),
    (errno.EIO, "an I/O error"),
    (errno.EROFS, "read-only"),
    (errno.EDQUOT, "quota"),
]


class FailingDisk:
    """Lets calls of `os` on files of one folder fail, once each, after so many bytes of it went through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self._folder = monkeypatch, folder

    def fail(self, call: str, code: int, *, after_bytes: int | None = None) -> None:
        real: Callable[..., int] = getattr(os, call)
        broken = [True]

        def failing(file: int | str | Path, *args: object, **kwargs: object) -> int:
            if not broken or not self._is_mine(file):
                return real(file, *args, **kwargs)
            broken.clear()
            if after_bytes is not None and isinstance(file, int):
                data = args[0]
                assert isinstance(data, bytes | memoryview)
                real(file, data[:after_bytes])
            raise OSError(code, os.strerror(code))

        self._patch.setattr(os, call, failing)

    def _is_mine(self, file: int | str | Path) -> bool:
        if not isinstance(file, int):
            return Path(file).is_relative_to(self._folder)
        found = os.fstat(file)
        return any(os.path.samestat(found, path.lstat()) for path in (self._folder, *self._folder.rglob("*")))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store", sync=True)


@pytest.fixture
def store(layout: Layout) -> FileRunStore:
    store = FileRunStore(layout)
    create(store)
    append(store, 1, [finished("committed")])
    return store


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, layout: Layout) -> FailingDisk:
    return FailingDisk(monkeypatch, layout.root)


def check_as_if_it_had_never_been(store: FileRunStore, layout: Layout) -> None:
    for reader in (store, FileRunStore(layout)):
        assert [event.type for event in reader.read(RUN)] == ["run.created", "step.finished"]
    assert [event.seq for event in append(store, 2, enqueued(2))] == [3, 4]
    for reader in (store, FileRunStore(layout)):
        assert reader.head(RUN).seq == 4
        assert verify_chain(reader.lines(RUN)).ok


@pytest.mark.parametrize(("code", "cause"), CAUSES)
@pytest.mark.parametrize("after_bytes", [None, 0, 1, 100, 300])
def test_an_append_that_cannot_be_written_is_told_and_is_not_there(
    store: FileRunStore, layout: Layout, disk: FailingDisk, code: int, cause: str, after_bytes: int | None
) -> None:
    disk.fail("write", code, after_bytes=after_bytes)
    with pytest.raises(errors.StoreFailure, match=cause) as told:
        append(store, 2, enqueued(2))
    assert RUN in told.value.message
    assert told.value.context["errno"] == errno.errorcode[code]
    assert told.value.exit_code == errors.ExitCode.UNAVAILABLE
    check_as_if_it_had_never_been(store, layout)


@pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="there is only fsync here")
def test_an_append_that_cannot_be_made_durable_is_told_and_is_not_there(
    store: FileRunStore, layout: Layout, disk: FailingDisk
) -> None:
    disk.fail("fdatasync", errno.EIO)
    with pytest.raises(errors.StoreFailure, match="an I/O error"):
        append(store, 2, enqueued(2))
    check_as_if_it_had_never_been(store, layout)


def test_an_append_that_can_neither_be_written_nor_cut_off_is_repaired_by_the_next(
    store: FileRunStore, layout: Layout, disk: FailingDisk
) -> None:
    disk.fail("write", errno.EIO, after_bytes=100)
    disk.fail("ftruncate", errno.EIO)
    with pytest.raises(errors.StoreFailure):
        append(store, 2, enqueued(2))
    assert [event.type for event in FileRunStore(layout).read(RUN)] == ["run.created", "step.finished"]
    with pytest.raises(AppendConflict) as repaired:
        append(store, 2, enqueued())
    assert [type(event.payload) for event in repaired.value.since] == [ev.JournalRepaired]
    assert append(store, 3, enqueued())[0].seq == 4
    assert verify_chain(store.lines(RUN)).ok


def test_somebody_who_read_a_batch_that_was_taken_back_is_not_misled(
    store: FileRunStore, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FileRunStore(layout)
    seen: list[int] = []

    def read_then_fail(fd: int) -> None:
        if not seen:
            seen.extend(event.seq for event in other.read(RUN))
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("nofx_cli.drivers.filesystem.journal_file.fdatasync", read_then_fail)
    with pytest.raises(errors.StoreFailure):
        append(store, 2, enqueued())
    assert seen == [1, 2, 3]
    with pytest.raises(errors.NofxError):
        append(other, 3, enqueued())
    assert append(store, 2, [finished("instead")])[0].seq == 3
    assert FileRunStore(layout).head(RUN).seq == 3
    assert [event.type for event in other.read(RUN)] == ["run.created", "step.finished", "step.finished"]
    assert append(other, 3, enqueued())[0].seq == 4
    assert verify_chain(other.lines(RUN)).ok


def test_an_append_that_is_durable_counts_though_its_head_could_not_be_noted(
    store: FileRunStore, disk: FailingDisk
) -> None:
    disk.fail("pwrite", errno.EIO)
    assert append(store, 2, enqueued())[0].seq == 3
    assert append(store, 3, enqueued())[0].seq == 4
    assert verify_chain(store.lines(RUN)).ok


@pytest.mark.parametrize(("code", "cause"), CAUSES)
@pytest.mark.parametrize("call", ["write", "mkdir", "rename", "fsync"])
def test_a_run_that_cannot_be_created_is_not_there(
    layout: Layout, disk: FailingDisk, call: str, code: int, cause: str
) -> None:
    layout.prepare()
    disk.fail(call, code)
    store = FileRunStore(layout)
    with pytest.raises(errors.StoreFailure, match=cause) as told:
        create(store)
    assert RUN in told.value.message
    assert list(store.runs()) == []
    create(store)
    assert list(store.runs()) == [RUN]
    assert verify_chain(store.lines(RUN)).ok


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.StoreFailure, match=r"the store .* cannot be (made|read)"):
        create(FileRunStore(Layout(tmp_path / "file" / "store")))


def test_a_store_that_can_only_be_read_is_read(
    store: FileRunStore, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def read_only(path: str | Path, flags: int, *args: int, **kwargs: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and Path(path).is_relative_to(layout.root):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", read_only)
    reader = FileRunStore(layout)
    assert [event.seq for event in reader.read(RUN)] == [1, 2]
    assert reader.head(RUN) == store.head(RUN)
    assert reader.summary(RUN) is not None
    with pytest.raises(errors.StoreFailure, match="read-only"):
        append(reader, 2, enqueued())
    with pytest.raises(errors.StoreFailure, match="read-only"):
        FileArtifacts(layout).put_shown(RUN, "d1", "text")


@pytest.mark.parametrize("found", ["2", "1.1", "new"])
def test_a_store_of_a_newer_nofx_is_left_alone(layout: Layout, found: str) -> None:
    layout.prepare()
    (layout.root / "format").write_text(found)
    with pytest.raises(errors.StoreFailure) as told:
        create(FileRunStore(layout))
    assert told.value.code == "store-newer"
    assert list((layout.root / "runs").iterdir()) == []


def test_a_store_whose_making_was_cut_off_is_made_anew(layout: Layout) -> None:
    layout.prepare()
    mark = layout.root / "format"
    whole = mark.read_text()
    mark.write_text("")
    create(FileRunStore(layout))
    assert mark.read_text() == whole


def test_an_artifact_that_cannot_be_kept_leaves_nothing_to_take_in(
    store: FileRunStore, layout: Layout, disk: FailingDisk
) -> None:
    artifacts = FileArtifacts(layout)
    kept = artifacts.put(RUN, STEP, 1, "report", b"whole")
    disk.fail("replace", errno.ENOSPC)
    with pytest.raises(errors.StoreFailure, match="the disk is full"):
        artifacts.put(RUN, STEP, 1, "report", b"half")
    assert artifacts.check(RUN, kept)
    assert [artifact.name for artifact in artifacts.collect(RUN, STEP, 1)] == ["report"]


def test_an_artifact_is_durable_before_it_has_its_name(
    store: FileRunStore, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def watched(name: str) -> Callable[..., object]:
        real: Callable[..., object] = getattr(os, name)

        def call(*args: object) -> object:
            calls.append(name)
            return real(*args)

        return call

    for name in ("fsync", "fdatasync", "replace"):
        monkeypatch.setattr(os, name, watched(name))
    FileArtifacts(layout).put(RUN, STEP, 1, "report", b"whole")
    assert calls[-3:] in (["fsync", "replace", "fsync"], ["fdatasync", "replace", "fsync"])


def test_a_store_keeps_itself_out_of_git(layout: Layout) -> None:
    layout.prepare()
    assert (layout.root / ".gitignore").read_text() == "*\n"
