"""A project and the program in it; whatever a test does, every run that it made must verify."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.acceptance.workplace import Workplace


@pytest.fixture
def nofx(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare_pytest: Path
) -> Iterator[Program]:
    """`nofx` in a project of its own, with a short grace for what is stopped."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "nofx.yaml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NOFX_GRACE", "300ms")
    monkeypatch.setenv("VIRTUAL_ENV", str(bare_pytest))
    program = Program(folder, tmp_path / "store")
    program.begins_cold |= request.node.get_closest_marker("cold") is not None
    yield program
    program.close()
    program.nothing_is_left()
    program.every_run_verifies()


@pytest.fixture
def work(nofx: Program) -> Iterator[Workplace]:
    """Workers in that project; none outlives the test."""
    workplace = Workplace(nofx)
    yield workplace
    workplace.close()
