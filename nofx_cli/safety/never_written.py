"""What no step may write, whatever rules allow: what decides what other steps may do, and code that nofx or git runs.

`.git` anywhere in the workspace; at its top `nofx.yaml` and `nofx_handlers`; the store. Links are followed: what
`nofx.yaml` leads to is as good as `nofx.yaml`. Python's cache of compiled modules is none of it, for nofx reads only
the sources of handlers.
"""

import os
from pathlib import Path

from nofx_cli.config.settings import SETTINGS_FILE
from nofx_cli.safety.paths import is_git

GIT, STORE = ".git", "the store"
HANDLERS = "nofx_handlers"
"""The folder of the project's own handlers, which run inside of nofx."""
STEERING = (SETTINGS_FILE, HANDLERS)
"""What is looked at after every step, also where no rule says what it may write."""
NEVER_WRITTEN = (GIT, *STEERING)
CACHE = "__pycache__"


def protects(workspace: Path, store: Path, path: str) -> str:
    """Which of these a path below the workspace lies in, links followed; empty where in none."""
    base, target = followed(workspace), followed(workspace, path)
    inside = target.relative_to(base).parts if target.is_relative_to(base) else ()
    if any(map(is_git, (*path.split("/"), *inside))):
        return GIT
    if CACHE not in path.split("/"):
        for name in STEERING:
            if path.split("/", maxsplit=1)[0] == name or target.is_relative_to(followed(workspace, name)):
                return name
    if not base.is_relative_to(followed(store)) and target.is_relative_to(followed(store)):
        return STORE
    return ""


def followed(folder: Path, path: str = "") -> Path:
    """Where a path leads; as far as it goes, where links lead round in a circle."""
    return Path(os.path.realpath(folder / path))
