"""Where things lie below the store's root, and how a file becomes durable.

    <root>/.gitignore  format
    <root>/runs/2026-11-22/<run id>/journal.jsonl  head  plan.yaml  executor.lock
                                    artifacts/<step>/<attempt>/…  logs/<step>.<attempt>.log
                                    approvals/<digest>.json  scratch/<pid>-<hash>.<n>/…  place.json
    <root>/archive/<ab>/<digest>.json  .lock
    <root>/index/idempotency.jsonl
    <root>/queue/log.jsonl  lock
    <root>/workers/<id>.json  <id>.bell  <time>-<pid>.log
    <root>/notify/<target>-<digits>/since  health.json  open/<run>  cursors/<run>
    <root>/.worktrees/<run id>/…  <run id>.index
    <root>/backups/<id>.tar.gz
    <root>/restoring  .restore/new/…  .restore/old/…

A new run is made under a name with a leading dot and renamed, so that it is there whole or not at all.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, StepName, is_run_id

FORMAT = 1
LOCK = "executor.lock"

_CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission was denied",
    errno.EPERM: "permission was denied",
    errno.EIO: "the device answered with an I/O error",
}


class Layout:
    """Paths of a store. `sync` False leaves out every fsync; only tests ask for that."""

    def __init__(self, root: Path, *, sync: bool = True) -> None:
        self.root = root
        self.sync = sync

    def day(self, run: RunId) -> Path:
        return self.root / "runs" / f"{run[0:4]}-{run[4:6]}-{run[6:8]}"

    def run(self, run: RunId) -> Path:
        """The folder of a run, whether or not it exists.

        Raises:
            errors.NotFound: the text is no run id.
        """
        if not is_run_id(run):
            raise errors.NotFound(f"{run!r} is not the id of a run", code="run-not-found", hint="nofx list")
        return self.day(run) / run

    def attempt(self, run: RunId, step: StepName, attempt: int) -> str:
        return f"{step}.{attempt}"

    def prepare(self) -> None:
        """Make the root on first use, with a `.gitignore` of its own.

        Raises:
            errors.StoreFailure: it cannot be made, or its format is newer than this nofx knows.
        """
        if self.check_format():
            return
        with told(f"the store {self.root} cannot be made", hint=NOTHING_MADE):
            (self.root / "runs").mkdir(parents=True, exist_ok=True)
            (self.root / ".gitignore").write_text("*\n", encoding="ascii")
            (self.root / "format").write_text(f"{FORMAT}\n", encoding="ascii")

    def check_format(self) -> bool:
        """Whether there is a store that this nofx can use; False where there is none yet.

        Raises:
            errors.StoreFailure: as `check_version` and `check_open`.
        """
        is_there = self.check_version()
        if is_there:
            self.check_open()
        return is_there

    def check_version(self) -> bool:
        """Whether there is a store of a format that this nofx knows; False where there is none yet.

        Raises:
            errors.StoreFailure: its format is newer than this nofx knows (code `store-newer`).
        """
        try:
            with told(f"the store {self.root} cannot be read"), open(self.root / "format", encoding="ascii") as mark:
                found = mark.read().strip()
        except errors.StoreFailure as exc:
            if isinstance(exc.__cause__, FileNotFoundError):
                return False
            raise
        if not found:
            return False  # its making was cut off
        if not found.isdigit() or int(found) > FORMAT:
            raise errors.StoreFailure(
                f"the store {self.root} has format {found!r}; this nofx knows up to {FORMAT}",
                code="store-newer",
                hint="update nofx, or choose another store with NOFX_HOME",
            )
        return True

    def check_open(self) -> None:
        """See that the store is not being restored.

        Raises:
            errors.StoreFailure: it is (code `store-being-restored`), or that was cut off (code `restore-cut-off`).
        """
        if os.path.exists(self.root / "restoring"):
            from nofx_cli.drivers.filesystem.gate import check_gate

            check_gate(self.root)

    def unfinished(self) -> list[Path]:
        """Folders of runs whose creation has not come to its end: going on now, or cut off by a crash."""
        return sorted(self.root.glob("runs/*/.new-*"))

    def fsync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        if not self.sync:
            return
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def write_durably(self, path: Path, data: bytes) -> None:
        """Write a new file and make its content, not its name, durable."""
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        try:
            write_all(fd, data)
            if self.sync:
                fdatasync(fd)
        finally:
            os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte; a short write is continued."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def fdatasync(fd: int) -> None:
    """Make a file's content durable."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


_GO_ON = "what was committed before is kept; mend the cause, then: nofx resume"
NOTHING_MADE = "no run was made; mend the cause and type it again"


@contextmanager
def told(what: str, *, hint: str = _GO_ON) -> Iterator[None]:
    """Turn an operating system's error into a `StoreFailure` that says what could not be done and why."""
    try:
        yield
    except OSError as exc:
        raise store_failure(what, exc, hint=hint) from exc


def store_failure(what: str, exc: OSError, *, hint: str = _GO_ON) -> errors.StoreFailure:
    cause = _CAUSES.get(exc.errno or 0) or (exc.strerror or str(exc)).lower()
    return errors.StoreFailure(
        f"{what}: {cause}",
        code="store-unwritable",
        hint=hint,
        context={"errno": errno.errorcode.get(exc.errno or 0, ""), "path": str(exc.filename or "")},
    )
