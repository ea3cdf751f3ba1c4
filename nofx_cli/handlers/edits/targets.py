"""The paths of an answer are held against the workspace: what leaves it, steers nofx, or is no file is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nofx_cli import errors
from nofx_cli.handlers.workspace_write import PROTECTED
from nofx_cli.safety.never_written import protects
from nofx_cli.safety.paths import contained

_DRIVE = re.compile(r"[A-Za-z]:")


class BadPath(Exception):
    """The reason why a path is not taken."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that is worked on, its store, and who is asked before a file is written."""

    workspace: Path
    store: Path
    check_write: Callable[[str], None]

    def target(self, path: str) -> str:
        """The name of a file below the workspace, links followed; it need not be there.

        Raises:
            BadPath: with the reason for the model.
            errors.PolicyDenied: as `check_write`.
        """
        name = _below(path, self.workspace)
        try:
            real = contained(self.workspace, name)
        except errors.InvalidInput as exc:
            leads_out = exc.code == "path-escapes"  # the model need not know where the workspace lies
            raise BadPath(f"the path {path!r} leads out of the workspace" if leads_out else exc.message) from exc
        target = real.relative_to(self.workspace.resolve()).as_posix()
        if target == ".":
            raise BadPath(f"the path {path!r} is the workspace itself")
        for one in (name, target):
            what = protects(self.workspace, self.store, one)
            if what or one.split("/")[0].casefold() in PROTECTED:
                raise BadPath(f"the path {path!r} is not to be written: it tells nofx what to do")
        for one in dict.fromkeys((name, target)):
            self.check_write(one)
        self._check_is_file(target)
        return target

    def is_link(self, path: str) -> bool:
        return (self.workspace / _below(path, self.workspace)).is_symlink()

    def _check_is_file(self, target: str) -> None:
        place = self.workspace.resolve() / target
        if place.exists() and not place.is_file():
            raise BadPath(f"{target} is there and is no file")
        above = next((folder for folder in place.parents if folder.exists()), place.parent)
        if not above.is_dir():
            name = above.relative_to(self.workspace.resolve()).as_posix()
            raise BadPath(f"{target} cannot be: {name} is a file, and no folder")


def _below(path: str, workspace: Path) -> str:
    """The path as this system writes it, without `.` and without doubled separators.

    Raises:
        BadPath: it begins with a drive or with a home, or has `..` in it.
    """
    if _DRIVE.match(path):
        raise BadPath(f"the path {path!r} begins with a drive; write a path relative to the workspace")
    if path.startswith("~"):
        raise BadPath(f"the path {path!r} begins with a home; write a path relative to the workspace")
    name = path if "\\" not in path or "\0" in path or (workspace / path).is_file() else path.replace("\\", "/")
    if name.endswith("/"):
        raise BadPath(f"the path {path!r} is that of a folder")
    parts = [part for part in name.split("/") if part != "."]
    if ".." in parts:
        raise BadPath(f"the path {path!r} has `..` in it; write a path relative to the workspace")
    return name if name.startswith("/") else "/".join(part for part in parts if part)
