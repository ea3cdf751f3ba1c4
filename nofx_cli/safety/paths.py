"""Paths that a plan or a tool gives are held below their folder, and files are replaced whole or not at all."""

import os
import threading
from pathlib import Path

from nofx_cli import errors

_IGNORED_BY_FILESYSTEMS = dict.fromkeys(
    (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
_GIT_FOLDERS = (".git", "git~1")
_IN_GIT = "lies in a .git folder, which holds code that git runs"


def contained(root: Path, name: str) -> Path:
    """The path `name` below `root`, with links followed; it need not exist.

    `.` is the root itself. The check is of this moment: whoever can write below `root` can put a link there afterwards.

    Raises:
        errors.InvalidInput: the name is empty (`path-empty`), holds a NUL (`path-nul`) or another control character
            (`path-control`), is absolute (`path-absolute`), leaves `root` by `..` or by a link (`path-escapes`), lies
            in a `.git` folder (`path-git`), or differs only in case from what is there (`path-case-clash`).
    """
    fault = fault_of_name(name)
    if fault is not None:
        raise _refused(name, *fault)
    base = root.resolve()
    try:
        path = (base / name).resolve()
    except (OSError, RuntimeError) as exc:  # a loop of links; RuntimeError before Python 3.13
        raise _refused(name, "path-escapes", f"cannot be followed: {exc}") from exc
    if not path.is_relative_to(base):
        raise _refused(name, "path-escapes", f"leads out of {base}")
    if any(is_git(part) for part in path.relative_to(base).parts):
        raise _refused(name, "path-git", _IN_GIT)
    clash = case_clash(base, path.relative_to(base).as_posix())
    if clash:
        raise _refused(name, "path-case-clash", f"differs only in case from {clash!r}, which is there")
    return path


def fault_of_name(name: str) -> tuple[str, str] | None:
    """Why a text cannot be the name of a file below some folder, as a code and words; None where it can.

    Whether it leads out of the folder only the folder can tell.
    """
    if not name.strip():
        return "path-empty", "is empty"
    if "\0" in name:
        return "path-nul", "holds a NUL character"
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in name):
        return "path-control", "holds a control character"
    if any(0xD800 <= ord(character) < 0xDC80 or 0xDCFF < ord(character) < 0xE000 for character in name):
        return "path-control", "holds what is no character"
    if name.startswith("/"):
        return "path-absolute", "is absolute"
    if any(is_git(part) for part in name.split("/")):
        return "path-git", _IN_GIT
    return None


def is_git(part: str) -> bool:
    """Whether a filesystem may take a name for `.git`: some do with `.GIT`, `.git.`, `git~1` and `.g<invisible>it`."""
    plain = part.partition(":")[0].translate(_IGNORED_BY_FILESYSTEMS).rstrip(". ")
    return plain.casefold() in _GIT_FOLDERS


def case_clash(folder: Path, name: str) -> str:
    """What lies below a folder and differs from `name` only in case; empty where nothing does, or `name` is there too.

    Where names that differ only in case are the same file, one would overwrite the other: here, or where the folder is
    copied to.
    """
    for part in name.split("/"):
        if _is_there_by_that_name(folder, part):
            folder /= part
            continue
        try:
            there = os.listdir(folder)
        except OSError:
            return ""
        if part not in there:
            return next((one for one in there if one != part and _same(one, part)), "")
        folder /= part
    return ""


def _is_there_by_that_name(folder: Path, part: str) -> bool:
    """Whether it surely is, without reading the whole folder; False where only that can tell."""
    other = part.swapcase()
    try:
        found = os.lstat(folder / part)
    except OSError:
        return False
    try:
        return other == part or not os.path.samestat(found, os.lstat(folder / other))
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


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
            write_synced(temporary, data, _mode_for(path, mode))
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
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


def write_synced(path: Path, data: bytes, mode: int | None) -> None:
    """Write a file in place, durably. `mode` is of the file; None gives the usual one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        if _durable():
            os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make durable which files are in a folder."""
    if not _durable():
        return
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _durable() -> bool:
    return os.environ.get("NOFX_SYNC") != "off"
