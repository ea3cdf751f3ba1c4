"""The table `nofx_effects`: one row a change that was made, committed with it.

It is made when it is missing, in the schema of the database. Its format cannot be changed any more: see
docs/decisions/0018-a-row-beside-each-change.md.
"""

import json
from typing import Any

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, canonical_json
from nofx_cli.domain.record import record
from nofx_cli.handlers.database.session import Session
from nofx_cli.handlers.database.where import Bound, quoted_name

TABLE = "nofx_effects"
_COLUMNS = """\
  idempotency_key TEXT NOT NULL PRIMARY KEY,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  digest TEXT NOT NULL,
  "rows" BIGINT NOT NULL,
  result TEXT NOT NULL,
  "at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP"""
_LOCK = Bound("SELECT pg_advisory_xact_lock(72174093)")
"""Two that make the table at the same time would hinder each other."""


@record
class Account:
    """A row of it: what was changed, by which step. `result` is what the step's effect tells."""

    digest: str
    result: JsonObject


def find_account(session: Session, schema: str, key: str) -> Account | None:
    """The row of a change, None where it was not made; without the table, nothing was."""
    if session.table(TABLE) is None:
        return None
    found = session.select(Bound(f"SELECT digest, result FROM {_place(schema)} WHERE idempotency_key = ?", (key,)))
    return _account(found[0]) if found else None


def ensure_table(session: Session, schema: str) -> None:
    """Make the table where it is missing, in a transaction of its own.

    Raises:
        errors.InvalidInput: the user may not make it (code `database-no-accounts`); the hint is what to execute.
    """
    session.begin(write=False)
    missing = session.table(TABLE) is None
    session.rollback()
    if not missing:
        return
    text = f"CREATE TABLE IF NOT EXISTS {_place(schema)} (\n{_COLUMNS}\n)"
    session.begin(write=True)
    try:
        if session.dialect == "postgres":
            session.select(_LOCK)
        session.execute(Bound(text))
        session.commit()
    except errors.InvalidInput as exc:
        raise errors.InvalidInput(
            f"the table {TABLE}, in which nofx keeps account of what it changed, cannot be made: {exc.message}",
            code="database-no-accounts",
            hint=f"let its owner execute: {' '.join(text.split())}",
        ) from exc


def claim(session: Session, schema: str, key: str, *, run: str, step: str, digest: str) -> bool:
    """Write the row, first of all that the transaction does; False where it is there.

    Another transaction that is about to write it is waited for.
    """
    columns = 'idempotency_key, run, step, digest, "rows", result'
    text = (
        f"INSERT INTO {_place(schema)} ({columns}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (idempotency_key) DO NOTHING"
    )
    return session.execute(Bound(text, (key, run, step, digest, 0, "{}"))) == 1


def fill_in(session: Session, schema: str, key: str, *, rows: int, result: JsonObject) -> None:
    """Complete the row with what came of the change."""
    text = f'UPDATE {_place(schema)} SET "rows" = ?, result = ? WHERE idempotency_key = ?'
    session.execute(Bound(text, (rows, canonical_json(result), key)))


def _place(schema: str) -> str:
    return f"{quoted_name(schema)}.{quoted_name(TABLE)}"


def _account(row: dict[str, Any]) -> Account:
    return Account(str(row["digest"]), json.loads(row["result"]))
