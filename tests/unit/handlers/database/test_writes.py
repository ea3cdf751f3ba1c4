"""Changes of rows, in SQLite and in a real PostgreSQL: what is done, counted, kept and told."""

import json
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.databases import AsksFor, DatabaseApproval
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.testing.context import FakeContext
from tests.databases import DatabaseUnderTest
from tests.unit.handlers.database.scene import CLOSE, ROWS, Scene, failure, outputs, sql


@pytest.fixture
def scene(database: DatabaseUnderTest, tmp_path: Path) -> Scene:
    return Scene(database, tmp_path)


ORDER: JsonObject = {"id": 4, "state": 'it\'s "new"; drop table orders', "total": None}
CASES: dict[str, tuple[JsonObject, list[tuple[object, ...]], int, int]] = {
    "update": (CLOSE, [(1, "closed", 10), (2, "closed", 20), ROWS[2]], 2, 2),
    "update of one": (
        {"update": {"table": "orders", "values": {"total": 0}, "where": {"state": "open", "total": {"gt": 10}}}},
        [ROWS[0], (2, "open", 0), ROWS[2]], 1, 1,
    ),
    "update of none": ({"update": {"table": "orders", "values": {"total": 0}, "where": {"id": 9}}}, ROWS, 0, 0),
    "insert": ({"insert": {"table": "orders", "values": ORDER}}, [*ROWS, (4, ORDER["state"], None)], 1, 0),
    "insert of rows": (
        {"insert": {"table": "orders", "rows": [{"id": 5, "state": "a"}, {"id": 6, "state": "b"}]}},
        [*ROWS, (5, "a", None), (6, "b", None)], 2, 0,
    ),
    "upsert": (
        {"upsert": {"table": "orders", "key": "id", "rows": [{"id": 3, "total": 31}, {"id": 4, "total": 40}]}},
        [*ROWS[:2], (3, "done", 31), (4, None, 40)], 2, 1,
    ),
    "delete": ({"delete": {"table": "orders", "where": [{"id": 1}, {"total": {"ge": 30}}]}}, [ROWS[1]], 2, 2),
    "delete by list": ({"delete": {"table": "orders", "where": {"id": {"in": [1, 3, 9]}}}}, [ROWS[1]], 2, 2),
    "delete by pattern": ({"delete": {"table": "orders", "where": {"state": {"like": "op%"}}}}, [ROWS[2]], 2, 2),
    "sql": (
        sql("update orders set total = total + :more where id in (select id from orders where state = 'open')", more=5),
        [(1, "open", 15), (2, "open", 25), ROWS[2]], 2, 2,
    ),
    "sql of an insert": (
        sql("insert into orders (id, state) select id + 10, 'copy' from orders where total > 10"),
        [*ROWS, (12, "copy", None), (13, "copy", None)], 2, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_does_what_it_says_and_tells_how_many_rows_beforehand(scene: Scene, name: str) -> None:
    inputs, after, rows, replaced = CASES[name]
    shown = scene.preview(inputs)
    assert (shown["rows"], shown["replaced"]) == (rows, replaced)
    scene.is_untouched()
    ctx = scene.ctx(inputs)
    told = outputs(scene.handler.run(ctx))
    assert scene.orders() == after
    assert (told["rows"], told["replaced"], told["table"], told["database"]) == (rows, replaced, "orders", "main")
    assert (told["digest"], told["idempotency_key"]) == (shown["digest"], ctx.idempotency_key)
    assert scene.accounts() == [(ctx.idempotency_key, ctx.run_id, ctx.step, rows)]
    assert [(one.intent.kind, one.intent.target) for one in ctx.effects] == [("db.write", "main orders")]
    kept = [json.loads(line) for line in ctx.artifacts.get("before.jsonl", b"").splitlines()]
    assert len(kept) == replaced
    assert all((row["id"], row["state"], row["total"]) in ROWS for row in kept)
    assert told.get("before") == ("before.jsonl" if replaced else None)


@pytest.mark.parametrize("name", CASES)
def test_what_was_made_is_not_made_again(scene: Scene, name: str) -> None:
    inputs, after, *_ = CASES[name]
    first = outputs(scene.run(inputs))
    noted = scene.changes()
    assert outputs(scene.run(inputs)) == first
    assert (scene.orders(), scene.changes()) == (after, noted)
    assert len(scene.accounts()) == 1


def test_values_of_every_kind_arrive(scene: Scene) -> None:
    kind = "text" if scene.database.kind == "sqlite" else "jsonb"
    scene.database.execute(f"create table kinds (id integer, half real, yes boolean, doc {kind}, at timestamp)")
    row: JsonObject = {
        "id": 2**40 // 2**20,
        "half": 0.5,
        "yes": True,
        "doc": {"a": [1, "ä"]},
        "at": "2026-01-02 03:04:05",
    }
    outputs(scene.run({"insert": {"table": "kinds", "values": row}}))
    [(number, half, yes, doc, at)] = scene.database.rows("select * from kinds")
    assert (number, half, bool(yes), str(at)) == (2**20, 0.5, True, "2026-01-02 03:04:05")
    assert (json.loads(doc) if isinstance(doc, str) else doc) == {"a": [1, "ä"]}


class TestRefused:
    """Nothing is changed, and it is told why."""

    def test_more_rows_than_allowed(self, scene: Scene) -> None:
        with pytest.raises(errors.InvalidInput, match="it would update 2 rows of orders, and `max_rows` is 1") as told:
            scene.run({**CLOSE, "max_rows": 1})
        assert told.value.code == "too-many-rows"
        scene.is_untouched()

    @pytest.mark.parametrize(
        ("inputs", "told"),
        [
            ({"insert": {"table": "ordrs", "values": {"id": 1}}}, "there is no table ordrs in the database"),
            ({"insert": {"table": "shown", "values": {"id": 1}}}, "there is no table shown in the database"),
            ({"insert": {"table": "orders", "values": {"stat": 1}}}, "orders has no column stat; did you mean state?"),
            ({"delete": {"table": "orders", "where": {"nosuch": "nosuch"}}}, "orders has no column nosuch"),
            ({"delete": {"table": "nofx_effects", "where": {"run": "x"}}}, "the table nofx_effects is not for plans"),
            ({"delete": {"table": "NOFX_effects", "where": {"run": "x"}}}, "the table NOFX_effects is not for plans"),
            (sql("delete from orders where \"nosuch\" = 'nosuch'"), "orders has no column nosuch"),
            (sql("delete from orders where id in (select id from shown)"), "there is no table shown"),
            (sql("drop table orders", x=1), "it does not use the parameter 'x'"),
        ],
    )
    def test_tables_and_columns_that_are_not_there(self, scene: Scene, inputs: JsonObject, told: str) -> None:
        scene.database.execute("create view shown as select * from orders")
        with pytest.raises(errors.Denied, match=told.replace("?", r"\?")):
            scene.run(inputs)
        scene.is_untouched()

    def test_what_the_database_does_not_take(self, scene: Scene) -> None:
        rows: JsonValue = [{"id": 7, "state": "ok"}, {"id": 3, "state": "secret value"}]
        ctx = scene.ctx({"insert": {"table": "orders", "rows": rows}})
        with pytest.raises(errors.InvalidInput) as told:
            scene.handler.run(ctx)
        assert told.value.code == "database-refused"
        assert "unique" in told.value.message.lower()
        assert "secret value" not in told.value.message
        assert ctx.effects == []  # it is known that nothing was done: nothing stands open
        scene.is_untouched()

    def test_rows_that_others_changed_since_they_were_previewed(self, scene: Scene) -> None:
        shown = scene.preview(CLOSE)
        scene.database.execute("update orders set state = 'open' where id = 3", "delete from changes")
        outcome = failure(scene.handler.run(scene.ctx(CLOSE, previewed=shown)))
        assert (outcome.error.code, outcome.retryable) == ("rows-changed", True)
        assert outcome.error.message == (
            "nothing was changed: the rows of orders are others by now: "
            "it was 2 rows when it was previewed and is 3 rows now"
        )
        assert scene.changes() == []
        assert scene.accounts() == []

    def test_rows_that_others_add_between_the_count_and_the_transaction(self, scene: Scene) -> None:
        ctx = scene.ctx(CLOSE, previewed=scene.preview(CLOSE))
        scene.database.execute("insert into orders values (9, 'open', 1)")
        outcome = failure(scene.handler.run(ctx))
        assert outcome.error.code == "rows-changed"
        assert scene.database.rows("select count(*) from orders where state = 'closed'") == [(0,)]

    def test_a_row_of_an_upsert_that_came_to_be_meanwhile(self, scene: Scene) -> None:
        inputs: JsonObject = {"upsert": {"table": "orders", "key": "id", "values": {"id": 9, "state": "mine"}}}
        ctx = scene.ctx(inputs, previewed=scene.preview(inputs))
        scene.database.execute("insert into orders values (9, 'theirs', 1)")
        told = failure(scene.handler.run(ctx)).error.message
        what = "it was 1 row (0 of them there before) when it was previewed and is 1 row (1 of them there before) now"
        assert told.endswith(what)
        assert (9, "theirs", 1) in scene.orders()

    def test_a_trigger_that_keeps_rows_as_they_are(self, scene: Scene) -> None:
        if scene.database.kind == "sqlite":
            scene.database.execute(
                "create trigger no before update on orders when old.id = 1 begin select raise(ignore); end"
            )
        else:
            scene.database.execute(
                "create function no() returns trigger language plpgsql as "
                "$$ begin if old.id = 1 then return null; end if; return new; end $$",
                "create trigger no before update on orders for each row execute function no()",
            )
        outcome = failure(scene.run(CLOSE))
        assert outcome.error.message == "nothing was changed: it would have been 1 rows of orders, not 2"
        scene.is_untouched()

    def test_what_is_too_large_to_be_kept(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nofx_cli.handlers.database.before_image.LARGEST", 50)
        with pytest.raises(errors.InvalidInput) as told:
            scene.run(CLOSE)
        assert told.value.code == "before-too-large"
        scene.is_untouched()

    def test_another_change_under_the_same_key(self, scene: Scene) -> None:
        ctx = scene.ctx(CLOSE)
        outputs(scene.handler.run(ctx))
        scene.database.execute("update nofx_effects set digest = 'other'")
        outcome = failure(scene.handler.run(scene.ctx(CLOSE)))
        assert (outcome.error.code, outcome.retryable) == ("database-key-taken", False)

    def test_a_database_that_nofx_yaml_does_not_have(self, scene: Scene) -> None:
        with pytest.raises(errors.InvalidInput, match=r"nofx.yaml has no database 'other'; it has main"):
            scene.handler.run(FakeContext(scene.folder, inputs={"database": "other", **CLOSE}))


class TestPolicy:
    def test_every_table_is_asked_about(self, scene: Scene) -> None:
        ctx = scene.ctx(sql("insert into orders (id) select id from changes where id > 5"))
        scene.handler.preview(ctx)
        assert set(ctx.asked) - {("write", "shop.db")} == {
            ("sql", "orders"), ("sql", "changes"), ("insert", "orders"), ("select", "changes"), *_host(scene),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("operation", "inputs"), [(name, case[0]) for name, case in CASES.items() if " " not in name]
    )
    def test_each_operation_by_its_name(self, scene: Scene, operation: str, inputs: JsonObject) -> None:
        ctx = scene.ctx(inputs)
        scene.handler.preview(ctx)
        wanted = {("sql", "orders"), ("update", "orders")} if operation == "sql" else {(operation, "orders")}
        assert set(ctx.asked) - {("write", "shop.db"), *_host(scene)} == wanted

    def test_by_the_name_that_the_table_was_made_with(self, scene: Scene) -> None:
        if scene.database.kind != "sqlite":
            pytest.skip("names in quotes are other names there")
        ctx = scene.ctx({"delete": {"table": "ORDERS", "where": {"id": 1}}})
        scene.handler.preview(ctx)
        assert [one for one in ctx.asked if one[0] == "delete"] == [("delete", "ORDERS"), ("delete", "orders")]

    def test_tables_that_the_database_changes_by_itself(self, scene: Scene) -> None:
        scene.database.execute(
            "create table line (id integer primary key, o integer references orders(id) on delete cascade)",
            "create table note (id integer, l integer references line(id) on delete set null)",
        )
        ctx = scene.ctx({"delete": {"table": "orders", "where": {"id": 1}}})
        assert scene.handler.preview(ctx)["changes_with_it"] == ["line", "note"]
        assert {("delete", "line"), ("update", "note")} <= set(ctx.asked)
        assert "changes_with_it" not in scene.preview(CLOSE)


class TestAsking:
    @pytest.mark.parametrize(
        ("approval", "asks"),
        [
            (DatabaseApproval.ALL, {"insert", "update", "upsert", "delete", "sql"}),
            (DatabaseApproval.DANGEROUS, {"update", "upsert", "delete", "sql"}),
            (DatabaseApproval.NONE, set[str]()),
        ],
    )
    def test_a_person_is_asked_as_the_policy_says(
        self, scene: Scene, approval: DatabaseApproval, asks: set[str]
    ) -> None:
        cases = {name: case[0] for name, case in CASES.items() if " " not in name}
        found = {
            name
            for name, inputs in cases.items()
            if scene.handler.asks_with(scene.ctx(inputs, database_approval=AsksFor(approval)))
        }
        assert found == asks

    def test_what_is_unclear_is_dangerous(self, scene: Scene) -> None:
        assert scene.handler.asks_with(scene.ctx({}))


def _host(scene: Scene) -> set[tuple[str, str]]:
    return set() if scene.database.kind == "sqlite" else {("host", scene.database.url.split("@")[1].split("/")[0])}
