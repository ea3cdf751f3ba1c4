"""Write what files will be into the user's folder: all of them or none.

What is to be written is made beside the repository first, with the line ends and filters that the checkout has. Then
each file is moved into its place, and what was there is kept until all are. Where one cannot be, or was changed since
it was looked at, all that was done is undone. Crash point: a process that is killed in between leaves some files
written and some not; each is whole, and applying again does the rest.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nofx_cli import errors
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace.tree_changes import Entry, index_info
from nofx_cli.workspace.user_files import Seen, mark_of


class FileWriter:
    """Moves files into their places in the checkout whose top is `top`.

    Args:
        seen: the files as they were looked at.
    """

    def __init__(self, top: Path, git_dir: Path, seen: Mapping[str, Seen]) -> None:
        self._top, self._git_dir, self._seen = top, git_dir, seen
        self._undo: list[tuple[Path, Path | None]] = []

    def write(self, results: Mapping[str, Entry | None]) -> None:
        """Make every path what its result says.

        Raises:
            errors.Conflict: a file was changed meanwhile (code `apply-conflict`).
            errors.Unavailable: it could not be written (code `apply-failed`).
        """
        with tempfile.TemporaryDirectory(prefix="nofx-apply-", dir=self._git_dir) as folder:
            made, before = Path(folder, "made"), Path(folder, "before")
            self._make(results, made, Path(folder, "index"))
            before.mkdir()
            try:
                for path in sorted(results, key=lambda path: results[path] is not None):  # what is removed goes first
                    self._put(path, made / path if results[path] else None, before / str(len(self._undo)))
            except BaseException as exc:
                self._roll_back()
                if isinstance(exc, OSError):
                    reason = (exc.strerror or str(exc)).lower()
                    message = f"{exc.filename or self._top} cannot be written: {reason}; nothing was applied"
                    raise errors.Unavailable(message, code="apply-failed") from exc
                raise

    def _make(self, results: Mapping[str, Entry | None], folder: Path, index: Path) -> None:
        wanted = [(path, entry) for path, entry in results.items() if entry is not None]
        folder.mkdir()
        if not wanted:
            return
        git = Git(self._top, index=index)
        git.do("update-index", "-z", "--index-info", stdin=index_info(wanted))
        git.do("checkout-index", "--all", "--force", f"--prefix={folder}/")

    def _put(self, path: str, made: Path | None, before: Path) -> None:
        target = self._top / path
        if mark_of(target) != self._seen[path].mark:
            raise errors.Conflict(
                f"{path} was changed while the run was being applied; nothing was applied", code="apply-conflict"
            )
        if target.is_dir() and not target.is_symlink():
            _remove_empty(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        was_there = os.path.lexists(target)
        if was_there:
            _copy(target, before)
        self._undo.append((target, before if was_there else None))
        if made is not None:
            _move(made, target)
        elif was_there:
            target.unlink()
            self._drop_folders(target.parent)

    def _drop_folders(self, folder: Path) -> None:
        """As git does: a folder goes with the last file in it."""
        with suppress(OSError):
            while folder != self._top:
                folder.rmdir()
                folder = folder.parent

    def _roll_back(self) -> None:
        for target, before in reversed(self._undo):
            with suppress(OSError):
                if before is None:
                    target.unlink(missing_ok=True)
                    self._drop_folders(target.parent)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _move(before, target)


def _copy(source: Path, target: Path) -> None:
    shutil.copy2(source, target, follow_symlinks=False)


def _move(source: Path, target: Path) -> None:
    """Put a file into its place at once, also where it lies on another file system."""
    try:
        source.replace(target)
    except OSError:
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            _copy(source, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    for below in sorted(folder.iterdir()):
        _remove_empty(below)
    folder.rmdir()
