"""What is told of inputs that `db_write` does not take."""

import pytest

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.database.handler import HANDLER
from nofx_cli.handlers.database.inputs import inputs_faults

UPDATE: JsonObject = {"table": "orders", "values": {"state": "x"}, "where": {"id": 1}}
EITHER: JsonValue = [{"id": 1}, {"id": {"gt": 3, "lt": 9}}]
INSERT: JsonObject = {"table": "orders", "values": {"id": 1}}


def faults(**inputs: JsonValue) -> list[str]:
    return inputs_faults({"database": "main", **inputs})


@pytest.mark.parametrize(
    "inputs",
    [
        {"update": UPDATE},
        {"update": {**UPDATE, "where": EITHER}},
        {"update": {**UPDATE, "where": {"note": None, "state": {"in": ["a", "b"]}, "x": {"like": "a%"}}}},
        {"insert": INSERT},
        {"insert": {"table": "Order Details", "rows": [{"a": 1}, {"a": {"b": [1]}}]}},
        {"upsert": {"table": "orders", "rows": [{"id": 1, "a": 2}], "key": "id"}},
        {"upsert": {"table": "orders", "values": {"id": 1, "b": 2}, "key": ["id", "b"]}},
        {"delete": {"table": "orders", "where": {"id": {"is_null": True}}}, "max_rows": 5},
        {"sql": "{{ params.sql }}", "params": {"a": 1}},
        {"update": {"table": "{{ t }}", "values": "{{ v }}", "where": "{{ w }}"}},
    ],
)
def test_what_is_right(inputs: JsonObject) -> None:
    assert faults(**inputs) == []


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "give one of `insert`, `update`, `upsert`, `delete`, `sql`"),
        (
            {"insert": INSERT, "sql": "x"},
            "give one of `insert`, `update`, `upsert`, `delete`, `sql`, not insert and sql",
        ),
        ({"updte": UPDATE}, "`updte` is not an input of this tool; did you mean `update`?"),
        ({"insert": INSERT, "params": {}}, "`params` go with `sql`"),
        ({"sql": " "}, "`sql` is empty"),
        ({"insert": INSERT, "max_rows": 0}, "`max_rows` must be 1 or more, not 0"),
        ({"insert": {"table": "orders"}}, "in `insert`: give either `values`, for one row, or `rows`"),
        ({"insert": {"table": "orders", "rows": []}}, "in `insert`: `rows` is empty"),
        ({"insert": {"table": "a;b", "values": {"a": 1}}}, "in `insert`: `table` must be the name of a table"),
        ({"insert": {"table": "a", "values": {'a"b': 1}}}, "in `insert`: `values` has the column 'a\"b'"),
        ({"insert": {"table": "a", "values": {}}}, "in `insert`: `values` is empty"),
        ({"insert": {"table": "a", "rows": [{"a": 1}, {"b": 1}]}}, "in `insert`: every row must have the same columns"),
        ({"insert": {"table": "a", "rows": [{"a": 1}, 2]}}, "in `insert`: `rows[1]` must be a mapping of columns to"),
        ({"update": {"table": "a", "values": {"a": 1}}}, "in `update`: `where` is missing"),
        ({"update": {**UPDATE, "where": {}}}, "in `update`: `where` is empty: that would be every row"),
        ({"delete": {"table": "a", "where": []}}, "in `delete`: `where` is empty: that would be every row"),
        ({"delete": {"table": "a", "where": [{"id": 1}, {}]}}, "in `delete`: `where` has an empty mapping"),
        ({"delete": {"table": "a", "where": {"id": {}}}}, "in `delete`: `where` says nothing of id"),
        ({"delete": {"table": "a", "where": {"id": [1]}}}, "`where` compares id with a list; write `id: {in: […]}`"),
        ({"delete": {"table": "a", "where": {"id": {"in": []}}}}, "`in` takes a list of one value or more"),
        ({"delete": {"table": "a", "where": {"id": {"like": "%%"}}}}, "`like` '%%' is true of every row"),
        ({"delete": {"table": "a", "where": {"id": {"lk": "a"}}}}, "`lk` is no condition; did you mean `like`?"),
        ({"delete": {"table": "a", "where": {"1=1 --": 3}}}, "has the column '1=1 --', which cannot be a name"),
        ({"upsert": {"table": "a", "values": {"a": 1}}}, "in `upsert`: `key` is missing"),
        ({"upsert": {"table": "a", "values": {"a": 1}, "key": []}}, "in `upsert`: `key` names no column"),
        ({"upsert": {"table": "a", "values": {"a": 1}, "key": "b"}}, "`key` has 'b', for which not every row has"),
    ],
)
def test_what_is_wrong(inputs: JsonObject, told: str) -> None:
    found = faults(**inputs)
    assert len(found) == 1, found
    assert told in found[0]


def test_a_database_that_nofx_yaml_does_not_have_is_told_with_the_plan() -> None:
    told = HANDLER.check({"database": "main", "insert": INSERT})
    assert told == ["nofx.yaml has no database `main`; declare it there, below `databases`"]
    assert HANDLER.check({"database": "{{ params.db }}", "insert": INSERT}) == []
