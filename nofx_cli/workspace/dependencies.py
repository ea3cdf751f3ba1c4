"""The packages that a project has installed (`.venv`, `venv`, `node_modules`), lent to a worktree.

Git ignores them, so a worktree does not have them, and its gates would not find the project's own tools. A folder of
that name is made in the worktree, with a link for each thing in it and a `.gitignore` that leaves all out: a single
link in its place would be a file to git, which a rule like `.venv/` does not cover. Caches that tools keep among the
packages are not lent. What is written *through* a link is written into the project, as it would be there.
"""

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from nofx_cli.safety.git_command import Git

FOLDERS = (".venv", "venv", "node_modules")
_HIDDEN_BUT_LENT = frozenset({".bin", ".pnpm", ".modules.yaml", ".package-lock.json", ".yarn-state.yml", ".store"})
_IGNORE = ".gitignore"


def lent_folders(project: Path) -> list[Path]:
    """The folders of the project that hold packages, and that git does not have and would not take."""
    there = [name for name in FOLDERS if (project / name).is_dir()]
    if not there:
        return []
    options = ("-z", "--cached", "--others", "--exclude-standard", "--directory", "--no-empty-directory")
    told = os.fsdecode(Git(project).do("ls-files", *options, "--", *there))
    own = {name.partition("/")[0] for name in told.split("\0")}
    return [project / name for name in there if name not in own]


def lend(project: Path, folder: Path) -> None:
    """Let `folder`, the project's in a worktree, have the project's packages; what is there already stays."""
    for packages in lent_folders(project):
        target = folder / packages.name
        if os.path.lexists(target):
            continue
        target.mkdir()
        (target / _IGNORE).write_text("*\n", encoding="ascii")
        with os.scandir(packages) as entries:
            for entry in entries:
                if entry.name != _IGNORE and (entry.name[0] != "." or entry.name in _HIDDEN_BUT_LENT):
                    (target / entry.name).symlink_to(packages.resolve() / entry.name)


def import_path(project: Path, folder: Path) -> Mapping[str, str]:
    """The variable by which Python finds the worktree's sources where the project is installed as editable.

    Such an installation leads to the project's own folder: what is tested would be the user's files, not the run's.
    """
    found = dict.fromkeys(_editable(project))
    inside = [folder / path.relative_to(project) for path in found if path.is_relative_to(project)]
    return {"PYTHONPATH": os.pathsep.join(map(str, inside))} if inside else {}


def _editable(project: Path) -> Iterator[Path]:
    """The folders that environments add to Python's path, and those that finders map packages to.

    Gates use the tools of the project's own environment, of the one that is active, or of nofx's.
    """
    active = os.environ.get("VIRTUAL_ENV")
    for environment in (
        *(project / name for name in FOLDERS[:2]),
        *([Path(active)] if active else []),
        Path(sys.prefix),
    ):
        for packages in sorted(environment.glob("lib/python*/site-packages")):
            for file in sorted(packages.glob("*.pth")):
                yield from (Path(line) for line in _lines(file) if os.path.isabs(line))
            for file in sorted(packages.glob("__editable__*_finder.py")):
                yield from (Path(place).parent for place in _mapped(file))


def _lines(file: Path) -> list[str]:
    with suppress(OSError, ValueError):
        return [line.strip() for line in file.read_text("utf-8").splitlines()]
    return []


def _mapped(file: Path) -> list[str]:
    """What a finder that setuptools wrote maps packages to: `MAPPING: dict[str, str] = {"package": "/place"}`."""
    with suppress(OSError, ValueError, SyntaxError):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "MAPPING":
                mapping = ast.literal_eval(node.value) if node.value else {}
                return [str(place) for place in mapping.values()]
    return []
