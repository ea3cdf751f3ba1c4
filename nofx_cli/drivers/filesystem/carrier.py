"""Runs of a store on the filesystem as files that are taken away, and put there."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nofx_cli import errors
from nofx_cli.domain.codec import Head, decode_line
from nofx_cli.domain.ids import JsonObject, RunId, digest_of_bytes
from nofx_cli.drivers.filesystem.journal_file import HEAD, JournalFile, head_text, not_found
from nofx_cli.drivers.filesystem.layout import LOCK, Layout, fdatasync, told, write_all
from nofx_cli.drivers.filesystem.run_store import PLACE
from nofx_cli.ports.carrying import JOURNAL, LOGS, Contents

_NOTHING_TAKEN = "nothing was taken in; mend the cause and type it again"


class FileRunCarrier:
    """Implements `ports.carrying.RunCarrier`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def logs(self, run: RunId) -> list[str]:
        try:
            found = sorted(os.scandir(self._layout.run(run) / LOGS), key=lambda entry: entry.name)
        except FileNotFoundError:
            return []
        usual = [e.name for e in found if e.is_file(follow_symlinks=False) and not e.name.startswith(".")]
        return [f"{LOGS}/{name}" for name in usual]

    def open(self, run: RunId, path: str) -> BinaryIO:
        try:
            return open(self._layout.run(run) / path, "rb")
        except FileNotFoundError as exc:
            raise errors.NotFound(f"{path} of run {run} is gone", code="artifact-gone") from exc

    def install(self, run: RunId, files: Contents, *, place: JsonObject) -> None:
        self._layout.prepare()
        final = self._layout.run(run)
        making = final.with_name(f".new-{run}-{os.getpid()}-{threading.get_ident()}")
        with told(f"run {run} cannot be taken in", hint=_NOTHING_TAKEN):
            final.parent.mkdir(parents=True, exist_ok=True)
            making.mkdir()
            try:
                self._fill(making, files, place)
                _rename(making, final, run)
            finally:
                shutil.rmtree(making, ignore_errors=True)
            self._layout.fsync_folder(final.parent)
            self._layout.fsync_folder(final.parent.parent)

    def extend(self, run: RunId, files: Contents, lines: list[bytes], *, behind: Head) -> None:
        folder = self._layout.run(run)
        if not folder.is_dir():
            raise not_found(run)
        with told(f"run {run} cannot be brought forward", hint=_NOTHING_TAKEN):
            for file, blocks in files:
                if file.path != JOURNAL:
                    self._replace(folder / file.path, blocks)
        journal = JournalFile(self._layout, run, mask=None)
        try:
            journal.take_in(lines, behind=behind)
        finally:
            journal.close()

    def _fill(self, folder: Path, files: Contents, place: JsonObject) -> None:
        for file, blocks in files:
            self._write(folder / file.path, blocks)
        self._layout.write_durably(folder / PLACE, json.dumps(place, ensure_ascii=False).encode() + b"\n")
        last = _last_line(folder / JOURNAL)
        (folder / HEAD).write_bytes(head_text(Head(decode_line(last).seq, digest_of_bytes(last))))
        (folder / LOCK).touch()
        for below in {folder, *(path.parent for path in folder.rglob("*"))}:
            self._layout.fsync_folder(below)

    def _replace(self, target: Path, blocks: Iterator[bytes]) -> None:
        making = target.with_name(f".new-{target.name}"[:200])
        target.parent.mkdir(parents=True, exist_ok=True)
        making.unlink(missing_ok=True)
        self._write(making, blocks)
        os.replace(making, target)
        self._layout.fsync_folder(target.parent)

    def _write(self, path: Path, blocks: Iterator[bytes]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            for block in blocks:
                write_all(fd, block)
            if self._layout.sync:
                fdatasync(fd)
        finally:
            os.close(fd)


def _rename(making: Path, final: Path, run: RunId) -> None:
    try:
        making.rename(final)
    except OSError as exc:
        if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise errors.Conflict(f"there is a run {run} already", code="run-exists", hint="type it again") from exc


def _last_line(path: Path) -> bytes:
    return path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
