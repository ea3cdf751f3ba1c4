"""Databases for tests: a file of SQLite, and a schema of its own in a real PostgreSQL.

`NOFX_TEST_POSTGRES` says where that is: `host:port`, by default 127.0.0.1:5432. Where none answers, tests that need it
are skipped, and fail in CI.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from nofx_cli.domain.databases import DatabaseSpec

PLACE = os.environ.get("NOFX_TEST_POSTGRES") or "127.0.0.1:5432"
IN_CI = os.environ.get("CI") == "true"
"""Both are read before a test's environment is made."""
USERS = ("postgres", "root")


class DatabaseUnderTest(Protocol):
    """A database, and the eyes of a test into it."""

    kind: str
    schema: str
    url: str

    @property
    def settings(self) -> str:
        """What nofx.yaml says of it, under the name `main`."""
        ...

    def execute(self, *texts: str) -> None:
        """Execute statements, each committed."""
        ...

    def rows(self, text: str) -> list[tuple[Any, ...]]: ...

    @contextmanager
    def transaction(self, *texts: str) -> Iterator[None]:
        """Another's transaction, open while the block lasts; then rolled back."""
        ...


def spec_of(database: DatabaseUnderTest, name: str = "main") -> DatabaseSpec:
    """As `nofx.yaml` would have it."""
    return DatabaseSpec(name, url=database.url, schema=database.schema)


class SqliteFile:
    """A file. Made empty."""

    kind, schema = "sqlite", "main"

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"sqlite:{path}"
        self.execute("pragma user_version = 1")

    @property
    def settings(self) -> str:
        return f"databases: {{main: {{url: 'sqlite:{self.path}'}}}}\n"

    def execute(self, *texts: str) -> None:
        with closing(self._connect()) as connection:
            for text in texts:
                connection.execute(text)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        with closing(self._connect()) as connection:
            return connection.execute(text).fetchall()

    @contextmanager
    def transaction(self, *texts: str) -> Iterator[None]:
        with closing(self._connect()) as connection:
            connection.execute("begin immediate")
            for text in texts:
                connection.execute(text)
            yield
            connection.execute("rollback")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, timeout=30)


class PostgresSchema:
    """A schema of a real PostgreSQL."""

    kind = "postgres"

    def __init__(self, address: str, schema: str) -> None:
        self.url, self.schema = address, schema

    @property
    def settings(self) -> str:
        return f"databases: {{main: {{url: '{self.url}', schema: {self.schema}}}}}\n"

    def execute(self, *texts: str) -> None:
        with self._connect() as connection:
            for text in texts:
                connection.execute(text)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        with self._connect() as connection:
            return list(connection.execute(text).fetchall())

    @contextmanager
    def transaction(self, *texts: str) -> Iterator[None]:
        with self._connect() as connection:
            connection.execute("begin")
            for text in texts:
                connection.execute(text)
            yield
            connection.execute("rollback")

    def _connect(self) -> Any:
        import psycopg

        return psycopg.connect(self.url, autocommit=True, options=f"-c search_path={self.schema}", connect_timeout=5)


@contextmanager
def postgres_schema() -> Iterator[PostgresSchema]:
    """A new schema, which is dropped afterwards."""
    address = postgres_address()
    if address is None:
        told = f"no PostgreSQL answers at {PLACE} (NOFX_TEST_POSTGRES)"
        if IN_CI:
            pytest.fail(told)
        pytest.skip(told)
    database = PostgresSchema(address, f"nofx_test_{uuid4().hex[:12]}")
    database.execute(f"create schema {database.schema}")
    try:
        yield database
    finally:
        database.execute(f"drop schema {database.schema} cascade")


@cache
def postgres_address() -> str | None:
    """The address of the PostgreSQL for tests, None where none answers."""
    import psycopg

    for user in USERS:
        address = f"postgresql://{user}@{PLACE}/postgres"
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.Error:
            continue
        return address
    return None


def with_table(database: DatabaseUnderTest, rows: Sequence[tuple[object, ...]] = ()) -> None:
    """A table `orders`, and `changes`, in which a trigger notes each change of a row of it."""
    database.execute("create table orders (id integer primary key, state text, total integer)")
    database.execute("create table changes (what text, id integer)")
    for what, row in (("insert", "new"), ("update", "new"), ("delete", "old")):
        note = f"insert into changes values ('{what}', {row}.id)"
        if database.kind == "sqlite":
            database.execute(f"create trigger t_{what} after {what} on orders begin {note}; end")
        else:
            body = f"begin {note}; return null; end"
            database.execute(
                f"create function t_{what}() returns trigger language plpgsql as $$ {body} $$",
                f"create trigger t_{what} after {what} on orders for each row execute function t_{what}()",
            )
    fill(database, rows)


def fill(database: DatabaseUnderTest, rows: Sequence[tuple[object, ...]]) -> None:
    """Make these the rows of `orders`; nothing is noted of that."""
    values = ", ".join(f"({number}, '{state}', {total})" for number, state, total in rows)
    database.execute("delete from orders", *([f"insert into orders values {values}"] if rows else []))
    database.execute("delete from changes")
