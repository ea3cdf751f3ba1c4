"""Backups of the store that a command works with."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup import creating, restoring, shelf
from nofx_cli.drivers.filesystem.backup.checking import Checked, check
from nofx_cli.drivers.filesystem.backup.creating import BACKUPS, Created, CreateOrder
from nofx_cli.drivers.filesystem.backup.manifest import LONGEST_NOTE, Summary
from nofx_cli.drivers.filesystem.backup.packing import cut_off
from nofx_cli.drivers.filesystem.backup.restoring import Restored
from nofx_cli.drivers.filesystem.backup.shelf import ListedBackup, PruneOrder
from nofx_cli.drivers.filesystem.backup.swap import finish, is_cut_off
from nofx_cli.drivers.filesystem.backup.unpacking import BackupFile
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.engine.rebuild_queue import rebuild_queue
from nofx_cli.wiring.projects import Projects
from nofx_cli.wiring.session import Session, open_session
from nofx_cli.wiring.worktrees_back import bring_worktrees_back


@record
class Verified:
    """A backup that was held against all its digests."""

    path: Path
    summary: Summary
    found: Checked


@record
class RestoreOrder:
    """What is wanted. `into` is another store; None is the one that the command works with."""

    text: str
    into: Path | None = None
    expect: str = ""
    keep_present: bool = True


@record
class Done:
    """A restore: what it did, where, how many jobs are in the queue again, and which worktrees stay as they are."""

    root: Path
    restored: Restored
    jobs: int = 0
    worktrees: tuple[str, ...] = ()


class Backups:
    """The backups of the store of one session. Errors are those of `drivers.filesystem.backup`."""

    def __init__(self, session: Session) -> None:
        self._session, self._layout = session, session.layout
        self.folder = session.layout.root / BACKUPS

    def create(self, *, to: Path | None, note: str, force: bool, leave_out: bool) -> Created:
        """Make one. Secrets in the note are masked."""
        if len(note) > LONGEST_NOTE:
            raise errors.UsageError(f"the note has {len(note)} characters, and may have {LONGEST_NOTE}")
        note = self._session.services.mask_text(note)
        order = CreateOrder(self._now(), to=to, note=note, force=force, leave_out=leave_out)
        return creating.create_backup(self._layout, order, masker=self._session.masker)

    def listed(self) -> list[ListedBackup]:
        """All that lie in the store's own folder, newest first."""
        return shelf.list_backups(self.folder)

    def verify(self, text: str, *, expect: str) -> Verified:
        """Hold one against every digest in it."""
        with BackupFile(shelf.find_backup(self.folder, text)) as backup:
            return Verified(backup.path, backup.summary, check(backup, expect=expect))

    def look(self, text: str) -> tuple[Path, Summary]:
        """The backup that a person means, and what its end tells of it."""
        with BackupFile(shelf.find_backup(self.folder, text)) as backup:
            return backup.path, backup.summary

    def holds_runs(self, into: Path | None) -> bool:
        """Whether there is something in a store that a restore would replace."""
        return any((self._root(into) / "runs").glob("*/[0-9]*"))

    def restore(self, order: RestoreOrder) -> Done:
        """Put one back; in the store of the session the queue is made anew from the journals."""
        layout = Layout(self._root(order.into), sync=self._layout.sync)
        with BackupFile(shelf.find_backup(self.folder, order.text)) as backup:
            restored = restoring.restore_backup(
                layout,
                backup,
                self._session.services.clock,
                masker=self._session.masker,
                expect=order.expect,
                keep_present=order.keep_present,
            )
        if order.into is not None and layout.root != self._layout.root:
            return Done(layout.root, restored)
        fresh = self._anew()
        return Done(layout.root, restored, _rebuild(fresh), tuple(bring_worktrees_back(fresh)))

    def prune(self, order: PruneOrder, *, dry_run: bool) -> list[ListedBackup]:
        """Throw away what nothing keeps; returns it, oldest first."""
        gone = shelf.to_be_pruned(self.listed(), order)
        with told("a backup cannot be removed", hint="see to the permissions of its folder"):
            for one in () if dry_run else gone:
                one.path.unlink(missing_ok=True)
        return gone

    def _root(self, into: Path | None) -> Path:
        return self._layout.root if into is None else Path(os.path.abspath(into))

    def _now(self) -> str:
        return format_at(self._session.services.clock.now_us())

    def _anew(self) -> Session:
        """The session of the restored store: nothing that was read of it before counts any more."""
        environ = self._session.services.environ
        return open_session(folder=self._session.project, environ=environ, store=str(self._layout.root))


def open_backups(environ: Mapping[str, str] | None = None) -> Backups:
    """Those of the project around the working folder, also where its store is closed by a restore that was cut off."""
    return Backups(open_session(environ=environ, newer=True))


def _rebuild(session: Session) -> int:
    at = Projects(session.layout.root, session.services.environ, session.services, session.masker)
    return sum(len(rebuilt.jobs) for rebuilt in rebuild_queue(session.services, at=at.services_at))


def restore_was_cut_off(layout: Layout) -> bool:
    """Whether a restore whose process is gone has left something."""
    return is_cut_off(layout)


def cut_off_backups(layout: Layout) -> Iterator[Path]:
    """Files of backups in the store's own folder whose writers are gone; the next backup takes them away."""
    return cut_off(layout.root / BACKUPS)


def finish_restore(layout: Layout) -> str:
    """Bring a restore to its end that was cut off; says what was done, if anything."""
    with told(f"the restore of {layout.root} cannot be brought to its end", hint="mend the cause and try again"):
        return finish(layout)


__all__ = [
    "Backups",
    "PruneOrder",
    "RestoreOrder",
    "cut_off_backups",
    "finish_restore",
    "open_backups",
    "restore_was_cut_off",
]
