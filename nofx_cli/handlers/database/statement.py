"""A change as it will be executed: texts with bound values, what they touch, and how that is counted beforehand."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from nofx_cli.domain.ids import Digest, JsonObject, JsonValue, digest_of
from nofx_cli.domain.record import record
from nofx_cli.handlers.database.inputs import key_of, rows_of
from nofx_cli.handlers.database.where import Bound, columns_in, condition_of, quoted_name

Dialect: TypeAlias = Literal["sqlite", "postgres"]


@record
class Statement:
    """What is executed, in one transaction.

    Attributes:
        operation: insert, update, upsert, delete or ddl.
        table: what is changed. `reads` are other tables that it looks at.
        columns: all that are named; each must be one of these tables'.
        changes: executed one after the other.
        touched: select the rows that are there and will be replaced or taken away.
        counted: select one number each; together, how many rows those are.
        rows: how many rows are written, where that is known by itself; else it is what `counted` says.
        by_sql: it was written as SQL.
    """

    operation: str
    table: str
    changes: tuple[Bound, ...]
    reads: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    touched: tuple[Bound, ...] = ()
    counted: tuple[Bound, ...] = ()
    rows: int | None = None
    by_sql: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that it names."""
        return tuple(dict.fromkeys((self.table, *self.reads)))

    def digest(self, database: str) -> Digest:
        """SHA-256 of what is done, and where."""
        changes: list[JsonValue] = [[one.text, list(one.values)] for one in self.changes]
        return digest_of({"database": database, "operation": self.operation, "table": self.table, "changes": changes})


def statement_of(operation: str, part: JsonObject, *, schema: str) -> Statement:
    """The statement of an operation whose part of the inputs has no faults."""
    table = str(part["table"])
    return _BUILDERS[operation](table, f"{quoted_name(schema)}.{quoted_name(table)}", part)


def plain(value: JsonValue) -> JsonValue:
    """A value as a database takes it: what has a structure, as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | Mapping) else value


def selecting(place: str, condition: Bound) -> tuple[Bound, Bound]:
    """The rows that a condition is true of, and how many those are."""
    return (
        Bound(f"SELECT * FROM {place} WHERE {condition.text}", condition.values),
        Bound(f"SELECT count(*) FROM {place} WHERE {condition.text}", condition.values),
    )


def _insert(table: str, place: str, part: JsonObject) -> Statement:
    rows = rows_of(part)
    columns = tuple(rows[0])
    changes = tuple(_inserted(place, columns, row) for row in rows)
    return Statement("insert", table, changes, columns=columns, rows=len(rows))


def _upsert(table: str, place: str, part: JsonObject) -> Statement:
    rows, key = rows_of(part), key_of(part)
    columns = tuple(rows[0])
    changes = tuple(_upserted(_inserted(place, columns, row), columns, key) for row in rows)
    found = [selecting(place, condition_of({name: row[name] for name in key})) for row in rows]
    touched, counted = tuple(one for one, _ in found), tuple(one for _, one in found)
    named = tuple(dict.fromkeys((*columns, *key)))
    return Statement("upsert", table, changes, columns=named, touched=touched, counted=counted, rows=len(rows))


def _update(table: str, place: str, part: JsonObject) -> Statement:
    values, where = part["values"], part["where"]
    assert isinstance(values, Mapping)
    condition, set_to = condition_of(where), ", ".join(f"{quoted_name(name)} = ?" for name in values)
    bound = (*map(plain, values.values()), *condition.values)
    touched, counted = selecting(place, condition)
    return Statement(
        "update",
        table,
        (Bound(f"UPDATE {place} SET {set_to} WHERE {condition.text}", bound),),
        columns=(*values, *columns_in(where)),
        touched=(touched,),
        counted=(counted,),
    )


def _delete(table: str, place: str, part: JsonObject) -> Statement:
    condition = condition_of(part["where"])
    touched, counted = selecting(place, condition)
    change = Bound(f"DELETE FROM {place} WHERE {condition.text}", condition.values)
    return Statement(
        "delete", table, (change,), columns=tuple(columns_in(part["where"])), touched=(touched,), counted=(counted,)
    )


_BUILDERS = {"insert": _insert, "upsert": _upsert, "update": _update, "delete": _delete}


def _inserted(place: str, columns: Sequence[str], row: Mapping[str, JsonValue]) -> Bound:
    names, marks = ", ".join(map(quoted_name, columns)), ", ".join("?" * len(columns))
    return Bound(f"INSERT INTO {place} ({names}) VALUES ({marks})", tuple(plain(row[name]) for name in columns))


def _upserted(inserted: Bound, columns: Sequence[str], key: Sequence[str]) -> Bound:
    set_to = ", ".join(f"{quoted_name(name)} = excluded.{quoted_name(name)}" for name in columns if name not in key)
    then = f"DO UPDATE SET {set_to}" if set_to else "DO NOTHING"
    return Bound(f"{inserted.text} ON CONFLICT ({', '.join(map(quoted_name, key))}) {then}", inserted.values)
