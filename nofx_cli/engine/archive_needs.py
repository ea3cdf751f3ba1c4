"""Which answers of the archive runs need: to be replayed, and to go on without paying twice."""

from collections.abc import Iterable

from nofx_cli import errors
from nofx_cli.domain.codec import DamagedLine
from nofx_cli.domain.events import LlmResponded
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.engine.model_events import model_events
from nofx_cli.ports.archive import Exchange
from nofx_cli.ports.journal import RunStore


@record
class Needs:
    """What some runs need.

    Attributes:
        answers: what their journals name, as digests of a request and of an answer.
        runs: the runs; what came for one of them it needs, also where a crash kept its journal from naming it.
        damaged: those whose journal cannot be read, so that nobody knows what they need.
    """

    answers: frozenset[tuple[str, str]]
    runs: frozenset[str]
    damaged: tuple[RunId, ...] = ()

    def includes(self, exchange: Exchange) -> bool:
        return exchange.run in self.runs or (exchange.request, exchange.answer) in self.answers


def needs_of(store: RunStore, runs: Iterable[RunId]) -> Needs:
    """What these runs need. A run that was taken away meanwhile needs nothing."""
    answers: set[tuple[str, str]] = set()
    there: set[str] = set()
    damaged: list[RunId] = []
    for run in runs:
        try:
            events = model_events(store, run)
        except errors.NotFound:
            continue
        except (DamagedLine, errors.StoreFailure, OSError):
            damaged.append(run)
            continue
        there.add(run)
        for event in events:
            if isinstance(event.payload, LlmResponded) and event.payload.answer:
                answers.add((event.payload.digest, event.payload.answer))
    return Needs(frozenset(answers), frozenset(there), tuple(damaged))
