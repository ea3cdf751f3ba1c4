"""The store: whether it can be written, how fast, what lies about in it, and what is to be done."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from nofx_cli import errors
from nofx_cli.drivers.filesystem.layout import fdatasync, write_all
from nofx_cli.drivers.filesystem.watch import FolderWatch
from nofx_cli.engine.list_runs import list_runs
from nofx_cli.wiring.backups import cut_off_backups, restore_was_cut_off
from nofx_cli.wiring.doctor import queue
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.session import Session

_SYNCS = 5
_SLOW_MS = 20
_LITTLE, _TOO_LITTLE = 1024**3, 64 * 1024**2
_STALE_SECONDS = 60
_NEWEST = 500


def checks(session: Session) -> Iterator[Finding]:
    root = session.layout.root
    folder = _nearest(root)
    told = str(root) if root.is_dir() else f"{root}, made by the first run"
    try:
        if (root / "format").exists():
            session.layout.prepare()
        took_ms = _sync_ms(folder)
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        yield fail(
            "store", f"{told}: cannot be written: {reason}", "see to its permissions and its disk, or set NOFX_HOME"
        )
        return
    except errors.StoreFailure as exc:
        yield fail("store", exc.message, exc.hint)
        return
    yield ok("store", told)
    yield _sync(session, took_ms)
    yield _space(folder)
    yield _file_events(folder)
    yield from _unfinished(session)
    yield from _damaged(session)
    yield from queue.checks(session)


def _nearest(root: Path) -> Path:
    """The store's folder, or the nearest one above that is there."""
    return next(folder for folder in (root, *root.parents) if folder.is_dir())


def _sync_ms(folder: Path) -> float:
    """How long a small durable write takes."""
    path = folder / f".nofx-doctor-{os.getpid()}"
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        took = []
        for _ in range(_SYNCS):
            began = time.perf_counter()
            write_all(fd, b"x" * 512)
            fdatasync(fd)
            took.append(time.perf_counter() - began)
        return median(took) * 1000
    finally:
        os.close(fd)
        path.unlink()


def _sync(session: Session, took_ms: float) -> Finding:
    told = f"a durable write takes {took_ms:.1f} ms"
    if not session.settings.sync.value:
        source = session.settings.sync.source
        return warn("durability", f"{source} is off: a power loss may lose runs", f"unset {source}")
    if took_ms > _SLOW_MS:
        return warn("durability", f"{told}, and so does every step at least", "set NOFX_HOME to a faster disk")
    return ok("durability", told)


def _space(folder: Path) -> Finding:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    told = f"{free / 1024**3:.1f} GiB free"
    if free < _TOO_LITTLE:
        return fail("space", told, "make room, or set NOFX_HOME to another disk")
    return warn("space", told, "make room") if free < _LITTLE else ok("space", told)


def _file_events(folder: Path) -> Finding:
    if FolderWatch(folder).has_events:
        return ok("file events", "the kernel tells of changes")
    told = "the kernel gives no file events here: views and waiting runs look every 20 ms"
    return warn("file events", told, "raise fs.inotify.max_user_instances, or keep the store on a local disk")


def cut_off_creations(session: Session) -> Iterator[Path]:
    """Folders of runs whose creation began long ago and has not come to its end."""
    for folder in session.layout.unfinished():
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:
            continue  # it came to its end just now
        if age > _STALE_SECONDS:
            yield folder


def _unfinished(session: Session) -> Iterator[Finding]:
    for folder in cut_off_creations(session):
        yield warn("leftover", f"{folder}: a run whose creation was cut off", queue.REPAIR)
    if restore_was_cut_off(session.layout):
        yield warn("leftover", f"{session.layout.root}: a restore was cut off before it changed anything", queue.REPAIR)
    for path in cut_off_backups(session.layout):
        yield warn("leftover", f"{path}: a backup whose making was cut off", f"rm {path}")


def _damaged(session: Session) -> Iterator[Finding]:
    for listed in list_runs(session.services, limit=_NEWEST):
        if listed.fault:
            yield fail("damaged", f"run {listed.run}: {listed.fault}", f"nofx verify {listed.run}")
