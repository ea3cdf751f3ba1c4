"""The outbox of a target: how far each run's events were told there.

Authority: the journals. The outbox only remembers which runs may have events that were not told (the open ones), up to
which event each was told (its cursor), and how the target does. It may be deleted at any time: then the target is new,
and is told of what comes from now on.

States of a run: open ──all told, and it has ended──▶ closed ──it goes on──▶ open.

Crash points: a run is opened before it is executed, so whoever delivers next finds it. The cursor moves after the
receiver has answered: a death in between tells the same event once more, never less. A run is closed by taking its sign
away first and looking at the journal again afterwards, so that an event that comes meanwhile opens it again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record


@record
class Health:
    """How a target does.

    Attributes:
        tries: how often in a row it could not be told.
        since: when that began; empty while all is well.
        next_us: before this instant it is not tried again.
        error: what was wrong the last time.
    """

    tries: int = 0
    since: str = ""
    next_us: int = 0
    error: str = ""


class Cursor(Protocol):
    """How far a run's events were told to a target; held by one deliverer at a time."""

    @property
    def seq(self) -> int:
        """The last event that was told or is not for the target; 0 where there is none yet."""
        ...

    @property
    def health(self) -> Health:
        """How the run's next event does, where the target refuses just that."""
        ...

    def reached(self, seq: int) -> None:
        """Note that everything up to an event was told."""
        ...

    def put_off(self, health: Health) -> None:
        """Note that the next event was refused."""
        ...


class Outbox(Protocol):
    """The outbox of one target of one project. Processes and threads share it."""

    def since(self) -> str:
        """When the target came to be: older events are not told there. The first call, or `open`, makes it so.

        Raises:
            errors.StoreFailure: the store cannot be read or written; so do the other methods.
        """
        ...

    def open(self, run: RunId) -> None:
        """Have the run's events told, from where its cursor stands."""
        ...

    def runs(self) -> Sequence[RunId]:
        """The open runs, oldest first."""
        ...

    def overlooked(self) -> Iterator[RunId]:
        """Runs of the store that are not open and were written to since they were closed, or since the target is there.

        Looks at every run, so it is for who has the time; the runs may be of other projects.
        """
        ...

    def hold(self, run: RunId) -> "AbstractContextManager[Cursor | None]":
        """Be the one that tells of a run while the block lasts; None where another does."""
        ...

    def close(self, run: RunId, *, is_over: Callable[[], bool]) -> None:
        """Note that nothing more is to come of a run, unless `is_over`, asked afterwards, finds otherwise."""
        ...

    def drop(self, run: RunId) -> None:
        """Forget a run that is gone, or none of the target's."""
        ...

    @property
    def health(self) -> Health:
        """How the target does."""
        ...

    def note(self, health: Health) -> None:
        """Note how the target does."""
        ...
