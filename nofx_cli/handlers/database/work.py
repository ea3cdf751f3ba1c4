"""One step's change of one database: what is counted, written and told of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.ids import Digest, JsonObject, JsonValue
from nofx_cli.handlers.database import accounts
from nofx_cli.handlers.database.before_image import keep_again
from nofx_cli.handlers.database.foresight import Numbers, as_shown, check_policy, check_tables, counted
from nofx_cli.handlers.database.inputs import MAX_ROWS, operation_of
from nofx_cli.handlers.database.opening import open_session, place_of, spec_of
from nofx_cli.handlers.database.session import Session, interrupted_with
from nofx_cli.handlers.database.statement import Statement, statement_of
from nofx_cli.handlers.database.transaction import Order, write
from nofx_cli.ports.handler import Effect, StepContext

_READING_MS = 30_000
"""How long counting may take while a run is decided."""


class Work:
    """The change of a step whose inputs have no faults.

    Raises:
        errors.NofxError: as `opening.spec_of` and `opening.place_of`.
    """

    def __init__(self, ctx: StepContext, databases: Mapping[str, DatabaseSpec], project: Path) -> None:
        self._ctx, self._written = ctx, False
        self._name = str(ctx.inputs["database"])
        self._place = place_of(spec_of(self._name, databases), ctx, project)
        most = ctx.inputs.get("max_rows", MAX_ROWS)
        self._most = most if isinstance(most, int) else MAX_ROWS

    @cached_property
    def statement(self) -> Statement:
        """What is executed; the policy allows it.

        Raises:
            errors.Denied: a rule denies it.
        """
        inputs, schema = self._ctx.inputs, self._place.schema
        operation = operation_of(inputs)
        part = inputs[operation]
        if isinstance(part, Mapping):
            statement = statement_of(operation, part, schema=schema)
        else:
            from nofx_cli.handlers.database.sql_text import statement_of_sql

            params = inputs.get("params")
            given = params if isinstance(params, Mapping) else {}
            statement = statement_of_sql(str(part), given, dialect=self._place.dialect, schema=schema, ddl=True)
        check_policy(statement, self._ctx)
        return statement

    @property
    def digest(self) -> Digest:
        return self.statement.digest(self._name)

    @property
    def target(self) -> str:
        """What is changed, as the effect names it."""
        return f"{self._name} {self.statement.table}"

    def preview(self) -> JsonObject:
        """Count, without changing anything; what a person is shown."""
        statement = self.statement
        with self._session() as session:
            session.begin(write=False)
            follows = check_tables(session, statement, self._ctx)
            numbers = counted(session, statement, most=self._most)
        return as_shown(self._name, statement, numbers, most=self._most, follows=follows)

    def previewed(self) -> Numbers:
        """What was counted when a person was asked, else what is counted now."""
        numbers = Numbers.of(self._ctx.previewed) or Numbers.of(self.preview())
        assert numbers is not None
        return numbers

    def write(self, previewed: Numbers, intend: Callable[[], Effect]) -> tuple[Effect, JsonObject]:
        """Make the change; see `transaction.write`."""
        order = Order(self._name, self._place.schema, self.statement, self._most, previewed, intend)
        effect, result = write(self._ctx, order, lambda: open_session(self._place, self._ctx))
        self._written = True
        rows, table = result["rows"], result["table"]
        self._ctx.log(f"{result['operation']}: {rows} row{'' if rows == 1 else 's'} of {table} in {self._name}")
        return effect, result

    def outputs(self, result: JsonObject) -> JsonObject:
        """What later steps see; with a result of an earlier attempt, what the rows were is kept with this one again."""
        before = result.get("before")
        if not self._written and before:
            self._ctx.log("the change was made by an earlier attempt; nothing was done")
            keep_again(self._ctx, before)
        told: dict[str, JsonValue] = {name: value for name, value in result.items() if name != "before"}
        return {**told, "before": before["name"]} if isinstance(before, Mapping) else told

    def account(self) -> accounts.Account | None:
        """The row that says that the change was made."""
        with self._session() as session:
            session.begin(write=False)
            return accounts.find_account(session, self._place.schema, self._ctx.idempotency_key)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = open_session(self._place, self._ctx, most_ms=_READING_MS)
        try:
            with interrupted_with(session, self._ctx):
                yield session
        finally:
            session.close()
