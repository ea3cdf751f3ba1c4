"""What `package.json` says of a package."""

import json
from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import NoEvidence

FILE = "package.json"
_LONGEST = 4 * 1024 * 1024
_DEPENDENCIES = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


def manifest(workspace: Path) -> dict[str, Any]:
    """The package at the top of the workspace; empty where there is none, or none that can be read."""
    try:
        return read_manifest(workspace)
    except NoEvidence:
        return {}


def read_manifest(workspace: Path) -> dict[str, Any]:
    """The package at the top of the workspace.

    Raises:
        NoEvidence: there is none, or it cannot be read.
    """
    try:
        with open(workspace / FILE, "rb") as file:
            read = json.loads(file.read(_LONGEST))
    except OSError as exc:
        raise NoEvidence(f"{FILE} cannot be read ({exc.strerror})", retryable=False) from exc
    except (ValueError, RecursionError) as exc:
        raise NoEvidence(f"{FILE} is not JSON ({exc})", hint=f"correct {FILE}", retryable=False) from exc
    if not isinstance(read, dict):
        raise NoEvidence(f"{FILE} is no JSON object", hint=f"correct {FILE}", retryable=False)
    return read


def script(workspace: Path, name: str) -> str:
    """The command of a script; empty where the package has none of that name."""
    scripts = manifest(workspace).get("scripts")
    command = scripts.get(name) if isinstance(scripts, dict) else None
    return command.strip() if isinstance(command, str) else ""


def depends_on(workspace: Path, package: str) -> bool:
    """Whether the package names another one, for itself or for its development."""
    named = manifest(workspace)
    return any(isinstance(named.get(kind), dict) and package in named[kind] for kind in _DEPENDENCIES)


def is_set_up(workspace: Path, package: str, *, key: str, files: tuple[str, ...]) -> bool:
    """Whether the project uses a program: by one of the files, by its key in `package.json`, or as a dependency."""
    return (
        any((workspace / name).is_file() for name in files)
        or key in manifest(workspace)
        or depends_on(workspace, package)
    )
