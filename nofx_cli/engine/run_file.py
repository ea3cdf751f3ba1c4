"""The file that `nofx export` writes: a tar archive in gzip, in which every byte counts.

    manifest.json                 {"nofx":"run","v":1,"run":…,"head":{…},…,"files":[{"path":…,"size":…,"sha256":…},…]}
    journal.jsonl  plan.yaml      as they lie in the run's folder, and so do all files below
    artifacts/… approvals/… logs/… snapshot.json
    archive.gz                    what models answered, as `nofx archive export` writes it; where the run asked one
    worktree.pack                 the objects of git that its worktree needs; where it has one

The gzip header has no name, no time, and as its comment the SHA-256 of everything behind it. So the same run makes the
same file (with the same zlib), and one changed byte anywhere is found before anything is unpacked. The members stand in
the order of the manifest and are nothing but plain files.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import JsonObject, RunId, is_run_id
from nofx_cli.domain.record import record
from nofx_cli.engine.run_file_packing import BLOCK, BadRunFile, Member, Packer, Unpacked, members_of, write_member
from nofx_cli.ports.carrying import CarriedFile, Contents, TreePack
from nofx_cli.safety.paths import fault_of_name

VERSION = 1
ARCHIVE = "archive.gz"
PACK = "worktree.pack"
OF_THE_RUN = frozenset({"journal.jsonl", "plan.yaml", "snapshot.json"})
FOLDERS = ("artifacts/", "approvals/", "logs/")
MOST_BYTES = 8 * 1024**3
"""So much a file may unpack to."""
MOST_FILES = 100_000
MOST_MANIFEST = 64 * 1024 * 1024
_MOST_IN_ALL = MOST_BYTES + 2048 * MOST_FILES + MOST_MANIFEST

_MANIFEST = "manifest.json"
_HEADER = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xffsha256:"
_START = len(_HEADER) + 64 + 1


class NewerRunFile(BadRunFile):
    """It has a format that this nofx does not know yet."""


@record
class Manifest:
    """What a file holds. `status`, `mode` and `commit` are told before anything else is read."""

    run: RunId
    head: Head
    status: str
    nofx: str
    mode: str
    commit: str
    files: tuple[CarriedFile, ...]
    trees: TreePack | None = None

    def file(self, path: str) -> CarriedFile | None:
        return next((file for file in self.files if file.path == path), None)


def write_run_file(target: BinaryIO, manifest: Manifest, contents: Contents) -> str:
    """Write the whole file to a place that can be sought in; returns its SHA-256.

    Raises:
        BadRunFile: a file is not what the manifest says of it.
        OSError: it cannot be written.
    """
    target.write(_HEADER + b"0" * 64 + b"\0")
    packer = Packer(target)
    text = json.dumps(_manifest_json(manifest), ensure_ascii=False, separators=(",", ":")).encode()
    write_member(packer, _MANIFEST, len(text), [text])
    for file, blocks in contents:
        write_member(packer, file.path, file.size, _counted(file, blocks))
    packer.finish()
    target.seek(len(_HEADER))
    target.write(packer.digest.encode())
    target.seek(0)
    return _digest_of(target)


def check_run_file(file: BinaryIO) -> None:
    """Hold the packed bytes against the digest in their header; nothing is unpacked.

    Raises:
        BadRunFile: they are not what was written.
    """
    file.seek(0)
    head = file.read(_START)
    if head[: len(_HEADER)] != _HEADER or head[_START - 1 :] != b"\0":
        raise BadRunFile("it is no file that `nofx export` wrote")
    if _digest_of(file).encode() != head[len(_HEADER) : _START - 1]:
        raise BadRunFile("its content is not what its digest says: it was changed, or cut off")


def read_run_file(file: BinaryIO) -> tuple[Manifest, Contents]:
    """The manifest and the files, one after the other; whether a file is whole shows when its bytes were read.

    Raises:
        BadRunFile: it is not what was written; also when the contents are gone through.
        NewerRunFile: a newer nofx wrote it.
    """
    file.seek(_START)
    members = members_of(Unpacked(file, most=_MOST_IN_ALL))
    name, size, blocks = next(members, ("", 0, iter(())))
    if name != _MANIFEST or size > MOST_MANIFEST:
        raise BadRunFile("it does not begin with a manifest")
    manifest = _manifest_of(b"".join(blocks))
    return manifest, _contents(manifest, members)


def _contents(manifest: Manifest, members: Iterator[Member]) -> Contents:
    for wanted in manifest.files:
        name, size, blocks = next(members, ("", 0, iter(())))
        if (name, size) != (wanted.path, wanted.size):
            raise BadRunFile(f"{wanted.path} should stand where {name or 'its end'} does")
        yield wanted, _counted(wanted, blocks)
    if next(members, None) is not None:
        raise BadRunFile("it holds more files than its manifest names")


def _counted(file: CarriedFile, blocks: Iterable[bytes]) -> Iterator[bytes]:
    sha, size = hashlib.sha256(), 0
    for block in blocks:
        sha.update(block)
        size += len(block)
        yield block
    if (size, sha.hexdigest()) != (file.size, file.digest):
        raise BadRunFile(f"{file.path} is not what the manifest says")


def _manifest_json(manifest: Manifest) -> JsonObject:
    trees = manifest.trees
    return {
        "nofx": "run",
        "v": VERSION,
        "run": manifest.run,
        "head": {"seq": manifest.head.seq, "digest": manifest.head.digest},
        "status": manifest.status,
        "by": f"nofx {manifest.nofx}",
        "workspace": {"mode": manifest.mode, "commit": manifest.commit},
        "trees": None if trees is None else {"base": trees.base, "refs": dict(sorted(trees.refs.items()))},
        "files": [{"path": file.path, "size": file.size, "sha256": file.digest} for file in manifest.files],
    }


def _manifest_of(data: bytes) -> Manifest:
    try:
        told = json.loads(data)
        if told["nofx"] != "run" or told["v"] == 0:
            raise BadRunFile("its manifest is not that of a run")
        if _number(told["v"]) > VERSION:
            raise NewerRunFile(f"it has format {told['v']}, and this nofx knows up to {VERSION}")
        trees = told["trees"]
        manifest = Manifest(
            run=RunId(_text(told["run"])),
            head=Head(_number(told["head"]["seq"]), _text(told["head"]["digest"])),
            status=_text(told["status"]),
            nofx=_text(told["by"]).removeprefix("nofx "),
            mode=_text(told["workspace"]["mode"]),
            commit=_text(told["workspace"]["commit"]),
            files=tuple(
                CarriedFile(_text(file["path"]), _number(file["size"]), _text(file["sha256"])) for file in told["files"]
            ),
            trees=trees and TreePack(_text(trees["base"]), {_text(k): _text(v) for k, v in trees["refs"].items()}),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        if isinstance(exc, BadRunFile):
            raise
        raise BadRunFile(f"its manifest cannot be read: {exc}") from exc
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if not is_run_id(manifest.run):
        raise BadRunFile(f"{manifest.run!r} is not the id of a run")
    paths = [file.path for file in manifest.files]
    if len(paths) > MOST_FILES or sum(file.size for file in manifest.files) > MOST_BYTES:
        raise BadRunFile(f"it holds more than {MOST_FILES} files or {MOST_BYTES} bytes")
    if len({path.casefold() for path in paths}) < len(paths):
        raise BadRunFile("it holds a file twice")
    for path in paths:
        if path not in OF_THE_RUN | {ARCHIVE, PACK} and not _may_be_carried(path):
            raise BadRunFile(f"{path!r} is no file of a run")
    if (manifest.trees is None) != (PACK not in paths):
        raise BadRunFile("the objects of its worktree and what it says of them do not fit")


def _may_be_carried(path: str) -> bool:
    """Whether it is a plain path below a folder that runs have files in; nothing that leads out, nothing hidden."""
    parts = path.split("/")
    return (
        path.startswith(FOLDERS)
        and fault_of_name(path) is None
        and "\\" not in path
        and all(part.strip() and part not in {".", ".."} and len(part.encode()) <= 255 for part in parts)
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no number")
    return value


def _digest_of(file: BinaryIO) -> str:
    """SHA-256 of what is left of a file."""
    sha = hashlib.sha256()
    while block := file.read(BLOCK):
        sha.update(block)
    return sha.hexdigest()
