"""Where the worktrees of runs lie, and who may change one of them now.

    <store>/.worktrees/<run>           the worktree
    <store>/.worktrees/<run>.index     the index that snapshots are taken with; not the worktree's own
    <store>/.worktrees/<run>.lock      held while the worktree is made, recorded, restored or removed
    <store>/.worktrees/<run>.making    there while it is made: what it finds was cut off, and is made anew

The folder's name begins with a dot, and it lies in a store whose `.gitignore` leaves everything out. A store often
lies in the project, and pytest, mypy, TypeScript and others would take the copies in a plain folder for the
project's own files: the same tests and modules twice.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, is_run_id
from nofx_cli.domain.record import record

FOLDER = ".worktrees"


@record
class Place:
    """The files of one run's worktree."""

    tree: Path
    index: Path
    lock: Path
    making: Path

    @property
    def is_whole(self) -> bool:
        """Whether the worktree is there, and was made to its end."""
        return (self.tree / ".git").exists() and not self.making.exists()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep all others, threads too, from the worktree meanwhile.

        Raises:
            errors.StoreFailure: the store cannot be written.
        """
        try:
            self.lock.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise errors.StoreFailure(
                f"{self.lock.parent} cannot be written: {exc.strerror}", code="worktree-failed"
            ) from exc
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


def place_of(store: Path, run: RunId) -> Place:
    """Where the worktree of a run lies, whether or not it is there."""
    base = store / FOLDER
    return Place(base / run, base / f"{run}.index", base / f"{run}.lock", base / f"{run}.making")


def runs_with_places(store: Path) -> list[RunId]:
    """The runs of which there is a worktree, or something of one."""
    try:
        names = os.listdir(store / FOLDER)
    except OSError:
        return []
    return sorted({RunId(name[:22]) for name in names if is_run_id(name[:22]) and not name.endswith(".lock")})
