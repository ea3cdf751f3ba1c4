"""The two databases, and a handler that knows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import DatabaseUnderTest, SqliteFile, postgres_schema


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseUnderTest]:
    """Each test is for both."""
    if request.param == "sqlite":
        yield SqliteFile(tmp_path / "shop.db")
        return
    with postgres_schema() as schema:
        yield schema
