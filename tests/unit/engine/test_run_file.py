"""The file of an exported run: every byte counts, and nothing in it says where to write."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import RunId
from nofx_cli.engine import run_file
from nofx_cli.engine.run_file import Manifest, NewerRunFile, check_run_file, read_run_file, write_run_file
from nofx_cli.engine.run_file_packing import BadRunFile
from nofx_cli.ports.carrying import CarriedFile, TreePack

RUN = RunId("20261122-091530-7k3f9q")
FILES = {
    "journal.jsonl": b'{"a":1}\n', "plan.yaml": b"steps: []\n", "logs/a.1.log": b"", "artifacts/a/1/bü": b"x" * 700,
}  # fmt: skip
V1 = Path(__file__).resolve().parents[2] / "fixtures" / "exports" / "v1" / "run.nofx.tgz"


def carried(files: Mapping[str, bytes]) -> tuple[CarriedFile, ...]:
    return tuple(CarriedFile(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items())


def manifest(files: Mapping[str, bytes], trees: TreePack | None = None) -> Manifest:
    return Manifest(RUN, Head(1, "ab" * 32), "waiting", "0.1.0", "in_place", "", carried(files), trees)


def written(files: Mapping[str, bytes] = FILES, trees: TreePack | None = None) -> bytes:
    target = io.BytesIO()
    told = manifest(files, trees)
    write_run_file(target, told, ((file, iter([files[file.path]])) for file in told.files))
    return target.getvalue()


def read(data: bytes) -> tuple[Manifest, dict[str, bytes]]:
    file = io.BytesIO(data)
    check_run_file(file)
    found, contents = read_run_file(file)
    return found, {file.path: b"".join(blocks) for file, blocks in contents}


def forged(members: Iterable[tuple[tarfile.TarInfo | str, bytes]], *, behind: bytes = b"") -> bytes:
    """A file whose digests are right, whatever it holds."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as writer:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    plain = tar.getvalue().rstrip(b"\0")
    plain += b"\0" * (-len(plain) % 512) + b"\0" * 1024 + behind
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(plain) + packer.flush()
    body += zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    header = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xffsha256:" + hashlib.sha256(body).hexdigest().encode() + b"\0"
    return header + body


def manifest_text(**other: Any) -> bytes:
    return json.dumps({
        "nofx": "run", "v": 1, "run": RUN, "head": {"seq": 1, "digest": "ab" * 32}, "status": "waiting",
        "by": "nofx 0.1.0", "workspace": {"mode": "in_place", "commit": ""}, "trees": None, "files": [], **other,
    }).encode()  # fmt: skip


def entry(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_what_was_written_is_read() -> None:
    found, files = read(written())
    assert files == FILES
    assert found == manifest(FILES)


def test_the_same_run_makes_the_same_bytes_and_any_tar_reads_them() -> None:
    assert written() == written()
    with tarfile.open(fileobj=io.BytesIO(written())) as tar:
        assert tar.getnames() == ["manifest.json", *FILES]
        assert {info.mtime for info in tar} == {0}


def test_objects_of_a_worktree_go_with_it() -> None:
    pack = TreePack("12" * 20, {f"refs/nofx/{RUN}/a/1": "34" * 20})
    files = {**FILES, "worktree.pack": b"PACK"}
    found, _ = read(written(files, pack))
    assert found.trees == pack


def test_a_file_that_changes_while_it_is_written_is_noticed() -> None:
    told = manifest(FILES)
    with pytest.raises(BadRunFile, match=r"journal.jsonl is not what the manifest says"):
        write_run_file(io.BytesIO(), told, ((file, iter([b"other"])) for file in told.files))


class TestDamage:
    def test_one_changed_byte_anywhere(self) -> None:
        data = written()
        for place in range(len(data)):
            with pytest.raises(BadRunFile):
                read(data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :])

    def test_a_file_that_was_cut_off_anywhere(self) -> None:
        data = written()
        for end in range(len(data)):
            with pytest.raises(BadRunFile):
                read(data[:end])

    def test_something_behind_its_end(self) -> None:
        with pytest.raises(BadRunFile, match="its content is not what its digest says"):
            read(written() + b"\0")

    def test_another_gzip_file(self) -> None:
        import gzip

        with pytest.raises(BadRunFile, match="it is no file that `nofx export` wrote"):
            read(gzip.compress(b"something"))


BAD_PATHS = (
    "../journal.jsonl", "/etc/passwd", "logs/../../x", "artifacts/a//b", "artifacts/./b", "logs/", "executor.lock",
    "head", "place.json", "scratch/x", "artifacts/.git/hooks/pre-commit", "artifacts/a\\..\\b", "artifacts/a\nb", "",
    "artifacts/" + "x" * 256, "runs/other/journal.jsonl", "manifest.json",
)  # fmt: skip


