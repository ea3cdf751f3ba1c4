"""What is said of a project by its own files: where its tests are, and with which Python they run."""

import configparser
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.programs import python_module

_USUAL = ("tests", "test")


def tests_folder(project: Path) -> str:
    """Where the project keeps its tests: as its settings of pytest say, else where one usually does."""
    for folder in (*_testpaths(project), *_USUAL):
        if (project / folder).is_dir() and not Path(folder).is_absolute():
            return folder
    return _USUAL[0]


def python_of_tests(project: Path) -> Path | None:
    """The Python that the project's tests run with; None where there is none to be seen."""
    try:
        argv = python_module(project, "pytest")
    except NoEvidence:
        return None
    return Path(argv[0]) if len(argv) > 1 else None


def lacks_nofx(python: Path) -> bool:
    """Whether a Python cannot import nofx, which the test of a handler does."""
    import subprocess

    if python == Path(sys.executable):
        return False
    look = "import importlib.util as u, sys; sys.exit(3 if u.find_spec('nofx_cli') is None else 0)"
    try:
        done = subprocess.run([python, "-c", look], cwd="/", capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 3


def _testpaths(project: Path) -> Iterator[str]:
    """The folders that the settings of pytest name, from the file that pytest would take."""
    for name, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(project / name, "utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        yield from parser.get(section, "testpaths", fallback="").split()
    yield from _testpaths_of_pyproject(project / "pyproject.toml")


def _testpaths_of_pyproject(file: Path) -> list[str]:
    try:
        found: object = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    for key in ("tool", "pytest", "ini_options", "testpaths"):
        found = found.get(key) if isinstance(found, dict) else None
    named = found if isinstance(found, list) else str(found or "").split()
    return [str(folder) for folder in named]
