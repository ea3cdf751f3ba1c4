"""What a `db_write` step says, and what is wrong with it. Values may still be templates."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.database.where import where_faults
from nofx_cli.handlers.inputs import Field, faults_of, is_template

CHANGES = ("insert", "update", "upsert", "delete")
OPERATIONS = (*CHANGES, "sql")
MAX_ROWS = 1000
"""How many rows a step may touch where it does not say."""
FIELDS = {
    "database": Field(("text",), required=True),
    **{name: Field(("mapping",)) for name in CHANGES},
    "sql": Field(("text",)),
    "params": Field(("mapping",)),
    "max_rows": Field(("number",)),
    "message": Field(("text",)),
}
_TABLE = {"table": Field(("text",), required=True)}
_ROWS = {"values": Field(("mapping",)), "rows": Field(("list",))}
_PARTS: Mapping[str, Mapping[str, Field]] = {
    "insert": {**_TABLE, **_ROWS},
    "update": {**_TABLE, "values": Field(("mapping",), required=True), "where": Field(("mapping", "list"), True)},
    "upsert": {**_TABLE, **_ROWS, "key": Field(("text", "list"), required=True)},
    "delete": {**_TABLE, "where": Field(("mapping", "list"), True)},
}
_NAME = re.compile(r"[^\W\d][\w -]{0,62}")
NAME_FORM = "letters, digits, `_`, `-` and blanks, at most 63, a letter or `_` first"


def is_name(text: object) -> bool:
    """Whether a text can be the name of a table or a column here."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and "--" not in text


def operation_of(inputs: JsonObject) -> str:
    """Which of the operations the step says; `sql` where it says none or several, as the most dangerous one."""
    said = [name for name in OPERATIONS if name in inputs]
    return said[0] if len(said) == 1 else "sql"


def inputs_faults(inputs: JsonObject) -> list[str]:
    """What is wrong with the inputs."""
    return faults_of(inputs, FIELDS) or [*_choice_faults(inputs), *_number_faults(inputs), *_part_faults(inputs)]


def rows_of(part: JsonObject) -> list[Mapping[str, JsonValue]]:
    """The rows of an insert or an upsert."""
    values, rows = part.get("values"), part.get("rows")
    if isinstance(values, Mapping):
        return [values]
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def key_of(part: JsonObject) -> list[str]:
    """The columns by which an upsert knows a row."""
    key = part.get("key")
    if isinstance(key, str):
        return [key]
    return [str(name) for name in key] if isinstance(key, list | tuple) else []


def _choice_faults(inputs: JsonObject) -> Iterator[str]:
    said = [name for name in OPERATIONS if name in inputs]
    if len(said) != 1:
        listed = ", ".join(f"`{name}`" for name in OPERATIONS)
        yield f"give one of {listed}" + (f", not {' and '.join(said)}" if said else "")
    if "params" in inputs and "sql" not in inputs:
        yield "`params` go with `sql`"
    sql = inputs.get("sql", "there")
    if isinstance(sql, str) and not sql.strip():
        yield "`sql` is empty"


def _number_faults(inputs: JsonObject) -> Iterator[str]:
    most = inputs.get("max_rows", MAX_ROWS)
    if isinstance(most, int) and most < 1:
        yield f"`max_rows` must be 1 or more, not {most}"


def _part_faults(inputs: JsonObject) -> Iterator[str]:
    for name in CHANGES:
        part = inputs.get(name)
        if isinstance(part, Mapping):
            faults = faults_of(part, _PARTS[name]) or list(_CHECKS[name](part))
            yield from (f"in `{name}`: {fault}" for fault in faults)


def _table_faults(part: JsonObject) -> Iterator[str]:
    table = part["table"]
    if not is_template(table) and not is_name(table):
        yield f"`table` must be the name of a table ({NAME_FORM}), not {table!r}"


def _insert_faults(part: JsonObject) -> Iterator[str]:
    yield from _table_faults(part)
    if ("values" in part) == ("rows" in part):
        yield "give either `values`, for one row, or `rows`"
    rows = part.get("rows", [part.get("values")])
    if isinstance(rows, list | tuple):
        yield from _row_faults(rows)


def _row_faults(rows: Sequence[JsonValue]) -> Iterator[str]:
    if not rows:
        yield "`rows` is empty"
    for place, row in enumerate(rows):
        what = "`values`" if len(rows) == 1 else f"`rows[{place}]`"
        if isinstance(row, Mapping):
            yield from _values_faults(row, what)
        elif not is_template(row) and row is not None:
            yield f"{what} must be a mapping of columns to values"
    columns = [set(row) for row in rows if isinstance(row, Mapping)]
    if any(one != columns[0] for one in columns[1:]):
        yield "every row must have the same columns"


def _values_faults(values: JsonObject, what: str) -> Iterator[str]:
    if not values:
        yield f"{what} is empty"
    yield from (f"{what} has the column {name!r}; a name has {NAME_FORM}" for name in values if not is_name(name))


def _update_faults(part: JsonObject) -> Iterator[str]:
    yield from _table_faults(part)
    if isinstance(part["values"], Mapping):
        yield from _values_faults(part["values"], "`values`")
    yield from where_faults(part["where"], is_name)


def _delete_faults(part: JsonObject) -> Iterator[str]:
    yield from _table_faults(part)
    yield from where_faults(part["where"], is_name)


def _upsert_faults(part: JsonObject) -> Iterator[str]:
    yield from _insert_faults(part)
    key = key_of(part)
    if not key and not is_template(part["key"]):
        yield "`key` names no column"
    for name in () if is_template(part["key"]) else key:
        if any(row.get(name) is None for row in rows_of(part)):
            yield f"`key` has {name!r}, for which not every row has a value"


_CHECKS: Mapping[str, Callable[[JsonObject], Iterator[str]]] = {
    "insert": _insert_faults,
    "update": _update_faults,
    "upsert": _upsert_faults,
    "delete": _delete_faults,
}
