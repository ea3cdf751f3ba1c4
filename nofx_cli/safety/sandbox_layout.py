"""What a process that is shut in sees of the files: which places it may write, and which are not this machine's.

All is read-only but what stands here. The deepest place counts: the folder of an attempt is open though it lies in the
store, which is shut though it lies in the workspace, which is open. What lies in a private folder and is needed is
shown there again.

What mounting cannot do: a folder that is open is so with all that comes into it, so a `.git` or `nofx.yaml` that is
not there yet can be made, as well as one further down. That is found by whoever looks at what has changed.
"""

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.policy import Sandbox
from nofx_cli.domain.record import record
from nofx_cli.ports.processes import RECORD_BYTES, ProcessSpec
from nofx_cli.safety.globs import SIGNS
from nofx_cli.safety.never_written import NEVER_WRITTEN
from nofx_cli.safety.paths import contained

_PRIVATE = ("/tmp", "/var/tmp", "/run")  # noqa: S108 - they are hidden, and no file is made there
"""`/run` holds the sockets of this machine's services, which a read-only file system does not keep anybody from."""
_SHOWN = ("/etc/resolv.conf", "/run/current-system")


class Kind(StrEnum):
    PRIVATE = "private"
    """An empty folder in memory."""
    OPEN = "open"
    """What is there, to read and to write."""
    SHUT = "shut"
    """What is there, to read."""


@record
class Place:
    """A file or folder, without links in its path. `identity` is device and inode of what is open, else empty."""

    kind: Kind
    path: str
    identity: str = ""


@record
class Layout:
    """The places, each behind those that it lies in."""

    places: tuple[Place, ...]

    def kind_of(self, path: str) -> Kind | None:
        """What holds at a path; None where the read-only file system of this machine is seen."""
        return _nearest({place.path: place.kind for place in self.places}, path)


def layout_of(spec: ProcessSpec, sandbox: Sandbox, needed: Iterable[str] = ()) -> Layout:
    """Work out the places. Folders that `write` names as such (`build/**`) are made.

    Args:
        needed: files and folders that must be seen in any case.

    Raises:
        errors.InvalidInput: `write` names what cannot be opened (code `sandbox-write`, and those of
            `safety.paths.contained`).
        errors.Denied: what must never be written cannot be kept so (code `sandbox-unprotected`).
    """
    kinds = dict.fromkeys(_private_folders(spec), Kind.PRIVATE)
    opened = [*opened_in_workspace(spec, sandbox), *map(os.path.realpath, spec.writable)]
    kinds = {path: kind for path, kind in kinds.items() if not _lies_in_any(path, opened)}
    kinds |= dict.fromkeys(opened, Kind.OPEN)
    for path in (spec.workspace, spec.cwd, *_SHOWN, *needed):
        if path and os.path.exists(path) and _nearest(kinds, real := os.path.realpath(path)) is Kind.PRIVATE:
            kinds.setdefault(real, Kind.SHUT)
    for protected in _protected(spec):
        _protect(kinds, protected)
    in_order = sorted(kinds, key=lambda path: (_depth(path), path))
    return Layout(tuple(_place(path, kinds[path]) for path in in_order))


def opened_in_workspace(spec: ProcessSpec, sandbox: Sandbox) -> list[str]:
    """The paths of the workspace that `write` opens. Folders that it names as such (`build/**`) are made.

    Raises:
        errors.InvalidInput: as `layout_of`.
    """
    if spec.workspace is None:
        return []
    if sandbox.write is None:
        return [os.path.realpath(spec.workspace)]
    return [_opened(spec, spec.workspace, pattern) for pattern in sandbox.write]


