"""What `gate:audit` audits of a project of Python: where its packages are named so that pip-audit can read it.

Of these the first that there is: requirements files, a lock file (`pylock.toml`), the packages that are installed in
the project's environment, the dependencies of its `pyproject.toml`. Where requirements files are only for work on the
project (`requirements-dev.txt`), the first of the others is audited as well. What is named elsewhere cannot be
audited, which is not the same as that there is nothing.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates import pyproject
from nofx_cli.handlers.gates.ecosystem import is_python
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.programs import PROJECT_ENVIRONMENT

NOTHING_HINT = f"name requirements files under `paths`, make {PROJECT_ENVIRONMENT}, or leave the gate out"
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "Pipfile")
_ASIDE = frozenset({"build", "ci", "dev", "develop", "development", "doc", "docs", "lint", "test", "testing", "tests",
                    "tools", "types", "typing"})  # fmt: skip


def sources(workspace: Path, paths: Sequence[str]) -> list[list[str]]:
    """The options of pip-audit that say what is audited, once for each time that it has to run.

    Raises:
        NoEvidence: there is nothing to audit (`skipped`; `vacuous` where there is no project), or nothing that
            pip-audit can read (`errored`).
    """
    if paths:
        return [_required(paths)]
    files = requirements(workspace)
    others = next(_others(workspace), [])
    if files and (not others or not all(map(_is_aside, files))):
        return [_required(files)]
    if files or others:
        return [*([_required(files)] if files else []), others]
    raise _nothing(workspace)


def requirements(workspace: Path) -> list[str]:
    """The requirements files of a project, relative to it."""
    found = [*workspace.glob("requirements*.txt"), *workspace.glob("requirements/*.txt")]
    return sorted(str(path.relative_to(workspace)) for path in found)


def _required(files: Sequence[str]) -> list[str]:
    return [option for file in files for option in ("--requirement", file)]


def _is_aside(file: str) -> bool:
    """Whether the name says that it is not for those who use the project."""
    words = re.split(r"[-_./]", file.removesuffix(".txt"))
    return not _ASIDE.isdisjoint(words)


def _others(workspace: Path) -> Iterator[list[str]]:
    if any(workspace.glob("pylock*.toml")):
        yield ["--locked", "."]
    if installed := sorted((workspace / PROJECT_ENVIRONMENT).glob("lib/python*/site-packages")):
        yield [option for folder in installed for option in ("--path", str(folder))]
    project = pyproject.table(workspace, "project") or {}
    dynamic = project.get("dynamic")
    if project.get("dependencies") or (isinstance(dynamic, list) and "dependencies" in dynamic):
        yield ["."]


def _nothing(workspace: Path) -> NoEvidence:
    if named := _named_elsewhere(workspace):
        return NoEvidence(
            f"pip-audit cannot read which packages {named} names",
            hint=f"install them into {PROJECT_ENVIRONMENT}, or write them to a requirements.txt",
            retryable=False,
        )
    verdict = Verdict.SKIPPED if is_python(workspace) else Verdict.VACUOUS
    told = "the project names no packages to audit"
    return NoEvidence(told, verdict=verdict, hint=NOTHING_HINT, retryable=False)


def _named_elsewhere(workspace: Path) -> str:
    """The file that names packages, but in no form that pip-audit takes; empty for none."""
    for name in _LOCKS:
        if (workspace / name).is_file():
            return name
    poetry = pyproject.table(workspace, "tool", "poetry", "dependencies") or {}
    project: dict[str, Any] = dict(pyproject.table(workspace, "project") or {})
    groups = pyproject.table(workspace, "dependency-groups")
    if set(poetry) - {"python"} or project.get("optional-dependencies") or groups:
        return pyproject.FILE
    if pyproject.ini_value(workspace / "setup.cfg", "options", "install_requires"):
        return "setup.cfg"
    return "setup.py" if "install_requires" in _text(workspace / "setup.py") else ""


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""
