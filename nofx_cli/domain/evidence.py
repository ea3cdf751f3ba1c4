"""What speaks for the work of a run, told to those who see only its outcome: in a pull request, for example."""

from collections.abc import Mapping
from decimal import Decimal

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.record import record


@record
class GateFact:
    """What a gate said. `counts` is what it counted."""

    step: StepName
    gate: str
    verdict: str
    summary: str
    counts: Mapping[str, int]


@record
class Evidence:
    """Of one step of a run.

    Attributes:
        gates: of all steps that the step needs, also by others, in the order of the plan.
        calls, usd: what models were asked so far in the run, and what is known of its cost.
        unknown_calls: those whose cost is not known.
        head: the end of the journal, as `nofx verify --expect-head` takes it.
    """

    gates: tuple[GateFact, ...] = ()
    calls: int = 0
    usd: Decimal = Decimal(0)
    unknown_calls: int = 0
    head: str = ""
