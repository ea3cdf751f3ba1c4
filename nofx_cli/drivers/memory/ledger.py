"""The ledger over runs in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from nofx_cli.domain.budget import Spent
from nofx_cli.domain.spending import bill_of, charges_of
from nofx_cli.ports.journal import RunStore


class MemoryLedger:
    """Implements `ports.ledger.Ledger` for one project."""

    def __init__(self, store: RunStore) -> None:
        self._store, self._lock = store, Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._lock:
            yield

    def spent(self, *, since: str) -> Spent:
        charges = (charge for run in self._store.runs() for charge in charges_of(self._store.read(run)))
        return bill_of(charge for charge in charges if charge.at >= since).spent
