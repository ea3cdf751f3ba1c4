"""Which projects of TypeScript a workspace has: `tsconfig.json`, and those that it only points to.

A `tsconfig.json` may point to other projects by `references`: tsc checks none of their files with it, so they are
projects beside it; where it has no files of its own (`files: []`), instead of it.
"""

import os
from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.jsonc import json_with_comments

FILE = "tsconfig.json"
_MOST = 50


def projects(workspace: Path, start: str = FILE) -> list[str]:
    """The settings files below the workspace, relative to it, whose files are to be checked."""
    found: list[str] = []
    waiting = [start]
    for name in waiting:
        settings = read_settings(workspace / name)
        references = _references(workspace, name, settings)
        new = [one for one in dict.fromkeys(references) if one not in waiting]
        waiting += new[: max(_MOST - len(waiting), 0)]
        if not references or settings.get("files") != [] or "include" in settings:
            found.append(name)
    return found


def read_settings(file: Path) -> dict[str, Any]:
    """The settings as they stand there, with comments and trailing commas; empty where they cannot be read.

    What is wrong with them tsc says itself.
    """
    try:
        read = json_with_comments(file.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _references(workspace: Path, name: str, settings: dict[str, Any]) -> list[str]:
    listed = settings.get("references")
    paths = [one.get("path") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [found for path in paths if isinstance(path, str) and (found := _below(workspace, name, path))]


def _below(workspace: Path, name: str, path: str) -> str:
    """The settings file that a reference names; empty where it is not there, or not in the workspace."""
    target = os.path.normpath(Path(name).parent / path)
    named = target if target.endswith(".json") else os.path.join(target, FILE)
    inside = not os.path.isabs(named) and not named.startswith("..")
    return named if inside and (workspace / named).is_file() else ""
