"""The record of changes that are being applied, or were: in the store, a folder for each workspace.

    edits/<workspace>/lock              held while anything is applied or taken back
    edits/<workspace>/workspace         the path of the workspace
    edits/<workspace>/staging           a file before it is put in place
    edits/<workspace>/<work>/old.<n>    what the n-th file held; none where there was no file
    edits/<workspace>/<work>/record.json

A folder of a work without `record.json` is of somebody who died before anything was changed.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path

from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.record import record
from nofx_cli.handlers.edits.change_set import ChangeSet
from nofx_cli.handlers.edits.durable import put_file, remove_folder
from nofx_cli.handlers.edits.present_file import NoText, read_present
from nofx_cli.safety.paths import sync_folder, write_synced

FOLDER = "edits"
APPLYING, APPLIED = "applying", "applied"
MOST_KEPT = 16
"""So many works that were applied whole are remembered of a workspace."""
_VERSION = 1
_RECORD = "record.json"


class Stand(Enum):
    """What a file is, compared with what it was and what it was to become."""

    OLD = auto()
    NEW = auto()
    OTHER = auto()


@record
class RecordedFile:
    """One file: digests and modes before and after. A digest is None where there is no file."""

    path: str
    old: str | None
    new: str | None
    old_mode: int | None
    mode: int | None


@record
class Record:
    """Changes of one work. `pid` is that of the process that made them."""

    work: str
    state: str
    files: tuple[RecordedFile, ...]
    made_folders: tuple[str, ...]
    pid: int


def recorded(change_set: ChangeSet, workspace: Path, work: str) -> Record:
    """A record of changes that are about to be made."""
    files = tuple(
        RecordedFile(change.path, _digest(change.old), _digest(change.new), change.old_mode, change.mode)
        for change in change_set.changes
    )
    above = {folder for change in change_set.changes if change.new is not None for folder in Path(change.path).parents}
    made = sorted(str(folder) for folder in above if not (workspace / folder).exists())
    return Record(work, APPLYING, files, tuple(made), os.getpid())


def stand_of(workspace: Path, file: RecordedFile) -> Stand:
    """What a file is now. One that is reached through a link by now is another."""
    place = workspace / file.path
    if os.path.realpath(place.parent) != str(place.parent):
        return Stand.OTHER
    try:
        present = read_present(place)
    except (NoText, OSError):
        return Stand.OTHER
    digest = None if present is None else _digest(present.data)
    if file.old == file.new:  # only the mode changes
        is_old = present is not None and present.mode == file.old_mode
        return Stand.OTHER if digest != file.old else Stand.OLD if is_old else Stand.NEW
    return Stand.OLD if digest == file.old else Stand.NEW if digest == file.new else Stand.OTHER


class Journal:
    """The records of one workspace."""

    def __init__(self, workspace: Path, folder: Path) -> None:
        self.workspace = workspace
        self.folder = folder

    @property
    def staging(self) -> Path:
        return self.folder / "staging"

    def make(self) -> None:
        """Make the folder, and note which workspace it is of."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "workspace").exists():
            (self.folder / "workspace").write_bytes(os.fsencode(self.workspace))
            sync_folder(self.folder.parent)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until nobody else applies or takes back; held until this process leaves it or dies."""
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def keep(self, made: Record, contents: Sequence[bytes | None]) -> None:
        """Keep old contents, then the record; from then on it can be taken back. What was kept of this work is gone."""
        folder = self._folder(made.work)
        (folder / _RECORD).unlink(missing_ok=True)
        remove_folder(folder)
        folder.mkdir()
        for number, content in enumerate(contents):
            if content is not None:
                write_synced(folder / f"old.{number}", content, 0o600)
        sync_folder(folder)
        sync_folder(self.folder)
        self._write(made)

    def finish(self, made: Record) -> None:
        """All is in place: it stays, and is remembered where somebody may do the work again."""
        if made.work:
            self.keep_state(made, APPLIED)
        else:
            self.drop(made)

    def keep_state(self, made: Record, state: str) -> None:
        self._write(replace(made, state=state))

    def drop(self, made: Record) -> None:
        """Forget it: the record first, for without one the rest means nothing."""
        folder = self._folder(made.work)
        (folder / _RECORD).unlink(missing_ok=True)
        sync_folder(folder)
        remove_folder(folder)

    def read(self, work: str) -> Record | None:
        return _read(self._folder(work) / _RECORD)

    def records(self) -> list[Record]:
        """All that are kept; those of who died before anything was changed are cleared away."""
        found = []
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            kept = _read(folder / _RECORD)
            if kept is None:
                remove_folder(folder)
            else:
                found.append(kept)
        return found

    def old_content(self, made: Record, number: int) -> bytes:
        return (self._folder(made.work) / f"old.{number}").read_bytes()

    def sweep(self, made: Record) -> None:
        """Remove what `replace_file` left beside files when it died, where files could not be put in place at once."""
        for folder in {(self.workspace / file.path).parent for file in made.files}:
            for left in folder.glob(f".nofx-{made.pid}-*.tmp"):
                left.unlink(missing_ok=True)

    def prune(self) -> None:
        """Forget the oldest works that were applied, and workspaces that are gone."""
        works = [folder for folder in self.folder.iterdir() if folder.is_dir()]
        works.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        for folder in works[MOST_KEPT:]:
            remove_folder(folder)
        for other in self.folder.parent.iterdir():
            if other != self.folder and _is_of_nothing(other):
                remove_folder(other)

    def _folder(self, work: str) -> Path:
        return self.folder / digest_of_bytes(work.encode("utf-8", "surrogateescape"))[:32]

    def _write(self, made: Record) -> None:
        files = [[file.path, file.old, file.new, file.old_mode, file.mode] for file in made.files]
        content = {
            "v": _VERSION,
            "work": made.work,
            "state": made.state,
            "pid": made.pid,
            "made_folders": made.made_folders,
            "files": files,
        }
        put_file(self._folder(made.work) / _RECORD, json.dumps(content).encode(), 0o600, staging=self.staging)


def journal_of(workspace: Path, store: Path) -> Journal:
    """The records of a workspace; nothing is made."""
    real = workspace.resolve()
    return Journal(real, store / FOLDER / digest_of_bytes(os.fsencode(real))[:32])


def _digest(data: bytes | None) -> str | None:
    return None if data is None else digest_of_bytes(data)


def _read(place: Path) -> Record | None:
    try:
        content = json.loads(place.read_bytes())
    except FileNotFoundError:
        return None
    files = tuple(RecordedFile(*file) for file in content["files"])
    return Record(content["work"], content["state"], files, tuple(content["made_folders"]), content["pid"])


def _is_of_nothing(folder: Path) -> bool:
    """Whether the workspace of a folder is gone, and nothing has to be taken back in it should it come again."""
    with suppress(OSError, ValueError):
        workspace = os.fsdecode((folder / "workspace").read_bytes())
        kept = [_read(path / _RECORD) for path in folder.iterdir() if path.is_dir()]
        return not os.path.exists(workspace) and all(one is None or one.state == APPLIED for one in kept)
    return False
