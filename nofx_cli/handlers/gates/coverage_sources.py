"""What `gate:coverage` measures where a project does not say it: all from where its modules can be imported.

Below a folder that it is told to measure, coverage.py goes into packages only: of `src/shop/` it would count what
tests import, and nothing of a module that no test touches. So such folders are named one by one:

- the workspace itself;
- a folder that is no package and has one right below, as `src` or `services/shop` do;
- a folder named `src` and, as packages need no `__init__.py`, those below it that have modules.

Folders of tests are not gone into: their modules are measured where they are imported.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_NOT_GONE_INTO = frozenset({"node_modules", "venv", "site-packages", "dist", "build", "tests", "test"})
_DEEPEST = 5
_MOST_FOLDERS = 2000


def import_roots(workspace: Path, store: Path) -> list[str]:
    """The folders, relative to the workspace, which comes first; sorted."""
    return [".", *sorted(os.path.relpath(folder, workspace) for folder in _roots(workspace, store))]


def _roots(workspace: Path, store: Path) -> Iterator[Path]:
    waiting = [(folder, 1, False) for folder in _folders(workspace, store)]
    for folder, depth, below_src in waiting:
        if (folder / "__init__.py").is_file():
            continue
        below, in_src = _folders(folder, store), below_src or folder.name == "src"
        if any((one / "__init__.py").is_file() for one in below) or (in_src and any(folder.glob("*.py"))):
            yield folder
        if depth < _DEEPEST and len(waiting) < _MOST_FOLDERS:
            waiting += [(one, depth + 1, in_src) for one in below]


def _folders(folder: Path, store: Path) -> list[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False) and _is_own(entry, store)]


def _is_own(entry: "os.DirEntry[str]", store: Path) -> bool:
    if entry.name.startswith((".", "__")) or entry.name in _NOT_GONE_INTO:
        return False
    return Path(entry.path) != store and not os.path.lexists(os.path.join(entry.path, "pyvenv.cfg"))
