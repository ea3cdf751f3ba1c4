"""A scene for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forge_server import ForgeServer
from tests.unit.handlers.pull_requests.scene import TOKEN, Scene, make_repositories


@pytest.fixture(scope="session")
def repositories() -> Callable[[Path], Path]:
    """Where repositories are that scenes copy; made by the first test that asks, which has an identity for git."""
    made: list[Path] = []

    def of_session(folder: Path) -> Path:
        if not made:
            made.append(make_repositories(folder))
        return made[0]

    return of_session


@pytest.fixture
def scene(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, repositories: Callable[[Path], Path]
) -> Iterator[Scene]:
    before = repositories(tmp_path_factory.getbasetemp() / "pull-request-repositories")
    with ForgeServer(tmp_path / "bare.git", token=TOKEN) as forge:
        yield Scene(tmp_path, forge, before=before)
