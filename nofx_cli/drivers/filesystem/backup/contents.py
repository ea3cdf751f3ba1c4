"""What of a store goes into a backup, in an order in which nothing that is there refers to something that is not.

    notify/    how far events were told: first, so that it is behind the journals, and an event is told twice, not never
    runs/      all journals up to where they end at one look, each with the files of the attempts that it knows
    archive/   what models answered: behind the journals that name it
    format

A journal's length is read under its lock, so that a batch is in it whole and durable, or not at all. What is only
derived (queue, index, cache) is left out and made anew; so is what belongs to processes (workers, locks, scratch), to
the user's checkout (worktrees, edits in progress), and other backups.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup.journal_copy import JournalFacts, blocks_of, lines_of, read_facts, whole_size
from nofx_cli.drivers.filesystem.backup.manifest import KeptRun
from nofx_cli.drivers.filesystem.backup.packing import BackupWriter
from nofx_cli.drivers.filesystem.backup.secrets import SecretSearch
from nofx_cli.drivers.filesystem.flock import free
from nofx_cli.drivers.filesystem.journal_file import HEAD, JOURNAL, head_text, read_head
from nofx_cli.drivers.filesystem.layout import FORMAT, LOCK, Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.safety.paths import fault_of_name

NOTIFY, RUNS, ARCHIVE, FORMAT_FILE = "notify", "runs", "archive", "format"
FOLDERS = (NOTIFY, RUNS, ARCHIVE)
DERIVED = ("queue", "index", "cache")
_SCRATCH = "scratch"
_NOT_COPIED = frozenset({LOCK, JOURNAL, HEAD})
"""A lock, and what is written on its own."""
_MAKING = ".new-"
_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.01


@record
class JournalEnd:
    """How far a journal of a run reached, in bytes, and what was noted beside it then."""

    run: RunId
    folder: Path
    size: int
    noted: Head | None


class StoreCopy:
    """Copies a store into a backup that is being written. `runs` are those that are in it."""

    def __init__(self, layout: Layout, writer: BackupWriter, secrets: SecretSearch) -> None:
        self._layout, self._root = layout, layout.root
        self._writer, self._secrets = writer, secrets
        self.runs: list[KeptRun] = []

    def copy(self) -> None:
        """Copy everything.

        Raises:
            OSError: a file cannot be read or written.
        """
        self._copy_folder(NOTIFY)
        for end in list(journal_ends(self._layout)):
            with suppress(FileNotFoundError):  # taken away since
                self._copy_run(end)
        self._copy_folder(ARCHIVE)
        self._writer.add_bytes(FORMAT_FILE, f"{FORMAT}\n".encode())

    def _copy_folder(self, name: str) -> None:
        for path, size in _files(self._root / name):
            told = path.relative_to(self._root).as_posix()
            if path.name.startswith(".") or path.name.endswith("lock"):
                continue
            if not self._secrets.stands_in(path, size, told=told):
                self._writer.add(told, path, size)

    def _copy_run(self, end: JournalEnd) -> None:
        journal = os.open(end.folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
        try:
            whole = whole_size(journal, end.size)
            facts = read_facts(lines_of(blocks_of(journal, whole)))
        finally:
            os.close(journal)
        files = self._files_of(end.folder, facts)
        below = end.folder.relative_to(self._root).as_posix()
        if self._holds_secrets(end, whole, files, below=below):
            return
        self._writer.add_bytes(f"{below}/{HEAD}", head_text(facts.head))
        self._writer.add(f"{below}/{JOURNAL}", end.folder / JOURNAL, whole)
        digests = {}
        for name, size in files.items():
            if kept := self._writer.add(f"{below}/{name}", end.folder / name, size):
                digests[name] = kept.digest
        faults = [*facts.faults, *_tail_fault(facts, end.noted), *facts.file_faults(digests)]
        self.runs.append(KeptRun(end.run, facts.head.seq, facts.head.digest, tuple(faults)))

    def _holds_secrets(self, end: JournalEnd, whole: int, files: dict[str, int], *, below: str) -> bool:
        every = {JOURNAL: whole, **files}.items()
        found = [self._secrets.stands_in(end.folder / name, size, told=f"{below}/{name}") for name, size in every]
        return any(found)

    def _files_of(self, folder: Path, facts: JournalFacts) -> dict[str, int]:
        """The files of a run with their sizes.

        One that its journal vouches for may be written an instant later, by whoever made the run.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            every = ((path.relative_to(folder).as_posix(), size) for path, size in _files(folder, leave=_SCRATCH))
            found = {name: size for name, size in every if _is_of(name, facts)}
            is_young = time.time() - (folder / JOURNAL).stat().st_mtime < _PATIENCE_SECONDS
            if facts.vouched.keys() <= found.keys() or not is_young or time.monotonic() > deadline:
                return found
            time.sleep(_PAUSE_SECONDS)


def journal_ends(layout: Layout) -> Iterator[JournalEnd]:
    """Where all journals end, oldest run first, read in one go."""
    for run in reversed([*FileRunStore(layout).runs()]):
        folder = layout.run(run)
        with suppress(FileNotFoundError):
            fd = os.open(folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_SH)
                yield JournalEnd(run, folder, os.fstat(fd).st_size, read_head(folder))
            finally:
                free(fd)


def _is_of(name: str, facts: JournalFacts) -> bool:
    if name in facts.vouched:
        return True
    if name in _NOT_COPIED or name.rpartition("/")[2].startswith(_MAKING) or fault_of_name(name):
        return False
    return facts.has_begun(name)


def _tail_fault(facts: JournalFacts, noted: Head | None) -> Iterator[str]:
    if noted is not None and noted.seq > facts.head.seq:
        yield f"events {facts.head.seq + 1} to {noted.seq} are gone from its journal"


def _files(folder: Path, *, leave: str = "") -> Iterator[tuple[Path, int]]:
    """The regular files below a folder with their sizes, ordered; not those in its folder `leave`."""
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != leave or Path(above) != folder)
        for name in sorted(names):
            path = Path(above, name)
            with suppress(FileNotFoundError):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode):
                    yield path, found.st_size
