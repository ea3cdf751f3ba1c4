"""What a change reaches beyond its table: parts of it, what refers to it, and values that are read otherwise."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.ids import JsonObject
from nofx_cli.handlers.database import postgres
from nofx_cli.handlers.database.handler import DbWrite
from nofx_cli.testing.context import FakeContext
from tests.databases import DatabaseUnderTest, SqliteFile, postgres_schema
from tests.unit.handlers.database.scene import CLOSE, Scene, failure, outputs, sql


@pytest.fixture
def scene(database: DatabaseUnderTest, tmp_path: Path) -> Scene:
    return Scene(database, tmp_path)


class TestPartsOfATable:
    """PostgreSQL has rows of one table in others."""

    def test_tables_that_inherit_are_asked_about_and_shown(self, tmp_path: Path) -> None:
        with postgres_schema() as database:
            scene = Scene(database, tmp_path)
            database.execute(
                "create table payments () inherits (orders)",
                "create table old_payments (primary key (id)) inherits (payments)",
                "create table line (o integer references old_payments(id) on delete cascade)",
            )
            ctx = scene.ctx({"delete": {"table": "orders", "where": {"id": 1}}})
            assert scene.handler.preview(ctx)["changes_with_it"] == ["old_payments", "payments", "line"]
            assert {("delete", "payments"), ("delete", "old_payments"), ("delete", "line")} <= set(ctx.asked)
            reads = scene.ctx(sql("insert into changes (id) select id from orders"))
            scene.handler.preview(reads)
            assert ("select", "payments") in reads.asked
            adds = scene.ctx({"insert": {"table": "orders", "values": {"id": 9}}})
            scene.handler.preview(adds)
            assert not [one for one in adds.asked if "payments" in one[1]]

    @pytest.mark.parametrize(
        ("operation", "inputs"),
        [
            ("delete", {"delete": {"table": "days", "where": {"day": 1}}}),
            ("insert", {"insert": {"table": "days", "values": {"day": 1}}}),
            ("ddl", sql("drop table days")),
        ],
    )
    def test_partitions_are_asked_about(self, tmp_path: Path, operation: str, inputs: JsonObject) -> None:
        with postgres_schema() as database:
            scene = Scene(database, tmp_path)
            database.execute(
                "create table days (day integer) partition by list (day)",
                "create table monday partition of days for values in (1)",
            )
            ctx = scene.ctx(inputs)
            assert "changes_with_it" not in scene.handler.preview(ctx)
            assert (operation, "monday") in ctx.asked


class TestWhatFollows:
    def test_an_upsert_may_change_what_others_refer_to(self, scene: Scene) -> None:
        scene.database.execute(
            "create table codes (id integer primary key, code integer unique)",
            "create table line (code integer references codes(code) on update cascade)",
        )
        ctx = scene.ctx({"upsert": {"table": "codes", "key": "id", "values": {"id": 1, "code": 2}}})
        assert scene.handler.preview(ctx)["changes_with_it"] == ["line"]
        assert ("update", "line") in ctx.asked

    def test_a_dropped_table_of_sqlite_takes_rows_with_it(self, tmp_path: Path) -> None:
        scene = Scene(SqliteFile(tmp_path / "shop.db"), tmp_path)
        scene.database.execute("create table line (o integer references orders(id) on delete cascade)")
        ctx = scene.ctx(sql("drop table orders"))
        assert scene.handler.preview(ctx)["changes_with_it"] == ["line"]
        assert ("delete", "line") in ctx.asked

    @pytest.mark.parametrize("then", ["replace", "ignore"])
    @pytest.mark.parametrize(
        "inputs",
        [
            {"insert": {"table": "users", "values": {"id": 3, "mail": "a"}}},
            {"upsert": {"table": "users", "key": "id", "values": {"id": 3, "mail": "a"}}},
            {"update": {"table": "users", "values": {"mail": "a"}, "where": {"id": 2}}},
            sql("update users set mail = 'a' where id = 2"),
        ],
    )
    def test_no_row_is_replaced_or_left_out_unseen(self, tmp_path: Path, then: str, inputs: JsonObject) -> None:
        scene = Scene(SqliteFile(tmp_path / "shop.db"), tmp_path)
        scene.database.execute(
            f"create table users (id integer primary key, mail text unique on conflict {then})",
            "insert into users values (1, 'a'), (2, 'b')",
        )
        with pytest.raises(errors.InvalidInput, match="UNIQUE constraint failed"):
            scene.run(inputs)
        assert scene.database.rows("select * from users") == [(1, "a"), (2, "b")]


class TestValues:
    def test_a_text_that_no_encoding_has(self, scene: Scene) -> None:
        with pytest.raises(errors.InvalidInput, match=r"refuses it: a text has U\+D800, which is no character"):
            scene.run({"insert": {"table": "orders", "values": {"id": 4, "state": "sec\ud800ret"}}})
        scene.is_untouched()

    def test_a_percent_sign_that_computes(self, scene: Scene) -> None:
        assert outputs(scene.run(sql("update orders set total = total % 4 where id = 3")))["rows"] == 1
        assert scene.orders()[2] == (3, "done", 2)

    def test_null_in_a_list_finds_nothing_and_is_refused(self, scene: Scene) -> None:
        error = failure(scene.run({"delete": {"table": "orders", "where": {"id": {"in": [1, None]}}}})).error
        assert "`where` of id: `in` finds nothing for null" in error.message

    def test_what_is_refused_before_it_is_sent_is_no_server_that_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with postgres_schema() as database:
            scene = Scene(database, tmp_path)
            with pytest.raises(errors.InvalidInput, match="PostgreSQL text fields cannot contain NUL") as told:
                scene.run({"insert": {"table": "orders", "values": {"id": 4, "state": "sec\0ret"}}})
            assert told.value.code == "database-refused"
            monkeypatch.setattr(postgres, "_MOST_VALUES", 20)
            with pytest.raises(errors.InvalidInput, match="the statement has 30 values, and PostgreSQL takes 20"):
                scene.preview({"delete": {"table": "orders", "where": {"id": {"in": list(range(30))}}}})
            scene.is_untouched()


class TestWhere:
    @pytest.mark.parametrize("query", ["host=other.example.org", "hostaddr=192.0.2.1", "service=x", "host=/run&host=x"])
    def test_no_other_server_than_the_one_that_is_asked_about(self, tmp_path: Path, query: str) -> None:
        spec = DatabaseSpec("main", f"postgresql://me@127.0.0.1:9/shop?{query}")
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE})
        with pytest.raises(errors.InvalidInput, match="the address of database main cannot be used") as told:
            DbWrite(tmp_path, lambda: {"main": spec}).preview(ctx)
        assert "write the server before the name" in told.value.hint

    def test_a_socket_of_this_machine_is_no_host(self, tmp_path: Path) -> None:
        spec = DatabaseSpec("main", f"postgresql:///shop?host={tmp_path}")
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE})
        with pytest.raises(errors.Unavailable, match="cannot be reached"):
            DbWrite(tmp_path, lambda: {"main": spec}).preview(ctx)
        assert ctx.asked == [("update", "orders")]

    def test_a_port_that_is_none_is_not_repeated(self, tmp_path: Path) -> None:
        spec = DatabaseSpec("main", url_secret="db/URL")
        secrets = {"URL": "postgresql://me:hid/den@host/db"}
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE}, secrets=secrets)
        with pytest.raises(errors.InvalidInput) as told:
            DbWrite(tmp_path, lambda: {"main": spec}).preview(ctx)
        assert told.value.__cause__ is None
        assert told.value.__suppress_context__

    def test_a_file_of_the_project_is_asked_about_also_where_the_run_has_a_worktree(self, tmp_path: Path) -> None:
        project = tmp_path / "project"
        project.mkdir()
        SqliteFile(project / "shop.db")
        handler = DbWrite(project, lambda: {"main": DatabaseSpec("main", "sqlite:shop.db")})
        ctx = FakeContext(tmp_path / "elsewhere", inputs={"database": "main", **CLOSE})
        with pytest.raises(errors.Denied, match="there is no table orders"):
            handler.preview(ctx)
        assert ("write", "shop.db") in ctx.asked
