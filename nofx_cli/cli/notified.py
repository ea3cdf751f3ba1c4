"""Tell others of a run while a command executes it. A project that has nobody to tell loads nothing for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from nofx_cli.cli.output import note, safe
from nofx_cli.domain.ids import RunId
from nofx_cli.wiring.session import Session


@contextmanager
def notified(session: Session, run: RunId, *, quiet: bool = False) -> Iterator[None]:
    """Tell of the run's events as they come. The end waits two seconds at most, and says who was not told."""
    if not session.notifies:
        yield
        return
    from nofx_cli.wiring.notify import told_while_executed

    with told_while_executed(session, run) as not_told:
        yield
    for one in () if quiet else not_told:
        why = f": {one.why}" if one.why else " yet"
        note(f"{safe(one.target)} was not told{safe(why)}; it is kept: nofx notify send")


def told_of(session: Session, run: RunId) -> None:
    """Have the run told of by whoever executes it."""
    if session.notifies:
        from nofx_cli.wiring.notify import open_in_outboxes

        open_in_outboxes(session, run)
