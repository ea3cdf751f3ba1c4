"""Every driver of `Archive` under the one contract."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.drivers.filesystem.archive import FileArchive
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.memory.archive import MemoryArchive
from nofx_cli.ports.archive import Archive
from nofx_cli.safety.masking import Masker
from nofx_cli.testing.archive import ArchiveContract, SharedArchiveContract
from nofx_cli.testing.archive_case import asked, put, said


def open_files(place: Path, masker: Masker) -> Archive:
    return FileArchive(Layout(place, sync=False), masker)


def open_memory(place: Path, masker: Masker) -> Archive:
    return MemoryArchive(masker)


def file_of(place: Path, request: str) -> Path:
    return place / "archive" / request[:2] / f"{request}.json"


class TestFiles(SharedArchiveContract):
    open_archive = staticmethod(open_files)

    @staticmethod
    def bytes_of(archive: Archive, place: Path, request: str) -> bytes:
        return file_of(place, request).read_bytes()

    @staticmethod
    def spoil(archive: Archive, place: Path, request: str, data: bytes) -> None:
        file_of(place, request).write_bytes(data)

    def test_an_entry_is_one_file_by_the_digest_of_its_request(self, archive: Archive, place: Path) -> None:
        exchange = put(archive)
        put(archive, said("again"))
        path = file_of(place, exchange.request)
        assert [found for found in place.rglob("*") if found.is_file() and found.suffix == ".json"] == [path]
        assert [found.name for found in path.parent.iterdir() if not found.name.startswith(".lock")] == [path.name]

    def test_what_does_not_belong_there_is_told_and_hides_nothing(self, archive: Archive, place: Path) -> None:
        sound = put(archive)
        path = file_of(place, sound.request)
        (path.parent / "notes.txt").write_text("mine")
        os.mkfifo(path.parent / ("0" * 64 + ".json"))
        strange = place / "archive" / ("00" if sound.request[:2] != "00" else "01")
        strange.mkdir()
        (strange / path.name).write_bytes(path.read_bytes())
        (place / "archive" / "README").write_text("not looked at")
        told = {(line.request, line.fault) for line in archive.entries() if line.fault}
        assert told == {
            ("notes.txt", f"notes.txt is no entry of {sound.request[:2]}/"),
            ("0" * 64, "it cannot be read: it is no regular file"),
            (sound.request, f"{path.name} is no entry of {strange.name}/"),
        }
        assert list(archive.requests()) == [sound.request]
        archive.remove_damaged()
        assert (path.parent / "notes.txt").read_text() == "mine"
        assert (strange / path.name).exists()

    def test_what_a_writer_left_that_died_is_in_nobody_s_way(self, archive: Archive, place: Path) -> None:
        exchange = put(archive)
        path = file_of(place, exchange.request)
        path.with_name(f".new-{path.name}").write_bytes(b"half an ent")
        assert [line.fault for line in archive.entries()] == [""]
        last = put(archive, said("more"))
        assert archive.newest(exchange.request) == last
        assert not path.with_name(f".new-{path.name}").exists()

    @pytest.mark.parametrize("call", ["write", "replace", "fsync", "fdatasync"])
    def test_a_full_disk_is_told_and_takes_nothing_away(
        self, place: Path, call: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = FileArchive(Layout(place, sync=True))
        before = put(archive)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            with pytest.raises(errors.StoreFailure, match="the archive cannot be written: the disk is full"):
                put(archive, said("more"))
        assert archive.newest(before.request) is not None
        assert archive.show(before.request)[1][0] == before
        assert not list(place.rglob(".new-*"))
        assert put(archive, said("once more")) == archive.newest(before.request)

    def test_all_of_an_answer_is_durable_before_its_name_is(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[str] = []
        archive = FileArchive(Layout(place, sync=True))
        put(archive)

        def noted(name: str) -> Callable[..., object]:
            real = getattr(os, name)

            def call(*args: object) -> object:
                calls.append(name)
                return real(*args)

            return call

        for name in ("fdatasync", "replace", "fsync"):
            monkeypatch.setattr(os, name, noted(name))
        put(archive, said("more"))
        assert calls == ["fdatasync", "replace", "fsync"]

    def test_nothing_waits_for_the_disk_where_that_is_switched_off(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(*_: object) -> None:
            pytest.fail("it waited for the disk")

        monkeypatch.setattr(os, "fsync", never)
        monkeypatch.setattr(os, "fdatasync", never)
        put(archive, request=asked("new"))


class TestMemory(ArchiveContract):
    open_archive = staticmethod(open_memory)

    @staticmethod
    def bytes_of(archive: Archive, place: Path, request: str) -> bytes:
        assert isinstance(archive, MemoryArchive)
        return archive.content(request)

    @staticmethod
    def spoil(archive: Archive, place: Path, request: str, data: bytes) -> None:
        assert isinstance(archive, MemoryArchive)
        archive.spoil(request, data)
