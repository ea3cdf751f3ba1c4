"""What a change would do, as it is counted before it is made, and again inside of its transaction."""

from collections.abc import Mapping, Sequence

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.record import record
from nofx_cli.handlers.database.references import tables_that_follow
from nofx_cli.handlers.database.session import Session, Table, count
from nofx_cli.handlers.database.sql_denied import denied
from nofx_cli.handlers.database.sql_text import check_own
from nofx_cli.handlers.database.statement import Statement
from nofx_cli.ports.handler import StepContext


@record
class Numbers:
    """How many rows a change writes or takes away, and how many of those are there before it."""

    rows: int
    replaced: int

    @classmethod
    def of(cls, shown: JsonValue) -> "Numbers | None":
        """Those that a preview told; None where it is none."""
        if not isinstance(shown, Mapping):
            return None
        rows, replaced = shown.get("rows"), shown.get("replaced")
        return cls(rows, replaced) if isinstance(rows, int) and isinstance(replaced, int) else None


def counted(session: Session, statement: Statement, *, most: int) -> Numbers:
    """Count, in the transaction that is open.

    Raises:
        errors.InvalidInput: it would be more rows than `most` (code `too-many-rows`).
    """
    found = count(session, statement.counted)
    replaced = found if statement.touched else 0
    rows = found if statement.rows is None else statement.rows
    if rows > most:
        raise errors.InvalidInput(
            f"it would {statement.operation} {rows} rows of {statement.table}, and `max_rows` is {most}",
            code="too-many-rows",
            hint=f"see that `where` is right; if it is, write `max_rows: {rows}`",
        )
    return Numbers(rows, replaced)


def check_tables(session: Session, statement: Statement, ctx: StepContext) -> list[JsonValue]:
    """Ask the policy about every table by its real name; the tables that the database changes by itself.

    Raises:
        errors.PolicyDenied: a rule does not allow one of them.
        errors.Denied: a table or a column is not there (code `sql-denied`).
    """
    if statement.operation == "ddl":
        return _check_ddl(session, statement, ctx)
    found = {}
    for name in statement.tables:
        check_own(name)
        table = session.table(name)
        if table is None:
            raise denied("table-not-found", f"there is no table {name} in the database")
        check_policy(statement, ctx, {name: table.name} if table.name != name else {})
        _check_parts(statement, ctx, name, table)
        found[name] = table
    there = frozenset[str]().union(*(table.columns for table in found.values()))
    for column in statement.columns:
        if column.casefold() not in there:
            raise denied("column-not-found", f"{' and '.join(found)} has no column {column}{_near(column, there)}")
    return _asked_about(_follows(statement, found[statement.table]), ctx)


def check_policy(statement: Statement, ctx: StepContext, names: Mapping[str, str] | None = None) -> None:
    """Ask the policy about what is changed and what is read, with other names for some of the tables.

    Raises:
        errors.PolicyDenied: a rule does not allow it.
    """
    wanted = [(statement.table, statement.operation), *((name, "select") for name in statement.reads)]
    if statement.by_sql:
        wanted = [*((name, "sql") for name in statement.tables), *wanted]
    for name, operation in wanted:
        if names is None:
            ctx.check_table(name, operation)
        elif name in names:
            ctx.check_table(names[name], operation)


def as_shown(
    database: str, statement: Statement, numbers: Numbers, *, most: int, follows: list[JsonValue]
) -> JsonObject:
    """What a person is shown, and approves."""
    first, more = statement.changes[0], len(statement.changes) - 1
    shown: dict[str, JsonValue] = {
        "database": database,
        "operation": statement.operation,
        "table": statement.table,
        "statement": first.text,
        "rows": numbers.rows,
        "replaced": numbers.replaced,
        "max_rows": most,
        "digest": statement.digest(database),
    }
    if not more:
        shown["values"] = list(first.values)
    if statement.reads:
        shown["reads"] = list(statement.reads)
    return {**shown, "changes_with_it": follows} if follows else shown


def _check_parts(statement: Statement, ctx: StepContext, name: str, table: Table) -> None:
    """Ask about the tables that the rows of one are in as about itself; a row is only added to partitions of it."""
    adds = name == statement.table and statement.operation == "insert"
    for part in (*table.partitions, *(() if adds else table.heirs)):
        check_policy(statement, ctx, {name: part})


def _check_ddl(session: Session, statement: Statement, ctx: StepContext) -> list[JsonValue]:
    """Ask about what is changed, and taken away, with a table: SQLite deletes the rows of one that is dropped."""
    table = session.table(statement.table)
    if table is None:
        return []
    for part in (*table.partitions, *table.heirs):
        check_policy(statement, ctx, {statement.table: part})
    follows: tuple[tuple[str, str], ...] = ()
    if session.dialect == "sqlite" and statement.changes[0].text.startswith("DROP TABLE"):
        follows = tables_that_follow(table.name, "delete", table.references)
    return _asked_about(follows, ctx)


def _asked_about(follows: Sequence[tuple[str, str]], ctx: StepContext) -> list[JsonValue]:
    for name, operation in follows:
        ctx.check_table(name, operation)
    return list(dict.fromkeys(name for name, _ in follows))


def _follows(statement: Statement, table: Table) -> tuple[tuple[str, str], ...]:
    """What the database changes by itself; of an insert nothing follows. An upsert may change what others refer to."""
    if statement.operation == "insert":
        return ()
    cause = "delete" if statement.operation == "delete" else "update"
    heirs = tuple((heir, cause) for heir in table.heirs)
    changed = (table.name, *table.heirs, *table.partitions)
    return (*heirs, *(one for name in changed for one in tables_that_follow(name, cause, table.references)))


def _near(column: str, there: frozenset[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(column.casefold(), sorted(there), n=1)
    return f"; did you mean {near[0]}?" if near else ""
