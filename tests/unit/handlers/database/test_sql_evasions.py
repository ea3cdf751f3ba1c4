"""SQL that tries to do more than it says: each is denied, by the rule that is meant for it."""

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.database.sql_denied import RULES
from nofx_cli.handlers.database.sql_text import statement_of_sql
from nofx_cli.handlers.database.statement import Dialect, Statement

BOTH: tuple[Dialect, ...] = ("sqlite", "postgres")
W = "where id = 1"
EVASIONS: dict[str, list[str]] = {
    "one-statement": [
        f"update t set a = 1 {W}; drop table t",
        f"update t set a = 1 {W}; delete from t where id > 0",
        f"update t set a = 1 {W} /* ; */ ; commit; delete from t where id = 2",
        "create trigger x after insert on t begin delete from t; end",
        "-- nothing at all",
        "",
    ],
    "command": [
        "select * from t where id = 1",
        "explain analyze delete from t where id = 1",
        "call f()",
        "vacuum",
        "pragma writable_schema = 1",
        "copy t to '/tmp/x'",
        "merge into t using u on t.id = u.id when matched then delete",
        "set session_replication_role = 'replica'",
        "grant all on t to public",
        "begin",
        "commit",
    ],
    "ddl": [
        "drop table t",
        "truncate table t",
        "alter table t drop column a",
        "create table x as select * from t",
        "create view v as select * from t",
        "drop schema public cascade",
    ],
    "where-required": ["update t set a = 1", "delete from t", "update t set a = 1 -- where id = 1"],
    "where-always-true": [
        "delete from t where true",
        "delete from t where 1 = 1",
        "delete from t where 'a' = 'a' and 2 > 1",
        "delete from t where id = id",
        "delete from t where id = 1 or 1 = 1",
        "delete from t where (id = 1) or (not id = 1)",
        "delete from t where id is null or id is not null",
        "delete from t where id = 1 or id is null or not id = 1",
        "delete from t where id >= id - 1",
        "delete from t where name like '%'",
        "delete from t where id in (id, 1)",
        "delete from t where not id <> id",
        "delete from t where id between id and 9",
        "delete from t where exists (select 1 from u)",
        "delete from t where :p = :p",
        "delete from t where coalesce(id, 1) = coalesce(id, 1)",
    ],
    "with": [
        "with gone as (delete from t returning *) select * from gone",
        f"with x as (select 1) update t set a = 1 {W}",
        "delete from t where id in (with x as (select 1 as id) select id from x)",
    ],
    "set-operation": ["delete from t where id in (select id from u union select id from secrets)"],
    "returning": [f"delete from t {W} returning *", f"update t set a = 1 {W} returning pg_sleep(9)"],
    "join": [
        f"update t set a = u.a from u {W}",
        "delete from t where id in (select u.id from u join secrets s on s.id = u.id)",
        "delete from t where id in (select u.id from u, secrets)",
    ],
    "on-conflict": [
        "insert or replace into t (id) values (1)",
        "insert into t (id) values (1) on conflict (id) do update set a = 2",
    ],
    "function": [
        f"update t set a = pg_sleep(10) {W}",
        f"update t set a = pg_read_file('/etc/passwd') {W}",
        f"update t set a = lo_import('/etc/passwd') {W}",
        f"update t set a = load_extension('x.so') {W}",
        f"update t set a = setval('s', 1) {W}",
        f"update t set a = set_config('role', 'postgres', false) {W}",
        f"update t set a = pg_terminate_backend(1) {W}",
        "insert into t (a) select dblink_exec('host=x', 'drop table t') from u",
        "delete from t where id = nextval('s')",
        "delete from t where id = (select pg_advisory_lock(1) from u)",
        "delete from t where id = public.evil(id)",
        "delete from t where regexp_like(name, '(a+)+$')",
        f"update t set a = current_user {W}",
        "insert into t (a) select row_number() over (order by id) from u",
        "insert into t (a) values (readfile('/etc/passwd'))",
        "delete from t where id in (select value from json_each('[1]'))",
        "delete from t where id in (select name from pragma_table_info('t'))",
        "delete from t where id in (select generate_series(1, 1000000000) from u)",
    ],
    "schema": [
        f"update other.t set a = 1 {W}",
        f"update pg_catalog.pg_authid set rolsuper = true {W}",
        "delete from t where id in (select id from temp.u)",
        'delete from "T"."t" where id = 1',
        "delete from x.y.t where id = 1",
    ],
    "own-table": [
        "delete from nofx_effects where run = 'x'",
        "delete from \"NOFX_Effects\" where run = 'x'",
        "insert into t (a) select digest from nofx_effects",
        "delete from sqlite_master where name = 'x'",
        "update pg_authid set rolsuper = true where rolname = 'me'",
    ],
    "identifier": ['delete from "t; drop table u" where id = 1', 'update t set "a = 1, b" = 2 where id = 1'],
    "parameter": ["delete from t where id = ?", "delete from t where id = :missing"],
    "expression": [
        f"update t set (a, b) = (select 1, 2) {W} limit 1",
        "insert into t (id) values (1e999)",
        "delete from t where id = cast('secrets' as regclass)",
        "delete from t where id = any(array[1, 2])",
        "insert into t select * from u limit 5",
        "insert into t default values",
        "delete from t where id in secrets",
        "delete from t where id in (select distinct id from u)",
        "delete from t where id in (select id from u limit 1)",
        "delete from t where id in (select id from (select id from u) v)",
    ],
    "not-parsed": [
        "update t set where",
        "delete from t where " + "(" * 5000 + "id = 1" + ")" * 5000,
        "delete from t where id = '",
    ],
}
CASES = [(rule, sql) for rule, found in EVASIONS.items() for sql in found]


