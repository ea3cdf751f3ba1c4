"""Budgets: what a step, a run or a project may spend at most. Only data and sums.

Before each call to a model the most that it can cost is reserved, by appending `llm.requested`; when it has ended,
what it did cost takes the place of that. What a call cost that nobody knows of (the process died, the connection broke,
the provider told no usage) counts with all that was reserved. So a limit cannot be passed, also by steps that run at
the same time: whoever would pass it finds the others' reservations in the journal.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from nofx_cli.domain.record import record

if TYPE_CHECKING:
    from decimal import Decimal  # plans that ask no model do not load it


class OnLimit(StrEnum):
    """What happens at a limit."""

    WAIT = "wait"
    """The step waits for a person, who may raise it."""
    FAIL = "fail"
    """The step fails; the run ends with exit code 7."""


class Period(StrEnum):
    """For what time a project's budget is."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


@record
class Budget:
    """Limits of a run or a step; None: none. `wall_ms` is the time that it may execute, waiting for people not counted.

    `source` is where it stands: `plans/a.yaml:7`.
    """

    usd: "Decimal | None" = None
    tokens: int | None = None
    calls: int | None = None
    wall_ms: int | None = None
    on_limit: OnLimit = OnLimit.WAIT
    source: str = ""


@record
class ProjectBudget:
    """Limits of all runs of a project together: for each day or month (UTC), or in all. `wall_ms` is for each run."""

    usd: "Decimal | None" = None
    tokens: int | None = None
    calls: int | None = None
    wall_ms: int | None = None
    per: Period = Period.DAY
    on_limit: OnLimit = OnLimit.WAIT
    source: str = ""


@record
class Spent:
    """What calls have cost. `unknown` counts those of which that is not known; they count with what was reserved."""

    usd: "Decimal | int" = 0
    tokens: int = 0
    calls: int = 0
    unknown: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.usd + other.usd, self.tokens + other.tokens, self.calls + other.calls, self.unknown + other.unknown
        )

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(
            self.usd - other.usd, self.tokens - other.tokens, self.calls - other.calls, self.unknown - other.unknown
        )
