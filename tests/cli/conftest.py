"""A project folder, the command line in it, and a store to write runs into."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.console import Console, Records
from tests.cli.runner import Runner


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Views show local time."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that nofx takes for a project, and the working folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "nofx.yaml").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(project: Path) -> Console:
    """`nofx`, in a project of its own."""
    return Console(project)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """The store that `cli` uses."""
    return Records(tmp_path / "store")


@pytest.fixture
def nofx(cli: Console, records: Records) -> Iterator[Runner]:
    """`nofx` with plans to run; whatever a test does, every run that it made must verify."""
    runner = Runner(cli, records)
    yield runner
    if list(records.store.runs()):
        cli.ok("verify", "--all")
