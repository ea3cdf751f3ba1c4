"""The one transaction of a change: account, count, what the rows were, change, intent on record, commit.

Whatever ends it before the commit ends all of it. Where the connection is lost while it commits, nobody knows what
became of it: it is begun again, and finds its row in `nofx_effects`, or makes the change.
"""

from collections.abc import Callable

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.record import record
from nofx_cli.handlers.database import accounts
from nofx_cli.handlers.database.before_image import NAME, described, lines_of
from nofx_cli.handlers.database.foresight import Numbers, counted
from nofx_cli.handlers.database.session import Busy, Lost, Session, interrupted_with
from nofx_cli.handlers.database.statement import Statement
from nofx_cli.ports.handler import Effect, StepContext

_TRIES = 5


@record
class Order:
    """What is to be done, where, within which bounds.

    Attributes:
        previewed: what was counted before.
        intend: puts on record that the change is about to be made. Asked when nothing but the commit is left: what is
            refused before that leaves nothing open on record.
    """

    database: str
    schema: str
    statement: Statement
    most: int
    previewed: Numbers
    intend: Callable[[], Effect]


def write(ctx: StepContext, order: Order, connect: Callable[[], Session]) -> tuple[Effect, JsonObject]:
    """Make the change, unless it is made; what came of it, and the effect, which is still open on record.

    Raises:
        Busy, Lost: it was not made, or nobody knows; another attempt may be made in any case.
        errors.Conflict: other rows than those that were previewed (code `rows-changed`), or the step's key stands for
            another change (code `database-key-taken`).
        errors.NofxError: as `Session`, `foresight.counted` and `before_image.lines_of`.
    """
    for last in (*(False,) * (_TRIES - 1), True):
        session = connect()
        try:
            with interrupted_with(session, ctx):
                return _write_once(ctx, order, session)
        except (Busy, Lost):
            ctx.check_cancelled()
            if last:
                raise
            ctx.log("the transaction was broken off; it is tried again")
        finally:
            session.close()
    raise AssertionError("the last try returns or raises")


def _write_once(ctx: StepContext, order: Order, session: Session) -> tuple[Effect, JsonObject]:
    statement, schema, key = order.statement, order.schema, ctx.idempotency_key
    digest = statement.digest(order.database)
    accounts.ensure_table(session, schema)
    session.begin(write=True)
    if not accounts.claim(session, schema, key, run=ctx.run_id, step=ctx.step, digest=digest):
        made = _made_before(session, schema, key, digest)
        return order.intend(), made
    numbers = counted(session, statement, most=order.most)
    _hold_to(order, numbers)
    before = _kept(ctx, order, session, numbers)
    _change(order, session, numbers)
    result: JsonObject = {**facts(order, numbers, key), **before}
    accounts.fill_in(session, schema, key, rows=numbers.rows, result=result)
    effect = order.intend()
    session.commit()
    return effect, result


def facts(order: Order, numbers: Numbers, key: str) -> JsonObject:
    """What is told of a change that was made."""
    statement = order.statement
    return {
        "operation": statement.operation,
        "table": statement.table,
        "rows": numbers.rows,
        "replaced": numbers.replaced,
        "database": order.database,
        "digest": statement.digest(order.database),
        "idempotency_key": key,
    }


def _made_before(session: Session, schema: str, key: str, digest: str) -> JsonObject:
    account = accounts.find_account(session, schema, key)
    if account is None:
        raise Busy("the step's row in nofx_effects was written and taken away meanwhile")
    if account.digest != digest:
        raise errors.Conflict(
            f"nofx_effects has another change under the key {key}",
            code="database-key-taken",
            hint="see which run that was: the row names it",
        )
    return account.result


def _hold_to(order: Order, numbers: Numbers) -> None:
    if numbers == order.previewed:
        return
    table, some = order.statement.table, order.statement.operation == "upsert"
    before, now = _words(order.previewed, some_are_new=some), _words(numbers, some_are_new=some)
    what = f"it was {before} when it was previewed and is {now} now"
    raise errors.Conflict(
        f"nothing was changed: the rows of {table} are others by now: {what}",
        code="rows-changed",
        hint="let the step run again: nofx retry; a person is asked anew where one was asked",
    )


def _words(numbers: Numbers, *, some_are_new: bool) -> str:
    there = f" ({numbers.replaced} of them there before)" if some_are_new else ""
    return f"{numbers.rows} row{'' if numbers.rows == 1 else 's'}{there}"


def _kept(ctx: StepContext, order: Order, session: Session, numbers: Numbers) -> JsonObject:
    """Keep what the rows are, and hold them as they are; what is known of that."""
    rows = [
        row
        for one in order.statement.touched
        for row in session.select(one, most=numbers.replaced, lock=_can_lock(session))
    ]
    if len(rows) != numbers.replaced:
        raise Busy("the rows were changed while they were read")
    return {"before": described(ctx.put_artifact(NAME, lines_of(rows)))} if rows else {}


def _can_lock(session: Session) -> bool:
    return session.dialect == "postgres"


def _change(order: Order, session: Session, numbers: Numbers) -> None:
    """Execute it, and see that it was as many rows as were counted."""
    made = sum(session.execute(one) for one in order.statement.changes)
    if order.statement.operation in ("insert", "update", "delete") and made != numbers.rows:
        raise errors.Conflict(
            f"nothing was changed: it would have been {made} rows of {order.statement.table}, not {numbers.rows}",
            code="rows-changed",
            hint="a trigger of the database may keep rows from being changed",
        )
