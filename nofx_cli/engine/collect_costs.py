"""What the models cost that runs asked, from the journals alone.

The time is linear in the journals, and those of runs that asked no model are only looked through, not read.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from nofx_cli import errors
from nofx_cli.domain.codec import DamagedLine
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.domain.spending import Bill, Charge, bill_of, bills_by, charges_of
from nofx_cli.engine.model_events import model_events
from nofx_cli.ports.journal import RunStore


class CostKey(StrEnum):
    """By what the costs are told. Days are of UTC, as those of budgets."""

    MODEL = "model"
    STEP = "step"
    DAY = "day"
    RUN = "run"


@record
class Costs:
    """The sums. `damaged` are the runs whose journal cannot be read: what they cost is not in them."""

    total: Bill
    groups: Mapping[str, Bill]
    damaged: tuple[RunId, ...] = ()


def collect_costs(store: RunStore, *, runs: Iterable[RunId] | None = None, since: str = "", by: CostKey) -> Costs:
    """Add up what was asked at `since` (as `clock.format_at` writes it) or later, in these runs, or in all."""
    charges: list[Charge] = []
    damaged: list[RunId] = []
    for run in store.runs() if runs is None else runs:
        try:
            charges += (charge for charge in charges_of(model_events(store, run)) if charge.at >= since)
        except errors.NotFound:  # taken away since it was listed
            continue
        except (DamagedLine, errors.StoreFailure, OSError):
            damaged.append(run)
    return Costs(bill_of(charges), _ordered(bills_by(charges, lambda charge: _key(charge, by)), by), tuple(damaged))


def _key(charge: Charge, by: CostKey) -> str:
    match by:
        case CostKey.MODEL:
            return charge.model
        case CostKey.STEP:
            return charge.step
        case CostKey.DAY:
            return charge.at[:10]
        case CostKey.RUN:
            return charge.run


def _ordered(bills: Mapping[str, Bill], by: CostKey) -> Mapping[str, Bill]:
    """Days as they come; runs newest first; models and steps by what they cost at most, dearest first."""
    if by in (CostKey.DAY, CostKey.RUN):
        return dict(sorted(bills.items(), reverse=by is CostKey.RUN))
    return dict(sorted(bills.items(), key=lambda item: (-item[1].spent.usd, item[0])))
