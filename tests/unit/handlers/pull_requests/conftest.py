"""A scene for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge_server import ForgeServer
from tests.unit.handlers.pull_requests.scene import TOKEN, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ForgeServer(tmp_path / "bare.git", token=TOKEN) as forge:
        yield Scene(tmp_path, forge)