def folder_of(pattern: str) -> str | None:
    """The folder that a pattern of `write` names with all that is in it; None where it names a single path.

    Raises:
        errors.InvalidInput: a pattern of another kind. A mount opens a place, not names (code `sandbox-write`).
    """
    path = pattern.removesuffix("**") if pattern == "**" or pattern.endswith("/**") else pattern
    if not SIGNS.isdisjoint(path):
        folder = os.path.dirname(path[: min(path.index(sign) for sign in SIGNS & set(path))])
        raise _refused(
            pattern,
            "is a pattern over names",
            f"write `{folder}/**`" if folder else "name folders (`docs/**`) or files",
        )
    return (path.rstrip("/") or ".") if path != pattern or path.endswith("/") or path == "." else None


def _opened(spec: ProcessSpec, workspace: Path, pattern: str) -> str:
    folder = folder_of(pattern)
    path = contained(workspace, pattern if folder is None else folder)
    workspace = workspace.resolve()
    for protected in (Path(os.path.realpath(each)) for each in _protected(spec)):
        if path.is_relative_to(protected) and not workspace.is_relative_to(protected):
            raise _refused(pattern, f"lies in {protected}, which no step may write", "take it out of `write`")
    if folder is not None:
        _make(path, pattern)
    elif not path.exists():
        raise _refused(
            pattern, "does not exist, so it cannot be opened", f"make it in an earlier step, or open `{pattern}/**`"
        )
    return str(path)


def _make(path: Path, pattern: str) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _refused(pattern, f"names a folder that cannot be made: {exc.strerror}", "mend `write`") from exc


def _protected(spec: ProcessSpec) -> list[str]:
    below = [str(spec.workspace / name) for name in NEVER_WRITTEN] if spec.workspace else []
    return [*below, *map(str, spec.readonly), str(spec.record)]


def _protect(kinds: dict[str, Kind], path: str) -> None:
    """Shut it where it would be open, and hold the folders above it: a folder that is moved takes it along."""
    place = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    if os.path.islink(place) and _nearest(kinds, place) is Kind.OPEN:
        raise errors.Denied(
            f"{path} is a link, which a sandbox cannot keep from being replaced",
            code="sandbox-unprotected",
            hint="put the file itself there, or name in `sandbox.write` only what the step writes",
            context={"path": path},
        )
    if not os.path.exists(place) or _nearest(kinds, place) not in (Kind.OPEN, Kind.PRIVATE):
        return
    above = os.path.dirname(place)
    while above not in kinds and _nearest(kinds, above) is Kind.OPEN:
        kinds[above] = Kind.OPEN
        above = os.path.dirname(above)
    kinds[place] = Kind.SHUT


def _private_folders(spec: ProcessSpec) -> list[str]:
    own = spec.env.get("TMPDIR", "")
    found = [os.path.realpath(path) for path in (*_PRIVATE, own) if path.startswith("/") and os.path.isdir(path)]
    return [path for path in found if path != "/"]


def _place(path: str, kind: Kind) -> Place:
    return Place(kind, path, _identity(path) if kind is Kind.OPEN else "")


def _identity(path: str) -> str:
    """Device and inode of what is at a path now. Somebody may put a link there later; it is compared then."""
    file = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.readlink(f"/proc/self/fd/{file}") != path:
            raise errors.Denied(
                f"{path} was replaced by a link while it was opened to a step",
                code="sandbox-failed",
                hint="see what else writes to the workspace",
            )
        found = os.fstat(file)
    finally:
        os.close(file)
    return f"{found.st_dev}:{found.st_ino}"


def make_record(path: Path) -> None:
    """A record that is there can be shut; it is written over in place."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b" " * RECORD_BYTES)


def _nearest(kinds: dict[str, Kind], path: str) -> Kind | None:
    while path not in kinds:
        if path == "/":
            return None
        path = os.path.dirname(path)
    return kinds[path]


def _lies_in_any(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _depth(path: str) -> int:
    return 0 if path == "/" else path.count("/")


def _refused(pattern: str, why: str, hint: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"`sandbox.write`: {pattern!r} {why}", code="sandbox-write", hint=hint, context={"pattern": pattern}
    )
