"""What all runs of a project have spent together: read from their journals, and one reservation at a time."""

from contextlib import AbstractContextManager
from typing import Protocol

from nofx_cli.domain.budget import Spent


class Ledger(Protocol):
    """The spending of the runs of one project in one store. The journals are its only truth; it writes nothing.

    Whoever reserves takes the turn, asks what was spent, and appends its reservation before it gives the turn back: so
    of two runs which would both take the last dollar, one finds the other's reservation.
    """

    def turn(self) -> AbstractContextManager[None]:
        """Wait until nobody else has it, in whatever process, and have it. It is free again however its holder dies."""
        ...

    def spent(self, *, since: str) -> Spent:
        """All calls that were asked for since that instant, as `clock.format_at` writes it; reservations count in full.

        Raises:
            errors.StoreFailure: a journal cannot be read.
        """
        ...
