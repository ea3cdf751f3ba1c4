"""Put a backup back: into an empty folder, or in the place of the store that is there.

    the file is proved ─▶ gate ─▶ nobody works there ─▶ unpacked beside, and proved ─▶ backup of what is there ─▶ swap

Whatever dies, and whenever, leaves the old store or the new one: see `gate` and `swap`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import errors
from nofx_cli.clock import Clock, format_at
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup import swap
from nofx_cli.drivers.filesystem.backup.checking import RunChecks
from nofx_cli.drivers.filesystem.backup.contents import FORMAT_FILE
from nofx_cli.drivers.filesystem.backup.creating import Created, CreateOrder, copy_store
from nofx_cli.drivers.filesystem.backup.manifest import Summary
from nofx_cli.drivers.filesystem.backup.unpacking import BackupFile, Member, Unreadable, damaged
from nofx_cli.drivers.filesystem.gate import GATE, Gate
from nofx_cli.drivers.filesystem.layout import FORMAT, Layout, told, write_all
from nofx_cli.drivers.filesystem.liveness import FileLiveness
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.workers import Standing
from nofx_cli.safety.masking import Masker

_OF_ONE_FILE = 4096
_KNOWN_FORMATS = {str(number) for number in range(1, FORMAT + 1)}
_UNCHANGED = "nothing was changed; mend the cause and try again"


@record
class Restored:
    """What was done. `before` is the backup of what was there; None where nothing was, or none was wanted."""

    summary: Summary
    before: Created | None


def restore_backup(
    layout: Layout, backup: BackupFile, clock: Clock, *, masker: Masker, expect: str = "", keep_present: bool = True
) -> Restored:
    """Make the store what the backup says.

    Args:
        expect: the backup's digest as it was noted elsewhere.
        keep_present: make a backup of what is there first.

    Raises:
        errors.InvalidInput: the backup is damaged (code `backup-damaged`), or another one (code `backup-differs`).
        errors.Conflict: a process works in the store (code `store-in-use`), or the folder is none (`not-a-store`).
        errors.Denied: what is there holds a secret, so that no backup of it is made (code `secret-in-backup`).
        errors.StoreFailure: it cannot be read or written, there is no room, or somebody else restores it right now.
    """
    _check_expected(backup, expect)
    backup.check_content()
    with told(f"the store {layout.root} cannot be restored", hint=_UNCHANGED):
        _check_folder(layout.root)
        layout.check_version()
        layout.root.mkdir(parents=True, exist_ok=True)
        with _closed(layout) as gate:
            check_unused(layout, clock)
            _check_room(layout.root, backup.summary)
            unpack(backup, swap.new_folder(layout))
            before = _keep_present(layout, clock, masker, backup.summary) if keep_present else None
            if layout.sync:
                os.sync()
            gate.commit()
            swap.swap(layout)
            gate.open()
        swap.clear(layout)
    return Restored(backup.summary, before)


def check_unused(layout: Layout, clock: Clock) -> None:
    """See that no process works in a store.

    Raises:
        errors.Conflict: one does (code `store-in-use`); names the first.
    """
    for seen in FileWorkers(layout, clock).seen():
        if seen.standing is Standing.ALIVE:
            raise _in_use(f"worker {seen.info.id} is alive", "nofx worker stop")
        if seen.standing is Standing.ELSEWHERE:
            why = f"worker {seen.info.id} is of another host; whether it lives cannot be known here"
            raise _in_use(why, f"if it is gone: nofx worker forget {seen.info.id}")
    liveness = FileLiveness(layout)
    for run in FileRunStore(layout).runs():
        if holder := liveness.holder(run):
            who = "workers" if holder.shared else holder.who
            raise _in_use(f"run {run} is executed by {who}", f"wait for its end, or: nofx cancel {run}")


def unpack(backup: BackupFile, folder: Path) -> None:
    """Write the files of a backup below a folder, and prove them.

    Raises:
        errors.InvalidInput: it is not what it says of itself (code `backup-damaged`).
        OSError: they cannot be written.
    """
    runs = RunChecks()
    try:
        for member, blocks in backup.members():
            with _new_file(folder, member) as fd:
                runs.watch(member, _written(fd, blocks))
        faults = [*backup.file_faults(), *runs.faults(backup)]
    except Unreadable as exc:
        raise damaged(backup.path, str(exc)) from exc
    if not faults and (folder / FORMAT_FILE).read_text("ascii").strip() not in _KNOWN_FORMATS:
        raise errors.InvalidInput(
            f"the backup {backup.path} is of a store that a newer nofx wrote", code="backup-newer", hint="update nofx"
        )
    if faults:
        more = f", and {len(faults) - 1} more faults" if len(faults) > 1 else ""
        raise damaged(backup.path, f"{faults[0]}{more}")


@contextmanager
def _new_file(folder: Path, member: Member) -> Iterator[int]:
    path = folder / member.path
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield fd
        os.fchmod(fd, member.mode)
        os.utime(fd, (member.mtime, member.mtime))
    finally:
        os.close(fd)


def _written(fd: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        write_all(fd, block)
        yield block


@contextmanager
def _closed(layout: Layout) -> Iterator[Gate]:
    """Close the store; it is open again afterwards, unless the exchange has begun and did not come to its end."""
    gate = Gate(layout.root, sync=layout.sync)
    if gate.is_cut_off:
        swap.finish_behind(layout, gate)
        gate = Gate(layout.root, sync=layout.sync)
    try:
        yield gate
    except BaseException:
        if not gate.is_committed:
            swap.clear(layout)
            gate.open()
        raise
    finally:
        gate.leave()


def _keep_present(layout: Layout, clock: Clock, masker: Masker, summary: Summary) -> Created | None:
    if not any(FileRunStore(layout).runs()):
        return None
    order = CreateOrder(format_at(clock.now_us()), note=f"before the restore of {summary.id}", automatic=True)
    try:
        return copy_store(layout, order, masker=masker)
    except errors.Denied as exc:
        exc.hint = "remove the runs that it is in, or keep nothing of what is there: nofx backup restore --no-backup"
        raise


def _check_expected(backup: BackupFile, expect: str) -> None:
    if expect and expect != backup.seal.manifest:
        raise errors.InvalidInput(
            f"the digest of the backup {backup.path} is {backup.seal.manifest}, and not the one that was expected",
            code="backup-differs",
            hint="nothing was changed; see: nofx backup list",
        )


def _check_folder(root: Path) -> None:
    """A folder that holds something else than a store is left alone."""
    ours = {GATE, swap.BESIDE}
    if not root.exists() or (root / "format").exists() or not set(os.listdir(root)) - ours:
        return
    raise errors.Conflict(
        f"{root} is no store, and is not empty",
        code="not-a-store",
        hint="give an empty folder, or one that is not there",
    )


def _check_room(root: Path, summary: Summary) -> None:
    disk = os.statvfs(root)
    free, needed = disk.f_bavail * disk.f_frsize, summary.bytes + summary.files * _OF_ONE_FILE
    if free < needed:
        raise errors.StoreFailure(
            f"the backup needs {needed / 1e6:.1f} MB in {root}, and {free / 1e6:.1f} MB are free",
            code="store-unwritable",
            hint=_UNCHANGED,
        )


def _in_use(why: str, hint: str) -> errors.Conflict:
    return errors.Conflict(f"the store cannot be restored: {why}", code="store-in-use", hint=hint)
