"""A pytest without plugins, as `pipx install 'nofx-cli[gates]'` gives; it starts faster than most tests take."""

import shlex
import sys
from pathlib import Path


def make_environment(folder: Path) -> Path:
    """Make what is taken for an active virtual environment (`VIRTUAL_ENV`), which has that pytest; gives the folder."""
    pytest = folder / "bin" / "pytest"
    pytest.parent.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    pytest.write_text(f'#!/bin/sh\nPYTEST_DISABLE_PLUGIN_AUTOLOAD=1 exec {python} -m pytest "$@"\n')
    pytest.chmod(0o755)
    return folder
