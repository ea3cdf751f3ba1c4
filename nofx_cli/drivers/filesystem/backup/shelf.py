"""The backups that lie in a folder: seen by their ends, found by their ids, and thrown away by age and number."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.backup.manifest import Summary
from nofx_cli.drivers.filesystem.backup.packing import SUFFIX
from nofx_cli.drivers.filesystem.backup.unpacking import BackupFile


@record
class ListedBackup:
    """A backup as its end tells of it. Where it cannot be read `fault` says why, and the summary is None."""

    path: Path
    size: int
    summary: Summary | None = None
    digest: str = ""
    fault: str = ""

    @property
    def id(self) -> str:
        return self.path.name.removesuffix(SUFFIX)


@record
class PruneOrder:
    """Which backups stay: those that a number keeps, and with `before` all that were made since that instant.

    Attributes:
        keep: so many of the newest.
        daily: the newest of each of so many days of UTC on which there is one.
        weekly: the newest of each of so many weeks.
        before: an instant, as `clock.format_at` writes it; empty leaves age out of it.
    """

    keep: int = 0
    daily: int = 0
    weekly: int = 0
    before: str = ""


def list_backups(folder: Path) -> list[ListedBackup]:
    """All backups in a folder, newest first; those that cannot be read come last."""
    listed = [_look(path) for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")]
    return sorted(listed, key=lambda one: (one.summary.at if one.summary else "", one.id), reverse=True)


def find_backup(folder: Path, text: str) -> Path:
    """The file that a person means: a path, `latest`, an id, or how one begins or ends.

    Raises:
        errors.NotFound: there is none (code `backup-not-found`).
        errors.UsageError: there are several (code `backup-ambiguous`).
    """
    if "/" in text or text.endswith(SUFFIX) or Path(text).is_file():
        return Path(text)
    names = sorted(one.name.removesuffix(SUFFIX) for one in folder.glob(f"*{SUFFIX}") if one.name[0] != ".")
    if text == "latest":
        found = [one.id for one in list_backups(folder) if one.summary][:1]
    else:
        found = [name for name in names if name == text] or [n for n in names if n.startswith(text) or n.endswith(text)]
    if len(found) == 1:
        return folder / f"{found[0]}{SUFFIX}"
    if found:
        raise errors.UsageError(
            f"{text!r} names {len(found)} backups", code="backup-ambiguous", hint=f"one of {', '.join(found[:5])}"
        )
    raise errors.NotFound(f"there is no backup {text}", code="backup-not-found", hint="nofx backup list")


def to_be_pruned(listed: Sequence[ListedBackup], order: PruneOrder) -> list[ListedBackup]:
    """Those that nothing keeps, oldest first. The newest always stays, and so does what cannot be read."""
    sound = [one for one in listed if one.summary is not None]
    kept = {one.path for one in sound[: max(order.keep, 1)]}
    kept |= _newest_of_each(sound, "%Y-%m-%d", order.daily) | _newest_of_each(sound, "%G-%V", order.weekly)
    if order.before:
        kept |= {one.path for one in sound if _at(one) >= order.before}
    return [one for one in reversed(sound) if one.path not in kept]


def _newest_of_each(sound: Sequence[ListedBackup], period: str, number: int) -> set[Path]:
    newest: dict[str, Path] = {}
    for one in sound:
        newest.setdefault(datetime.fromisoformat(_at(one)).strftime(period), one.path)
    return set(list(newest.values())[:number])


def _at(one: ListedBackup) -> str:
    return one.summary.at if one.summary else ""


def _look(path: Path) -> ListedBackup:
    size = path.lstat().st_size
    try:
        with BackupFile(path) as backup:
            return ListedBackup(path, size, backup.summary, backup.seal.manifest)
    except errors.NofxError as exc:
        return ListedBackup(path, size, fault=exc.message)
