"""A handler with one database, a context for it, and the rows that it begins with."""

from pathlib import Path

from nofx_cli.domain.effects import Reconciled
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, Outcome, Succeeded
from nofx_cli.handlers.database.handler import DbWrite
from nofx_cli.testing.context import FakeContext
from tests.databases import DatabaseUnderTest, spec_of, with_table

ROWS: list[tuple[object, ...]] = [(1, "open", 10), (2, "open", 20), (3, "done", 30)]
CLOSE: JsonObject = {"update": {"table": "orders", "values": {"state": "closed"}, "where": {"state": "open"}}}


class Scene:
    """The database has the table `orders` with `ROWS`."""

    def __init__(self, database: DatabaseUnderTest, folder: Path) -> None:
        self.database, self.folder = database, folder
        with_table(database, ROWS)
        self.handler = DbWrite(folder, lambda: {"main": spec_of(database)})

    def ctx(self, inputs: JsonObject, **named: object) -> FakeContext:
        return FakeContext(self.folder, inputs={"database": "main", **inputs}, **named)  # type: ignore[arg-type]

    def run(self, inputs: JsonObject) -> Outcome:
        return self.handler.run(self.ctx(inputs))

    def preview(self, inputs: JsonObject) -> JsonObject:
        return self.handler.preview(self.ctx(inputs))

    def reconciled(self, ctx: FakeContext) -> Reconciled:
        [effect] = ctx.effects
        return self.handler.reconcile(ctx, effect.intent)

    def orders(self) -> list[tuple[object, ...]]:
        return self.database.rows("select * from orders order by id")

    def changes(self) -> list[tuple[object, ...]]:
        """What was changed, as the database itself noted it."""
        return sorted(self.database.rows("select * from changes"))

    def is_untouched(self) -> None:
        assert self.orders() == ROWS
        assert self.changes() == []
        assert self.accounts() == []

    def accounts(self) -> list[tuple[object, ...]]:
        """The rows of `nofx_effects`, where the table is there."""
        if self.database.kind == "sqlite":
            there = self.database.rows("select 1 from sqlite_master where name = 'nofx_effects'")
        else:
            there = self.database.rows(
                f"select 1 from pg_tables where schemaname = '{self.database.schema}' and tablename = 'nofx_effects'"
            )
        return self.database.rows('select idempotency_key, run, step, "rows" from nofx_effects') if there else []


def outputs(outcome: Outcome) -> JsonObject:
    assert isinstance(outcome, Succeeded), outcome
    return outcome.outputs


def failure(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def sql(text: str, **params: JsonValue) -> JsonObject:
    return {"sql": text, **({"params": params} if params else {})}
