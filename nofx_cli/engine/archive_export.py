"""Write answers of the archive to a file, all of them or what some runs need."""

import os
from collections.abc import Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.exchanges import Entry
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.engine.archive_file import ArchiveWriter
from nofx_cli.engine.archive_needs import Needs, needs_of
from nofx_cli.ports.archive import Archive
from nofx_cli.ports.journal import RunStore


@record
class Exported:
    """What was written.

    Attributes:
        bytes: of the file.
        missing: answers that the runs need and the archive does not have.
        damaged: entries that cannot be read, and were left out.
    """

    path: str
    requests: int
    answers: int
    bytes: int
    missing: int = 0
    damaged: int = 0


def export_archive(
    archive: Archive, store: RunStore, path: Path, *, runs: Sequence[RunId] = (), force: bool = False
) -> Exported:
    """Write the file, whole or not at all.

    Args:
        runs: whose answers are written; none: all answers of the archive.
        force: replace a file that is there.

    Raises:
        errors.Conflict: there is a file (code `file-exists`), or a run's journal cannot be read (`journal-damaged`).
        errors.UsageError: it cannot be written there (code `output-unwritable`).
    """
    check_target(path, force=force)
    writer, missing, damaged = _collected(archive, store, runs)
    data = writer.finish()
    _write(path, data)
    return Exported(str(path), writer.contents.requests, writer.contents.answers, len(data), missing, damaged)


def answers_of(archive: Archive, store: RunStore, runs: Sequence[RunId]) -> tuple[bytes, int]:
    """The same file in memory, and how many answers the archive lacks or cannot read that the runs need.

    Raises:
        errors.Conflict: a run's journal cannot be read (code `journal-damaged`).
    """
    writer, missing, _ = _collected(archive, store, runs)
    return writer.finish(), missing


def _collected(archive: Archive, store: RunStore, runs: Sequence[RunId]) -> tuple[ArchiveWriter, int, int]:
    """What is to be written, how many answers are missing, and how many entries are damaged."""
    needs = needs_of(store, runs) if runs else None
    if needs is not None and needs.damaged:
        raise unreadable(needs, "so nobody knows which answers they need")
    writer, damaged = ArchiveWriter(), 0
    found: set[tuple[str, str]] = set()
    for request in archive.requests():
        try:
            entry = chosen(archive.entry(request), needs)
        except errors.NotFound:  # taken away since it was listed
            continue
        except errors.Conflict:
            damaged += 1
            continue
        if entry.exchanges:
            writer.add(entry)
            found.update((exchange.request, exchange.answer) for exchange in entry.exchanges)
    return writer, len(needs.answers - found) if needs is not None else 0, damaged


def chosen(entry: Entry, needs: Needs | None) -> Entry:
    """The entry with those of its answers that are needed; None needs all."""
    if needs is None:
        return entry
    return entry.without([exchange for exchange in entry.exchanges if not needs.includes(exchange)])


def unreadable(needs: Needs, why: str) -> errors.Conflict:
    """Nobody knows what a run needs whose journal cannot be read."""
    first = needs.damaged[0]
    others = f" and those of {len(needs.damaged) - 1} more" if len(needs.damaged) > 1 else ""
    return errors.Conflict(
        f"the journal of run {first}{others} cannot be read, {why}",
        code="journal-damaged",
        hint=f"nofx verify {first}",
        context={"runs": needs.damaged},
    )


def check_target(path: Path, *, force: bool) -> None:
    """See that a file can be written, before anything is done; raises as `export_archive`."""
    if os.path.lexists(path) and not (force and path.is_file()):
        raise errors.Conflict(
            f"{path} is there already",
            code="file-exists",
            hint="write elsewhere, or give --force to replace it" if path.is_file() else "write elsewhere",
        )
    if not path.parent.is_dir():
        raise errors.UsageError(
            f"{path} cannot be written: there is no folder {path.parent}",
            code="output-unwritable",
            hint="make the folder, or write elsewhere",
        )


def _write(path: Path, data: bytes) -> None:
    from nofx_cli.safety.paths import replace_file

    try:
        replace_file(path, data)
    except errors.NofxError as exc:
        raise errors.UsageError(exc.message, code="output-unwritable") from exc