class TestForged:
    """Its digests are right; who made it can make them."""

    @pytest.mark.parametrize("path", BAD_PATHS)
    def test_a_path_that_leads_elsewhere(self, path: str) -> None:
        told = manifest_text(files=[entry(path, b"x")])
        with pytest.raises(BadRunFile, match="is no file of a run"):
            read(forged([("manifest.json", told), (path or "x", b"x")]))

    def test_a_link_in_the_place_of_a_file(self) -> None:
        link = tarfile.TarInfo("logs/a.1.log")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        told = manifest_text(files=[entry("logs/a.1.log", b"")])
        with pytest.raises(BadRunFile, match="is no plain file"):
            read(forged([("manifest.json", told), (link, b"")]))

    def test_a_file_that_the_manifest_does_not_name(self) -> None:
        with pytest.raises(BadRunFile, match="holds more files than its manifest names"):
            read(forged([("manifest.json", manifest_text()), ("logs/a.1.log", b"x")]))

    def test_a_file_that_the_manifest_names_and_is_not_there(self) -> None:
        told = manifest_text(files=[entry("logs/a.1.log", b"x")])
        with pytest.raises(BadRunFile, match=r"logs/a.1.log should stand where its end does"):
            read(forged([("manifest.json", told)]))

    def test_another_content_than_the_manifest_says(self) -> None:
        told = manifest_text(files=[entry("logs/a.1.log", b"x")])
        with pytest.raises(BadRunFile, match=r"logs/a.1.log is not what the manifest says"):
            read(forged([("manifest.json", told), ("logs/a.1.log", b"y")]))

    def test_two_files_that_some_file_systems_take_for_one(self) -> None:
        told = manifest_text(files=[entry("logs/a.1.log", b"x"), entry("logs/A.1.log", b"x")])
        with pytest.raises(BadRunFile, match="holds a file twice"):
            read(forged([("manifest.json", told), ("logs/a.1.log", b"x"), ("logs/A.1.log", b"x")]))

    def test_something_behind_the_last_file(self) -> None:
        with pytest.raises(BadRunFile, match="something stands behind its last file"):
            read(forged([("manifest.json", manifest_text())], behind=b"x" * 600))

    def test_a_newer_format_is_told_as_that(self) -> None:
        with pytest.raises(NewerRunFile, match="it has format 2, and this nofx knows up to 1"):
            read(forged([("manifest.json", manifest_text(v=2))]))

    @pytest.mark.parametrize(
        "other",
        [
            {"run": "../../evil"}, {"run": 7}, {"head": {"seq": -1, "digest": ""}}, {"files": [{"path": "plan.yaml"}]},
            {"files": [{"path": "plan.yaml", "size": True, "sha256": ""}]}, {"nofx": "archive"}, {"trees": []},
            {"trees": {"base": "", "refs": {}}}, {"workspace": None},
            {"v": True}, {"v": 0}, {"v": -1},
        ],
    )  # fmt: skip
    def test_a_manifest_that_is_none(self, other: dict[str, Any]) -> None:
        with pytest.raises(BadRunFile):
            read(forged([("manifest.json", manifest_text(**other))]))

    def test_more_than_may_be_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run_file, "_MOST_IN_ALL", 1_000_000)
        with pytest.raises(BadRunFile, match="it unpacks to more than 1000000 bytes"):
            read(forged([("manifest.json", b" " * 3_000_000)]))

    def test_more_than_a_run_may_have(self) -> None:
        files = [{"path": "logs/a.1.log", "size": run_file.MOST_BYTES, "sha256": ""}, entry("plan.yaml", b"x")]
        with pytest.raises(BadRunFile, match="it holds more than"):
            read(forged([("manifest.json", manifest_text(files=files))]))


def test_a_file_of_version_1_is_read_whatever_zlib_packs_now() -> None:
    data = V1.read_bytes()
    assert hashlib.sha256(data).hexdigest() == "a036d2320fdeba54ca322da5053ea271068644755af4eca586e37c4a775639c6"
    found, files = read(data)
    run = RunId("20261122-231153-4bb64s")
    assert (found.run, found.head.seq, found.status, found.mode) == (run, 13, "waiting", "worktree")
    assert found.trees == TreePack(
        "f13faafe4bd0ebf6f006ea4b3db53751e63fb5e0",
        {f"refs/nofx/{run}/notes/1": "41b8c7388bb00324f5655c38cffc6b75b41c4839"},
    )
    assert [*files][2:] == [
        "approvals/c9c4a72a09459130c4daa104c66d43dffe9998b3e8cdbaf4ce2b92f0b3f4316c.json",
        "artifacts/build/1/büro.txt", "logs/build.1.log", "logs/notes.1.log", "worktree.pack",
    ]  # fmt: skip
    again = io.BytesIO()
    write_run_file(again, replace(found), ((file, iter([files[file.path]])) for file in found.files))
    assert read(again.getvalue()) == (found, files)
