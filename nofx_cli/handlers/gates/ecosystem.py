"""What a project is made of, told by its own files."""

import os
from collections.abc import Iterator
from pathlib import Path

LEFT_BY_TOOLS = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".tox", ".nox", ".eggs",
})  # fmt: skip
"""Folders that are never the project's own."""
_PYTHON_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "Pipfile")
_NOT_ITS_OWN = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "dist", "build"})
_DEEPEST = 4
_MOST_ENTRIES = 20_000


def is_python(workspace: Path) -> bool:
    """Whether there is Python: a file that says so at the top, or a `.py` file not far below."""
    return _has_any(workspace, _PYTHON_FILES) or any(name.endswith(".py") for name in _names(workspace))


def is_javascript(workspace: Path) -> bool:
    """Whether there is a package of JavaScript or TypeScript."""
    return (workspace / "package.json").is_file()


def is_typescript(workspace: Path) -> bool:
    """Whether there is TypeScript to check."""
    return is_javascript(workspace) and (workspace / "tsconfig.json").is_file()


def is_project(workspace: Path) -> bool:
    """Whether there is anything of the kinds above."""
    return is_javascript(workspace) or is_python(workspace)


def _has_any(workspace: Path, names: tuple[str, ...]) -> bool:
    return any((workspace / name).is_file() for name in names)


def _names(workspace: Path) -> Iterator[str]:
    """The names of files, folder by folder from the top, so far as it is worth looking; nothing hidden."""
    folders, left = [(str(workspace), 0)], _MOST_ENTRIES
    for folder, depth in folders:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        left -= len(entries)
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _NOT_ITS_OWN:
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth < _DEEPEST:
                    folders.append((entry.path, depth + 1))
            else:
                yield entry.name
        if left < 0:
            return
