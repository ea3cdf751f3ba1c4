"""A connection to a database, as `db_write` uses it: one transaction, and faults in nofx's own words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Protocol

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.handlers.database.references import Reference
from nofx_cli.handlers.database.statement import Dialect
from nofx_cli.handlers.database.where import Bound
from nofx_cli.ports.handler import StepCancelled, StepContext

_LOOK_EVERY_SECONDS = 0.1


@record
class Table:
    """A table that is there, by the name that it was made with.

    Attributes:
        references: of all tables; they say what the database changes by itself.
        heirs: tables whose rows are seen, and changed, as rows of this one, because they inherit from it.
        partitions: tables that its rows are in, wherever it is declared as made of partitions.
    """

    name: str
    columns: frozenset[str]
    references: tuple[Reference, ...] = ()
    heirs: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()


class Busy(errors.Conflict):
    """Others are at the same rows: the transaction was rolled back, and can be tried again."""

    default_code = "database-busy"


class Lost(errors.Unavailable):
    """The connection cannot be made, or broke: of a transaction that was being committed nobody knows the end."""

    default_code = "database-unreachable"


class Session(Protocol):
    """One connection, used by one thread.

    Every method raises `Busy`, `Lost`, and `errors.InvalidInput` (code `database-refused`) where the database does not
    take a statement; none of their messages has a password or a value of a row.
    """

    dialect: Dialect

    def begin(self, *, write: bool) -> None:
        """Begin a transaction that sees one state of the database; without `write`, one that cannot change it."""
        ...

    def select(self, bound: Bound, *, most: int = 0, lock: bool = False) -> list[dict[str, Any]]:
        """The rows, by column; with `most`, at most one more than that. `lock` keeps others from changing them."""
        ...

    def execute(self, bound: Bound) -> int:
        """Execute a change; how many rows it was. With text that has no values, nothing is bound."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def table(self, name: str) -> Table | None:
        """The table of that name, if it is one: no view."""
        ...

    def interrupt(self) -> None:
        """End what is being executed; called from another thread."""
        ...

    def close(self) -> None:
        """Give the connection back; what was not committed is rolled back. Raises nothing."""
        ...


def refused_text(exc: UnicodeEncodeError) -> errors.InvalidInput:
    """The error of a value that cannot be sent: it has a half of a surrogate pair, which no encoding has."""
    sign = f"U+{ord(exc.object[exc.start]):04X}"
    return errors.InvalidInput(
        f"the database refuses it: a text has {sign}, which is no character", code="database-refused"
    )


def count(session: Session, counted: Sequence[Bound]) -> int:
    """The sum of what statements count."""
    return sum(int(next(iter(session.select(one)[0].values()))) for one in counted)


@contextmanager
def interrupted_with(session: Session, ctx: StepContext) -> Iterator[None]:
    """While it lasts, a step that is to stop interrupts what the database does for it.

    Raises:
        StepCancelled: it was stopped, whatever the database made of that.
    """
    ended = Event()
    watch = Thread(target=_watch, args=(session, ctx, ended), daemon=True)
    watch.start()
    try:
        yield
    except errors.NofxError:
        ctx.check_cancelled()
        raise
    finally:
        ended.set()
        watch.join()


def _watch(session: Session, ctx: StepContext, ended: Event) -> None:
    while not ended.wait(_LOOK_EVERY_SECONDS):
        try:
            ctx.check_cancelled()
        except StepCancelled:
            session.interrupt()
            # goes on: it may not have begun to execute when it was interrupted
