"""Paths that a plan or a tool gives are held below their folder, and files are replaced whole or not at all."""

import os
import threading
from pathlib import Path

from nofx_cli import errors

_IGNORED_BY_FILESYSTEMS = dict.fromkeys(
    (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
_GIT_FOLDERS = (".git", "git~1")


def contained(root: Path, name: str) -> Path:
    """The path `name` below `root`, with links followed; it need not exist.

    `.` is the root itself. The check is of this moment: whoever can write below `root` can put a link there afterwards.

    Raises:
        errors.InvalidInput: the name is empty (`path-empty`), holds a NUL (`path-nul`), is absolute (`path-absolute`),
            leaves `root` by `..` or by a link (`path-escapes`), or lies in a `.git` folder (`path-git`).
    """
    if not name.strip():
        raise _refused(name, "path-empty", "is empty")
    if "\0" in name:
        raise _refused(name, "path-nul", "holds a NUL character")
    if name.startswith("/"):
        raise _refused(name, "path-absolute", "is absolute")
    base = root.resolve()
    try:
        path = (base / name).resolve()
    except (OSError, RuntimeError) as exc:  # a loop of links; RuntimeError before Python 3.13
        raise _refused(name, "path-escapes", f"cannot be followed: {exc}") from exc
    if not path.is_relative_to(base):
        raise _refused(name, "path-escapes", f"leads out of {base}")
    if any(_is_git(part) for part in (*Path(name).parts, *path.relative_to(base).parts)):
        raise _refused(name, "path-git", "lies in a .git folder, which holds code that git runs")
    return path


def _is_git(part: str) -> bool:
    """Some filesystems take `.GIT`, `.git.`, `git~1` and `.g<invisible>it` for `.git`."""
    return part.translate(_IGNORED_BY_FILESYSTEMS).rstrip(". ").casefold() in _GIT_FOLDERS


def _refused(name: str, code: str, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"the path {name!r} {why}",
        code=code,
        hint="write a path relative to the workspace, without `..`, links that lead out, or .git",
        context={"path": name},
    )


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file durably: afterwards it has these bytes, or, whatever happened, what it had before.

    Folders above it are made. `mode` is of the new file; None keeps that of the old one, or gives the usual one.
    A link at `path` is replaced, not followed.

    Raises:
        errors.InvalidInput: `path` is a folder (code `path-is-folder`).
        errors.StoreFailure: it could not be written; code `write-failed`.
    """
    temporary = path.with_name(f".nofx-{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(temporary, data, _mode_for(path, mode))
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if _durable():
            _sync_folder(path.parent)
    except IsADirectoryError as exc:
        raise errors.InvalidInput(
            f"{path} is a folder where a file was to be written",
            code="path-is-folder",
            context={"path": str(path)},
        ) from exc
    except OSError as exc:
        raise errors.StoreFailure(
            f"{path} could not be written: {exc.strerror}", code="write-failed", context={"path": str(path)}
        ) from exc


def _mode_for(path: Path, mode: int | None) -> int | None:
    if mode is None and path.is_file() and not path.is_symlink():
        return path.stat().st_mode & 0o777
    return mode


def _write(path: Path, data: bytes, mode: int | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        if _durable():
            os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _durable() -> bool:
    return os.environ.get("NOFX_SYNC") != "off"
