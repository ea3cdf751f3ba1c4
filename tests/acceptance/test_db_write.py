"""Databases are changed by the installed program: asked about, counted, once, and with what the rows were before."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli.domain.events import EffectDone
from tests.acceptance.program import Ended, Program
from tests.crash.dying_database import COMMITTED, POINTS
from tests.databases import DatabaseUnderTest, SqliteFile, postgres_schema, with_table

pytestmark = pytest.mark.acceptance

ROWS: list[tuple[object, ...]] = [(1, "open", 10), (2, "open", 20), (3, "done", 30)]
CLOSE = "update: {table: orders, values: {state: closed}, where: {state: open}}"
MORE = 'sql: "update orders set total = total + :more where state = :state", params: {more: 1, state: open}'
QUICK = {
    "sqlite_shop": (
        "the row of the account is written",
        "it is committed, that is not on record",
        "that is on record, the step not committed",
    ),
    "postgres_shop": ("the intent is on record, not committed", "it is committed, that is not on record"),
}
"""Where the program dies in the default suite; crash tests have every point."""
SQL = "policy: {operations: {allow: [sql, update, insert]}, database: {approval: none}}\n"


class Shop:
    """A project with a database."""

    def __init__(self, nofx: Program, database: DatabaseUnderTest) -> None:
        self.nofx, self.database = nofx, database
        with_table(database, ROWS)
        self.settings("")

    def settings(self, more: str) -> None:
        (self.nofx.folder / "nofx.yaml").write_text(self.database.settings + more)

    def plan(self, inputs: str, *, fields: str = "") -> str:
        return self.nofx.plan(f"  - {{name: change, tool: db_write, inputs: {{database: main, {inputs}}}{fields}}}\n")

    def run(self, inputs: str, *, code: int = 0, fields: str = "") -> Ended:
        ended = self.nofx("run", self.plan(inputs, fields=fields), "--no-wait")
        assert ended.code == code, ended
        return ended

    def orders(self) -> list[tuple[object, ...]]:
        return self.database.rows("select * from orders order by id")

    def changes(self) -> list[tuple[object, ...]]:
        return sorted(self.database.rows("select * from changes"))

    def before(self) -> list[dict[str, object]]:
        """What the rows were, as the newest attempt kept it."""
        listed = json.loads(self.nofx("artifacts", "--json").out)
        assert [one["name"] for one in listed] == ["before.jsonl"]
        newest = max(self.nofx.store.rglob("before.jsonl"))
        return [json.loads(line) for line in newest.read_text().splitlines()]


@pytest.fixture
def sqlite_shop(nofx: Program, tmp_path: Path) -> Shop:
    return Shop(nofx, SqliteFile(tmp_path / "shop.db"))


@pytest.fixture
def postgres_shop(nofx: Program) -> Iterator[Shop]:
    with postgres_schema() as database:
        yield Shop(nofx, database)


@pytest.fixture(params=["sqlite_shop", "postgres_shop"])
def shop(request: pytest.FixtureRequest) -> Shop:
    found: Shop = request.getfixturevalue(request.param)
    return found


def test_a_change_is_shown_approved_and_made(shop: Shop) -> None:
    shop.run(CLOSE, code=8)
    assert shop.orders() == ROWS
    told = shop.nofx("approve", "change")
    assert told.code == 0, told
    assert "preview.rows: 2" in told.err
    assert "preview.table: orders" in told.err
    assert shop.orders() == [(1, "closed", 10), (2, "closed", 20), (3, "done", 30)]
    assert shop.before() == [
        {"id": 1, "state": "open", "total": 10},
        {"id": 2, "state": "open", "total": 20},
    ]
    [done] = [event for event in shop.nofx.events() if event.type == "effect.done"]
    assert isinstance(done.payload, EffectDone)
    assert done.payload.result["rows"] == 2


def test_rows_that_changed_since_they_were_shown_are_asked_about_anew(shop: Shop) -> None:
    shop.run(CLOSE, code=8)
    assert shop.nofx("approve", "change", "--no-resume").code == 0
    shop.database.execute("update orders set state = 'open' where id = 3", "delete from changes")
    stale = shop.nofx("resume", "latest", "--no-wait")
    assert stale.code == 5, stale
    assert "approval.stale change" in shop.nofx.types()
    assert shop.changes() == []
    told = shop.nofx("approve", "change")
    assert told.code == 0, told
    assert "preview.rows: 3" in told.err
    assert len(shop.changes()) == 3


def test_rules_decide_what_is_changed_and_who_is_asked(sqlite_shop: Shop) -> None:
    shop = sqlite_shop
    ended = shop.run(MORE, code=6)
    assert "step change may not do the operation `sql`: neither project nor plan allows it" in ended.err
    shop.settings("policy: {operations: {allow: [sql]}, database: {approval: none}}\n")
    ended = shop.run(MORE, code=6)
    assert "step change may not do the operation `update`: nofx.yaml:2 allows only `sql`" in ended.err
    shop.settings("policy: {tables: {deny: [ORDERS]}, database: {approval: none}}\n")
    ended = shop.run(CLOSE, code=6)
    assert "step change may not touch the table `orders`: nofx.yaml:2 denies `ORDERS`" in ended.err
    assert shop.changes() == []
    shop.settings(SQL)
    shop.run(MORE)
    assert shop.orders()[:2] == [(1, "open", 11), (2, "open", 21)]
    shop.run(MORE, code=8, fields=", policy: {database: {approval: all}}")
    explained = shop.nofx("policy", "explain", "plan.yaml").out
    assert "every change of a database asks a person" in explained
    assert "never ddl" in explained


def test_a_plan_is_told_what_is_wrong_before_anything_runs(sqlite_shop: Shop) -> None:
    shop = sqlite_shop
    told = shop.run(CLOSE.replace("main", "other").replace("where", "were"), code=3).err
    assert "`were` is not an input of this tool; did you mean `where`?" in told
    shop.settings(SQL)
    told = shop.run('sql: "delete from orders"', code=3).err
    assert "its DELETE has no WHERE: that would be every row (rule where-required)" in told
    assert shop.nofx.runs() == []


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        pytest.param(kind, point, marks=() if point in quick else pytest.mark.long)
        for kind, quick in QUICK.items()
        for point in POINTS
    ],
)
def test_killed_at_any_point_it_is_made_once_and_what_the_rows_were_is_there(
    request: pytest.FixtureRequest, kind: str, point: str
) -> None:
    shop: Shop = request.getfixturevalue(kind)
    shop.settings(SQL)
    dying = Program(shop.nofx.folder, shop.nofx.store)
    dying.command = (sys.executable, "-m", "tests.crash.dying_database", point, str(shop.nofx.folder / "hits"))
    assert dying("run", shop.plan(MORE)).code == -signal.SIGKILL
    assert shop.changes() == ([("update", 1), ("update", 2)] if point in COMMITTED else [])
    told = shop.nofx("resume", "latest")
    assert told.code == 0, told
    assert shop.changes() == [("update", 1), ("update", 2)]
    assert [row["total"] for row in shop.before()] == [10, 20]
    types = shop.nofx.types()
    assert types.count("effect.done change") == 1
    assert types[-1] == "run.succeeded"


def test_no_password_is_told_anywhere(postgres_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = postgres_shop
    monkeypatch.setenv("SHOP_URL", shop.database.url.replace("@", ":pa55w0rd-of-shop@"))
    monkeypatch.setenv("SHOP_PASSWORD", "other-pa55w0rd")
    address, schema = shop.database.url.partition("@")[2], shop.database.schema
    (shop.nofx.folder / "nofx.yaml").write_text(
        f"databases:\n  main: {{url: shop/URL, schema: {schema}}}\n"
        f"  other: {{url: 'postgresql://nobody-here@{address}', password: shop/PASSWORD, schema: {schema}}}\n"
        "secrets: {shop: {URL: {env: SHOP_URL}, PASSWORD: {env: SHOP_PASSWORD}}}\n"
        "policy: {database: {approval: none}}\n"
    )
    done = shop.run(CLOSE, fields=", secrets_scope: shop")
    without = shop.run(CLOSE, code=1)
    assert "write `secrets_scope: shop` on the step" in without.err
    plan = shop.nofx.plan(
        f"  - {{name: a, tool: db_write, secrets_scope: shop, inputs: {{database: other, {CLOSE}}}}}\n"
    )
    refused = shop.nofx("run", plan)
    assert refused.code == 1
    assert "cannot be reached" in refused.err
    words = (["show"], ["timeline"], ["logs", "latest"], ["config", "show"], ["doctor"])
    said = [one.out + one.err for one in (done, without, refused, *(shop.nofx(*each) for each in words))]
    said += [path.read_text("utf-8", "replace") for path in shop.nofx.store.rglob("*") if path.is_file()]
    assert not [text for text in said if "pa55w0rd" in text]


def test_a_password_in_the_settings_is_refused_and_not_repeated(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").write_text("databases:\n  main: {url: 'postgresql://me:pa55w0rd@host/shop'}\n")
    told = nofx("config", "show")
    assert told.code == 3, told
    assert "`url` of database `main` has a password in it" in told.err
    assert "pa55w0rd" not in told.err
    (nofx.folder / "nofx.yaml").write_text("")
