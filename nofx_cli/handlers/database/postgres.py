"""PostgreSQL, by SQLAlchemy and psycopg: the extra `db`."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nofx_cli import errors
from nofx_cli.handlers.database.references import Reference
from nofx_cli.handlers.database.session import Busy, Lost, Table, refused_text
from nofx_cli.handlers.database.statement import Dialect
from nofx_cli.handlers.database.where import Bound

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_TRY_AGAIN = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock not available."""
_CANCELLED = "57014"
_OF_THE_SERVER = ("08", "57", "53", "28", "3D")
_UNKNOWN = "40003"
"""Nobody can tell whether a statement was completed."""
_CONNECT_SECONDS = 10
_KIND = """
SELECT c.oid AS oid, c.relname AS name FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p')
"""
_COLUMNS = """
SELECT attname AS name FROM pg_catalog.pg_attribute WHERE attrelid = ? AND attnum > 0 AND NOT attisdropped
"""
_REFERENCES = """
SELECT CASE WHEN cn.nspname = ? THEN c.relname ELSE cn.nspname || '.' || c.relname END AS child,
  CASE WHEN pn.nspname = ? THEN p.relname ELSE pn.nspname || '.' || p.relname END AS parent,
  k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' ORDER BY 1, 2
"""
_HEIRS = """
WITH RECURSIVE heirs AS (
  SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = ?
  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN heirs h ON i.inhparent = h.inhrelid
)
SELECT CASE WHEN n.nspname = ? THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
  c.relispartition AS is_part
FROM heirs JOIN pg_catalog.pg_class c ON c.oid = heirs.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') ORDER BY 1
"""
_MOST_VALUES = 65_535
"""How many values a statement may have, by the protocol."""
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


class PostgresSession:
    """Implements `session.Session`. `url` has the password; nothing of it is told.

    A transaction sees one state of the database (`REPEATABLE READ`): where others change the same rows meanwhile it
    is `Busy`. Names without a schema are looked up in `schema` alone.
    """

    dialect: Dialect = "postgres"

    def __init__(self, url: "URL", *, schema: str, wait_ms: int, time_limit_ms: int) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        self._schema, self._place = schema, f"{url.host or 'the local socket'}, database {url.database}"
        self._secret = str(url.password or "")
        options = f'-c lock_timeout={wait_ms} -c statement_timeout={time_limit_ms} -c search_path="{schema}"'
        given = {"connect_timeout": _CONNECT_SECONDS, "options": options, "application_name": "nofx"}
        with self._told():
            engine = create_engine(
                url, poolclass=NullPool, isolation_level="REPEATABLE READ", connect_args=given, hide_parameters=True
            )
            self._connection: Connection = engine.connect()

    def begin(self, *, write: bool) -> None:
        with self._told():
            self._connection.execution_options(postgresql_readonly=not write)
            self._connection.begin()

    def select(self, bound: Bound, *, most: int = 0, lock: bool = False) -> list[dict[str, Any]]:
        text = f"{bound.text} FOR UPDATE" if lock else bound.text
        with self._told():
            result = self._execute(Bound(text, bound.values))
            rows = result.mappings()
            found = rows.fetchmany(most + 1) if most else rows.all()
            result.close()
        return [dict(row) for row in found]

    def execute(self, bound: Bound) -> int:
        with self._told():
            return max(int(self._execute(bound).rowcount), 0)

    def commit(self) -> None:
        with self._told():
            self._connection.commit()

    def rollback(self) -> None:
        with self._told():
            self._connection.rollback()

    def table(self, name: str) -> Table | None:
        found = self.select(Bound(_KIND, (self._schema, name)))
        if not found:
            return None
        oid = int(found[0]["oid"])
        columns = self.select(Bound(_COLUMNS, (oid,)))
        heirs = self.select(Bound(_HEIRS, (oid, self._schema)))
        return Table(
            name,
            frozenset(str(one["name"]).casefold() for one in columns),
            tuple(self._references()),
            heirs=tuple(str(one["name"]) for one in heirs if not one["is_part"]),
            partitions=tuple(str(one["name"]) for one in heirs if one["is_part"]),
        )

    def _references(self) -> list[Reference]:
        return [
            Reference(
                str(one["child"]),
                str(one["parent"]),
                _ACTIONS.get(str(one["on_delete"]), ""),
                _ACTIONS.get(str(one["on_update"]), ""),
            )
            for one in self.select(Bound(_REFERENCES, (self._schema, self._schema)))
        ]

    def interrupt(self) -> None:
        with contextlib.suppress(Exception):
            driver: Any = self._connection.connection.driver_connection
            driver.cancel()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.invalidate()  # closes it: what was not committed is rolled back by the server
            self._connection.close()

    def _execute(self, bound: Bound) -> Any:
        if len(bound.values) > _MOST_VALUES:
            raise errors.InvalidInput(
                f"the statement has {len(bound.values)} values, and PostgreSQL takes {_MOST_VALUES}",
                code="database-refused",
                hint="take it apart into several steps",
            )
        text = bound.text.replace("%", "%%").replace("?", "%s")
        return self._connection.exec_driver_sql(text, tuple(bound.values))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLAlchemy and psycopg raise, in nofx's words. What PostgreSQL adds below its message has values."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            yield
        except DBAPIError as exc:
            raise self._fault(exc) from None
        except UnicodeEncodeError as exc:
            raise refused_text(exc) from None
        except SQLAlchemyError as exc:
            raise errors.InvalidInput(
                f"the database cannot be used: {type(exc).__name__}", code="database-refused"
            ) from None

    def _fault(self, exc: Any) -> errors.NofxError:
        state = getattr(exc.orig, "sqlstate", None)
        message = getattr(getattr(exc.orig, "diag", None), "message_primary", None)
        if state in _TRY_AGAIN:
            return Busy(f"the database {self._place} is busy: {message}", hint="others change the same rows; try again")
        if state == _CANCELLED:
            return Busy(f"the database {self._place} took too long: {message}", code="database-timeout")
        if state is None and _is_about_a_value(exc.orig):
            return errors.InvalidInput(f"the database refuses it: {exc.orig}", code="database-refused")
        if state is None or state[:2] in _OF_THE_SERVER or state == _UNKNOWN or exc.connection_invalidated:
            said = (message or str(exc.orig)).strip().splitlines()
            why = said[-1] if said else "the connection broke"
            why = why.replace(self._secret, "***") if self._secret else why
            hint = "see that it runs, and mend `url` or `password` in nofx.yaml, below `databases`"
            return Lost(f"the database at {self._place} cannot be reached: {why}", hint=hint)
        return errors.InvalidInput(f"the database refuses it: {message}", code="database-refused")


def _is_about_a_value(exc: object) -> bool:
    """Whether psycopg itself refuses a value: it sent nothing, and says which kind of sign, never the value."""
    import psycopg

    return isinstance(exc, psycopg.DataError | psycopg.ProgrammingError | psycopg.NotSupportedError)
