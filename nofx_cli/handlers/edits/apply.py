"""A set of changes is written so that whoever dies in the middle leaves nothing that cannot be taken back.

Several files cannot be replaced in one step, so between the first and the last a reader sees some as they were and
others as they will be; each file is one or the other as a whole, never torn. A record in the store says that this is
so. All who write edits into a workspace hold its lock, which the kernel frees however they die; so a record that says
`applying`, seen by who has the lock, is of somebody dead.

    lock taken ─▶ left-overs of the dead taken back ─▶ files are what they were planned on, else Conflict
      │                                                                  ✗ crash: nothing is changed
      ▼
    old contents kept, then the record: `applying`                       ✗ crash: nothing is changed
      │
      ▼
    files put in place one by one, then what goes is removed             ✗ crash: `settle` puts the old ones back
      │                                                                  ✗ error (full disk): the same, at once
      ▼
    the record: `applied`                                                ✗ crash: `settle` of the same work puts the
      │                                                                    old ones back, so that it is done again
      ▼                                                                    from the same state, with the same outcome
    lock free

An attempt that was cut off simply runs again. It settles before it looks at anything, so it asks the model the same
question, finds the same answer in the archive and makes the same changes: whether the one before died early, late, or
after the last change and before its outcome was committed. Who passes no `work` keeps no record of what is applied.

Taken back is only what is as we left it. A file that somebody changed since is left to them; of work that was applied
whole, nothing is taken back then.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.handlers.edits.apply_record import (
    APPLIED,
    APPLYING,
    Journal,
    Record,
    RecordedFile,
    Stand,
    journal_of,
    recorded,
    stand_of,
)
from nofx_cli.handlers.edits.change_set import ChangeSet
from nofx_cli.handlers.edits.durable import put_file, remove_file


def settle(workspace: Path, *, store: Path, work: str = "") -> tuple[str, ...]:
    """Take back what a process left half done in the workspace, and what this very work had done before it was cut off.

    To be called before anything of the workspace is read. Where nothing was left it writes nothing.

    Args:
        work: what names the work: the same for an attempt that is made again because it was cut off, another for any
            that is made for another reason.

    Returns:
        What was done, one sentence each.

    Raises:
        errors.StoreFailure: it could not be taken back; code `edit-unsettled`.
    """
    journal = journal_of(workspace, store)
    if not journal.folder.is_dir():
        return ()
    with journal.locked(), _told(workspace):
        notes = _take_back_half_done(journal)
        found = journal.read(work) if work else None
        if found is not None:
            notes += _take_back_applied(journal, found)
        journal.prune()
    return tuple(notes)


def apply_changes(change_set: ChangeSet, workspace: Path, *, store: Path, work: str = "") -> None:
    """Make all changes, or none. An empty set changes nothing.

    Args:
        work: as for `settle`; empty where nobody will do it again.

    Raises:
        errors.Conflict: a file is not what the changes were planned on (code `workspace-changed`).
        errors.StoreFailure: a file could not be written, all are as before (code `write-failed`), or could not be put
            back either (code `edit-unsettled`; `settle` will try again).
    """
    if change_set.is_empty:
        return
    journal = journal_of(workspace, store)
    journal.make()
    with journal.locked():
        with _told(workspace):
            _take_back_half_done(journal)
        _check_unchanged(change_set, journal.workspace)
        record = recorded(change_set, journal.workspace, work)
        try:
            journal.keep(record, [change.old for change in change_set.changes])
            _write_all(change_set, journal)
            journal.finish(record)
        except OSError as exc:
            with _told(workspace):
                _take_back(journal, record)
            raise errors.StoreFailure(
                f"the changes could not be written: {exc.strerror}; all files are as before",
                code="write-failed",
                context={"path": str(exc.filename or workspace)},
            ) from exc


def _check_unchanged(change_set: ChangeSet, workspace: Path) -> None:
    for change, file in zip(change_set.changes, recorded(change_set, workspace, "").files, strict=True):
        if stand_of(workspace, file) is not Stand.OLD:
            raise errors.Conflict(
                f"{change.path} was changed while the answer was read; nothing was written",
                code="workspace-changed",
                hint="run the step again when nobody else works on that file",
                context={"path": change.path},
            )


def _write_all(change_set: ChangeSet, journal: Journal) -> None:
    """What comes is put in place before what goes is removed, so that what is renamed is never nowhere."""
    for change in change_set.changes:
        if change.new is not None:
            place = journal.workspace / change.path
            place.parent.mkdir(parents=True, exist_ok=True)
            put_file(place, change.new, change.mode, staging=journal.staging)
    for change in change_set.changes:
        if change.new is None:
            remove_file(journal.workspace / change.path)


def _take_back_half_done(journal: Journal) -> list[str]:
    notes: list[str] = []
    for record in journal.records():
        if record.state == APPLYING:
            notes += _take_back(journal, record)
    return notes


def _take_back_applied(journal: Journal, record: Record) -> list[str]:
    if record.state != APPLIED:
        return []
    if any(stand_of(journal.workspace, file) is not Stand.NEW for file in record.files):
        journal.drop(record)
        return ["the changes of the attempt before stay as they are: files were changed since"]
    journal.keep_state(record, APPLYING)
    return _take_back(journal, record)


def _take_back(journal: Journal, record: Record) -> list[str]:
    """Put the old contents back, in the reverse order; doing it again after a crash comes to the same."""
    notes = ["what was changed by an attempt that was cut off was taken back"]
    for number, file in reversed(list(enumerate(record.files))):
        match stand_of(journal.workspace, file):
            case Stand.OTHER:
                notes.append(f"{file.path} stays as it is: somebody changed it since")
            case Stand.NEW:
                _put_back(journal, record, number, file)
            case Stand.OLD:
                pass
    _remove_made_folders(journal.workspace, record.made_folders)
    journal.sweep(record)
    journal.drop(record)
    return notes


def _put_back(journal: Journal, record: Record, number: int, file: RecordedFile) -> None:
    place = journal.workspace / file.path
    if file.old is None:
        remove_file(place)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        put_file(place, journal.old_content(record, number), file.old_mode, staging=journal.staging)


def _remove_made_folders(workspace: Path, folders: Sequence[str]) -> None:
    for folder in sorted(folders, key=len, reverse=True):
        with suppress(OSError):  # somebody has put something there
            os.rmdir(workspace / folder)


@contextmanager
def _told(workspace: Path) -> Iterator[None]:
    """Tells what keeps an edit from being taken back."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise errors.StoreFailure(
            f"an edit that was cut off could not be taken back in {workspace}: {exc}",
            code="edit-unsettled",
            hint="mend that, and go on with the run: it is tried again",
            context={"path": str(workspace)},
        ) from exc
