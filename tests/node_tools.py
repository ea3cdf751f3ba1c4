"""The programs of JavaScript that gates run, as `make test` installs them with npm."""

import os
from pathlib import Path

import pytest

_MODULES = Path(__file__).parent / "tools" / "javascript" / "node_modules"
_IN_CI = bool(os.environ.get("CI"))  # read before a test takes it out of the environment


def node_modules() -> Path:
    """The folder of packages; the test is skipped where they are not installed, but fails in CI."""
    if not (_MODULES / ".installed").exists():
        missing = "the programs of tests/tools/javascript are not installed: run make test, which needs npm"
        (pytest.fail if _IN_CI else pytest.skip)(missing)
    return _MODULES


def link_into(project: Path) -> None:
    """Let a project have the programs as if it had installed them itself."""
    (project / "node_modules").symlink_to(node_modules())
