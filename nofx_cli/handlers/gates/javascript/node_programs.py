"""Which program of Node.js a gate runs: the project's own before any other.

Looked for in this order: `node_modules/.bin` of the folder that holds all that is examined, and of those above it up
to the workspace, never beyond; then `PATH`. Nothing is ever installed for it, as `npx` would.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.programs import is_program

NPM_QUIET = {"npm_config_update_notifier": "false", "npm_config_logs_max": "0"}
"""The environment in which npm neither asks for a newer npm nor leaves logs behind."""
_BIN = Path("node_modules", ".bin")


def node_program(workspace: Path, name: str, *, package: str = "", paths: Sequence[str] = ()) -> Path:
    """The program of a package of that name, or of `package`, for what is below `paths`.

    Raises:
        NoEvidence: it is not installed; the hint says how to install it.
    """
    for folder in _folders(workspace, paths):
        if is_program(folder / name):
            return folder / name
    raise NoEvidence(f"{name} is not installed", hint=_remedy(workspace, package or name), retryable=False)


def npm() -> Path:
    """npm, which runs a package's scripts; it comes with Node.js.

    Raises:
        NoEvidence: it is not installed.
    """
    for folder in _on_path():
        if is_program(folder / "npm"):
            return folder / "npm"
    raise NoEvidence("npm is not installed", hint="install Node.js, which has npm", retryable=False)


def major_version(program: Path, package: str) -> int:
    """The first number of the version of the package that a program belongs to; 0 where that cannot be told."""
    return version(program, package)[0]


def version(program: Path, package: str) -> tuple[int, int]:
    """The first two numbers of the version of the package that a program belongs to; 0 where they cannot be told."""
    from json import loads

    beside = program.parent.parent / package / "package.json"
    above = [folder / "package.json" for folder in program.resolve().parents[:3]]
    for file in (beside, *above):
        try:
            read = loads(file.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(read, dict) and read.get("name") == package:
            major, minor, *_ = [*str(read.get("version", "")).split("."), "", ""]
            return (int(major) if major.isdecimal() else 0, int(minor) if minor.isdecimal() else 0)
    return (0, 0)


def _folders(workspace: Path, paths: Sequence[str]) -> Iterator[Path]:
    yield from (workspace / folder / _BIN for folder in _upward(paths))
    yield from _on_path()


def _upward(paths: Sequence[str]) -> Iterator[Path]:
    """The folders, relative to the workspace, that hold all of `paths`, from the deepest to the workspace itself."""
    deepest = Path(os.path.normpath(os.path.commonpath(paths))) if paths else Path()
    yield from (deepest, *deepest.parents) if deepest.parts else (Path(),)


def _on_path() -> Iterator[Path]:
    yield from (Path(folder) for folder in os.get_exec_path() if os.path.isabs(folder))


def _remedy(workspace: Path, package: str) -> str:
    if not (workspace / "node_modules").is_dir():
        return f"npm install; and if package.json does not have it: npm install --save-dev {package}"
    return f"npm install --save-dev {package}"
