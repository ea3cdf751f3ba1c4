"""Which program a gate runs: the project's own before any other.

Looked for in this order: `.venv` in the workspace, the environment that is active (`VIRTUAL_ENV`), the environment
that nofx is installed in, `PATH`.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.handlers.gates.evidence import NoEvidence

PROJECT_ENVIRONMENT = ".venv"
_PACKAGES = {"pyproject-build": "build"}
"""The packages of programs that have another name."""


def program(workspace: Path, name: str) -> list[str]:
    """How a gate starts `name`.

    Raises:
        NoEvidence: it is not installed; the hint says how to install it.
    """
    for folder in _folders(workspace):
        if is_program(folder / name):
            return [str(folder / name)]
    raise NoEvidence(f"{name} is not installed", hint=_remedy(name), retryable=False)


def is_installed(workspace: Path, name: str) -> bool:
    """Whether there is a program `name` to start."""
    return any(is_program(folder / name) for folder in _folders(workspace))


def python_module(workspace: Path, name: str) -> list[str]:
    """How a gate starts the Python tool `name` that has to import the project's own code: `python -m name`.

    A project with an environment of its own is not judged in another one.

    Raises:
        NoEvidence: it is not installed, or not in the project's environment; the hint says how to install it.
    """
    own = workspace / PROJECT_ENVIRONMENT / "bin"
    if is_program(own / "python") and not is_program(own / name):
        raise NoEvidence(
            f"{name} is not installed in the project's environment {PROJECT_ENVIRONMENT}",
            hint=f"{PROJECT_ENVIRONMENT}/bin/python -m pip install {name}",
            retryable=False,
        )
    found = Path(program(workspace, name)[0])
    python = found.parent / "python"
    # Outside an environment the python next to a program need not be the one that it runs under.
    if is_program(python) and ((found.parent.parent / "pyvenv.cfg").is_file() or found.parent == own):
        return [str(python), "-m", name]
    return [str(found)]


def is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _folders(workspace: Path) -> Iterator[Path]:
    yield workspace / PROJECT_ENVIRONMENT / "bin"
    if active := os.environ.get("VIRTUAL_ENV"):
        yield Path(active, "bin")
    yield Path(sys.executable).parent
    yield from (Path(folder) for folder in os.get_exec_path() if os.path.isabs(folder))


def _remedy(name: str) -> str:
    return f"pip install {_PACKAGES.get(name, name)}, in the project's environment, or pip install 'nofx-cli[gates]'"
