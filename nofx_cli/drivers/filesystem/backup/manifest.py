"""What a backup says of itself: a summary, the head of every run, and size, mode and SHA-256 of every file.

The manifest is the last file of the archive. Its own SHA-256 is the digest of the backup: it covers all the others.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from nofx_cli.domain.record import record

VERSION = 1
MANIFEST = "manifest.json"
LONGEST_NOTE = 500


@record
class KeptFile:
    """A file of a backup: its path below the store with `/`, its size in bytes, its mode and its SHA-256."""

    path: str
    size: int
    mode: int
    digest: str


@record
class KeptRun:
    """A run, with the head of its journal. `faults` is what was wrong with it in the store when it was copied."""

    run: str
    seq: int
    head: str
    faults: tuple[str, ...] = ()


@record
class Summary:
    """What can be told of a backup without unpacking it.

    Attributes:
        at: when it was begun.
        host: the machine on which it was made.
        automatic: it was made by a restore, of the store that was about to be replaced.
        left_out: how many runs and entries of the archive it lacks because a secret stood in them.
        bytes: of all its files, unpacked.
    """

    id: str
    at: str
    nofx: str
    host: str
    note: str
    automatic: bool
    runs: int
    files: int
    bytes: int
    left_out: int = 0


@record
class Manifest:
    """The whole of it."""

    summary: Summary
    runs: tuple[KeptRun, ...]
    files: tuple[KeptFile, ...]


def encode_manifest(manifest: Manifest) -> bytes:
    """One JSON object, one line for every run and file, so that a person can read and compare it."""
    head = {"kind": "nofx-backup", "v": VERSION, **asdict(manifest.summary)}
    text = json.dumps(head, indent=1).removesuffix("\n}")
    runs = ",\n  ".join(json.dumps([one.run, one.seq, one.head, list(one.faults)]) for one in manifest.runs)
    files = ",\n  ".join(json.dumps([one.path, one.size, one.mode, one.digest]) for one in manifest.files)
    return f'{text},\n "kept_runs": [\n  {runs}\n ],\n "kept_files": [\n  {files}\n ]\n}}\n'.encode()


def decode_manifest(data: bytes) -> Manifest:
    """Read it.

    Raises:
        ValueError: it is none of this version.
    """
    try:
        found = json.loads(data)
        runs = tuple(KeptRun(run, seq, head, tuple(faults)) for run, seq, head, faults in found["kept_runs"])
        files = tuple(KeptFile(*file) for file in found["kept_files"])
        return Manifest(summary_of(found), runs, files)
    except (KeyError, TypeError, RecursionError) as exc:
        raise ValueError(f"it lacks {exc}") from exc


def summary_of(found: Mapping[str, Any]) -> Summary:
    """The summary among the fields of an object.

    Raises:
        ValueError: a field is missing, or is not of its type.
    """
    values: dict[str, Any] = {}
    for each in fields(Summary):
        value = found.get(each.name)
        if type(value) is not each.type:
            raise ValueError(f"`{each.name}` is {value!r}")
        values[each.name] = value
    return Summary(**values)
