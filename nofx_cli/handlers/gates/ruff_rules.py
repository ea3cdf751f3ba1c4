"""Which files ruff examined by a rule. Settings may lie in any folder, and those of one may select no rule at all."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from nofx_cli.handlers.gates.evidence import read_report

_SETTINGS = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_NO_RULE = "linter.rules.enabled = []"


def without_rule(files: Sequence[str], workspace: Path, ask: Callable[[str], Path]) -> int:
    """How many of `files` no rule is selected for; `ask` writes down what settings ruff has for a file.

    Files below the same settings file are asked for once.
    """
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(_nearest(workspace / file, workspace), []).append(file)
    return sum(len(group) for group in groups.values() if _selects_nothing(ask(group[0])))


def _nearest(file: Path, workspace: Path) -> str:
    """The nearest folder above a file that may have settings; whether they are ruff's, ruff itself knows."""
    for folder in file.parents:
        if folder == workspace or any(os.path.lexists(folder / name) for name in _SETTINGS):
            return str(folder)
    return ""


def _selects_nothing(settings: Path) -> bool:
    return _NO_RULE in read_report(settings, by="ruff").decode(errors="replace").splitlines()
