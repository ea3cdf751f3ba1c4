"""Make a backup of a store while whoever works there goes on working."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import __version__, errors
from nofx_cli.clock import parse_at
from nofx_cli.domain.ids import new_run_id
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted
from nofx_cli.drivers.filesystem.backup.contents import StoreCopy
from nofx_cli.drivers.filesystem.backup.manifest import Manifest, Summary
from nofx_cli.drivers.filesystem.backup.packing import SUFFIX, BackupWriter, cut_off, file_exists
from nofx_cli.drivers.filesystem.backup.secrets import SecretSearch
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.safety import identity
from nofx_cli.safety.masking import Masker

BACKUPS = "backups"
_NAMED = 10


@record
class CreateOrder:
    """What is wanted.

    Attributes:
        to: the file, or the folder, that it is written to; None is the store's own `backups/`.
        force: replace a file that is there.
        leave_out: leave out what holds a secret, instead of making no backup.
    """

    at: str
    to: Path | None = None
    note: str = ""
    automatic: bool = False
    force: bool = False
    leave_out: bool = False


@record
class Created:
    """The backup that was made. `faults` is what was wrong in the store, `left_out` the files that held a secret."""

    path: Path
    digest: str
    size: int
    summary: Summary
    faults: tuple[str, ...]
    left_out: tuple[str, ...]


def create_backup(layout: Layout, order: CreateOrder, *, masker: Masker | None) -> Created:
    """Copy the store into one file.

    Args:
        masker: what knows the secrets; None looks for none.

    Raises:
        errors.NotFound: there is no store yet (code `store-not-found`).
        errors.Conflict: the file is there already (code `file-exists`).
        errors.Denied: a secret stands in the store (code `secret-in-backup`); names the files, no backup was made.
        errors.StoreFailure: it could not be read or written; no backup was made.
    """
    if not layout.check_format():
        raise errors.NotFound(f"there is no store in {layout.root} yet", code="store-not-found", hint="nofx run PLAN")
    return copy_store(layout, order, masker=masker)


def copy_store(layout: Layout, order: CreateOrder, *, masker: Masker | None) -> Created:
    """The same, of a store whose gate this process has closed."""
    backup = new_run_id(at=order.at, randomness=int.from_bytes(os.urandom(4)))
    target = _target(layout, order, backup)
    with told(f"the backup {target} cannot be written", hint="no backup was made; mend the cause and try again"):
        if order.to is None:
            target.parent.mkdir(mode=0o700, exist_ok=True)
        for path in cut_off(target.parent):
            path.unlink(missing_ok=True)
        with _writing(layout, target, backup, order) as writer:
            secrets = SecretSearch(masker)
            copy = StoreCopy(layout, writer, secrets)
            copy.copy()
            if secrets.found and not order.leave_out:
                raise _holds_secrets(secrets.found)
            summary = _summary(backup, order, writer, copy, left_out=len({_place(path) for path in secrets.found}))
            digest = writer.finish(Manifest(summary, tuple(copy.runs), tuple(writer.files)), replace=order.force)
        size = target.stat().st_size
    faults = tuple(f"run {one.run}: {fault}" for one in copy.runs for fault in one.faults)
    return Created(target, digest, size, summary, faults, tuple(secrets.found))


@contextmanager
def _writing(layout: Layout, target: Path, backup: str, order: CreateOrder) -> Iterator[BackupWriter]:
    writer = BackupWriter(target, backup, at_s=parse_at(order.at) // 1_000_000, sync=layout.sync)
    try:
        yield writer
    finally:
        writer.drop()


def _target(layout: Layout, order: CreateOrder, backup: str) -> Path:
    if order.to is None:
        return layout.root / BACKUPS / f"{backup}{SUFFIX}"
    to = Path(os.path.abspath(order.to))
    target = to / f"{backup}{SUFFIX}" if to.is_dir() else to
    if not target.parent.is_dir():
        raise errors.UsageError(
            f"{to} cannot be written: there is no folder {target.parent}",
            code="output-unwritable",
            hint="make the folder, or write elsewhere",
        )
    if os.path.lexists(target) and not (order.force and target.is_file()):
        raise file_exists(target)
    return target


def _summary(backup: str, order: CreateOrder, writer: BackupWriter, copy: StoreCopy, *, left_out: int) -> Summary:
    return Summary(
        id=backup,
        at=order.at,
        nofx=__version__,
        host=identity.host(),
        note=order.note,
        automatic=order.automatic,
        runs=len(copy.runs),
        files=len(writer.files),
        bytes=sum(file.size for file in writer.files),
        left_out=left_out,
    )


def _place(path: str) -> str:
    """The run, or the entry, that a file belongs to."""
    return "/".join(path.split("/")[:3])


def _holds_secrets(found: list[str]) -> errors.Denied:
    more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return errors.Denied(
        f"no backup was made: secrets stand in {counted(len(found), 'file')} of the store: "
        f"{', '.join(found[:_NAMED])}{more}",
        code="secret-in-backup",
        hint="see which: nofx doctor --secrets; or leave out what holds one: nofx backup create --leave-out-secrets",
        context={"files": tuple(found)},
    )
