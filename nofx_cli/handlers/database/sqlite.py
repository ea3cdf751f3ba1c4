"""SQLite, by the module that Python has."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nofx_cli import errors
from nofx_cli.handlers.database.references import Reference
from nofx_cli.handlers.database.session import Busy, Lost, Table, refused_text
from nofx_cli.handlers.database.statement import Dialect
from nofx_cli.handlers.database.where import Bound, quoted_name

_ABORTING = re.compile(r"\A(?:INSERT|UPDATE)\b")
"""Where `OR ABORT` goes: a table may say `UNIQUE ON CONFLICT REPLACE`, and rows that nobody counted would be gone."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class SqliteSession:
    """Implements `session.Session`. References are held; the file is never made.

    Raises:
        errors.NotFound: there is no such file.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, wait_ms: int) -> None:
        self._path = path
        if not path.is_file():
            raise errors.NotFound(
                f"there is no database {path}",
                code="database-not-found",
                hint="nofx makes none: make it with `sqlite3`, or mend `url` in nofx.yaml",
            )
        with self._told():
            name = f"file:{quote(str(path))}?mode=rw"
            self._connection = sqlite3.connect(
                name, uri=True, timeout=wait_ms / 1000, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA foreign_keys = ON")

    def begin(self, *, write: bool) -> None:
        with self._told():
            self._connection.execute(f"PRAGMA query_only = {'OFF' if write else 'ON'}")
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def select(self, bound: Bound, *, most: int = 0, lock: bool = False) -> list[dict[str, Any]]:
        with self._told():
            cursor = self._connection.execute(bound.text, bound.values)
            found = cursor.fetchmany(most + 1) if most else cursor.fetchall()
            cursor.close()
        return [dict(row) for row in found]

    def execute(self, bound: Bound) -> int:
        with self._told():
            return max(self._connection.execute(_ABORTING.sub(r"\g<0> OR ABORT", bound.text), bound.values).rowcount, 0)

    def commit(self) -> None:
        with self._told():
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        with self._told():
            self._connection.execute("ROLLBACK")

    def table(self, name: str) -> Table | None:
        found = self.select(
            Bound(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND lower(name) = lower(?)",
                (name,),
            )
        )
        if not found:
            return None
        known = str(found[0]["name"])
        columns = self.select(Bound(f"PRAGMA table_xinfo({quoted_name(known)})"))
        return Table(known, frozenset(str(one["name"]).casefold() for one in columns), tuple(self._references()))

    def interrupt(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.interrupt()

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _references(self) -> list[Reference]:
        """All of them; tables by their names as they were made."""
        tables = [str(one["name"]) for one in self.select(Bound("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        known = {name.casefold(): name for name in tables}
        found = []
        for child in tables:
            for one in self.select(Bound(f"PRAGMA foreign_key_list({quoted_name(child)})")):
                parent = known.get(str(one["table"]).casefold(), str(one["table"]))
                found.append(Reference(child, parent, str(one["on_delete"]), str(one["on_update"])))
        return found

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite raises, in nofx's words."""
        try:
            yield
        except sqlite3.OperationalError as exc:
            code = getattr(exc, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in _BUSY:
                hint = "another program is writing to it; try again"
                raise Busy(f"the database {self._path} is busy", hint=hint) from exc
            if code is not None and code & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN):
                raise Lost(f"the database {self._path} cannot be used: {exc}") from exc
            raise _refused(exc) from exc
        except UnicodeEncodeError as exc:
            raise refused_text(exc) from None
        except (sqlite3.Error, OverflowError) as exc:
            raise _refused(exc) from exc


def _refused(exc: Exception) -> errors.InvalidInput:
    return errors.InvalidInput(f"the database refuses it: {exc}", code="database-refused")