def checked(sql: str, dialect: Dialect = "sqlite", *, ddl: bool = False, **params: JsonValue) -> Statement:
    schema = "main" if dialect == "sqlite" else "public"
    return statement_of_sql(sql, params, dialect=dialect, schema=schema, ddl=ddl)


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("rule", "sql"), CASES, ids=[f"{rule}: {sql[:60]}" for rule, sql in CASES])
def test_each_is_denied_by_its_rule(rule: str, sql: str, dialect: Dialect) -> None:
    with pytest.raises(errors.Denied) as told:
        checked(sql, dialect) if ":p" not in sql else checked(sql, dialect, p=1)
    assert told.value.code == "sql-denied"
    assert told.value.hint
    assert told.value.context["rule"] == rule, told.value.message


@pytest.mark.parametrize(("dialect", "rule"), [("sqlite", "command"), ("postgres", "not-parsed")])
def test_other_files_are_not_attached(dialect: Dialect, rule: str) -> None:
    with pytest.raises(errors.Denied, match=f"rule {rule}"):
        checked("attach database '/tmp/x' as x", dialect)


def test_there_are_more_than_thirty_and_every_rule_of_the_text_denies_one() -> None:
    assert len(CASES) >= 60
    assert set(EVASIONS) == set(RULES) - {"cascade", "table-not-found", "column-not-found"}


@pytest.mark.parametrize("dialect", BOTH)
def test_nothing_that_is_written_as_a_text_is_executed_as_sql(dialect: Dialect) -> None:
    found = checked(
        "update t set a = 'x''; drop table t; --', b = :b /* hidden */ where id = 1 -- end", dialect, b="' ;"
    )
    [change] = found.changes
    assert change.text.endswith('"t" SET a = ?, b = ? WHERE id = 1')
    assert change.values == ("x'; drop table t; --", "' ;")


@pytest.mark.parametrize("dialect", BOTH)
def test_values_stand_in_the_order_of_their_marks(dialect: Dialect) -> None:
    sql = "update t set a = :a, b = 'b', c = :a || :c where note like 'x%' and id in (1, :d) or (id = 3 and d = 'e')"
    found = checked(sql, dialect, a="A", c="C", d=4)
    [change], [touched], [counted] = found.changes, found.touched, found.counted
    assert change.values == ("A", "b", "A", "C", "x%", 4, "e")
    assert touched.values == counted.values == ("x%", 4, "e")
    assert change.text.count("?") == 7


@pytest.mark.parametrize("dialect", BOTH)
def test_what_a_statement_touches_is_known(dialect: Dialect) -> None:
    found = checked("insert into t (a) select b from u where c in (select d from v where e = 1)", dialect)
    assert (found.operation, found.table, set(found.reads), found.rows) == ("insert", "t", {"u", "v"}, None)
    assert set(found.columns) == {"a", "b", "c", "d", "e"}
    assert checked("insert into t (a) values (1), (2)", dialect).rows == 2


def test_names_are_as_the_database_knows_them() -> None:
    assert checked("delete from Orders where id = 1", "postgres").table == "orders"
    assert checked('delete from "Orders" where id = 1', "postgres").table == "Orders"
    assert checked("delete from Orders where id = 1", "sqlite").table == "Orders"


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("alter table t add column a text default 'x'", 0),
        ("create table x (id integer primary key, a text not null)", 0),
        ("create index i on t (a, b)", 0),
        ("alter table t drop column a", None),
        ("drop table t", None),
    ],
)
def test_tables_are_changed_only_where_that_is_allowed(sql: str, rows: int | None, dialect: Dialect) -> None:
    found = checked(sql, dialect, ddl=True)
    assert (found.operation, found.rows) == ("ddl", rows)
    assert bool(found.touched) is (rows is None)
    with pytest.raises(errors.Denied, match="rule ddl"):
        checked(sql, dialect)


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("drop table t cascade", "cascade"),
        ("create table x (id integer default (pg_sleep(9)))", "function"),
        ("create table x as select * from t", "expression"),
        ("drop database x", "ddl"),
        ("truncate table t", "ddl"),
        ("create table nofx_effects (id integer)", "own-table"),
    ],
)
def test_not_every_change_of_tables_is_allowed_then(sql: str, rule: str, dialect: Dialect) -> None:
    with pytest.raises(errors.Denied) as told:
        checked(sql, dialect, ddl=True)
    assert told.value.context["rule"] == rule, told.value.message


def test_a_parameter_that_is_not_used_is_told() -> None:
    with pytest.raises(errors.Denied, match="it does not use the parameter 'b'"):
        checked("delete from t where id = :a", a=1, b=2)
