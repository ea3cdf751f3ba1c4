"""The parts of plans and of `nofx.yaml` that limit what is spent: `budget`, also below `policy`."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nofx_cli.domain.budget import Budget, OnLimit, Period, ProjectBudget
from nofx_cli.domain.ids import JsonObject
from nofx_cli.planning.kinds import Choice, Duration, Whole
from nofx_cli.planning.nodes import FLOAT, INT, STR, Node
from nofx_cli.planning.reading import Bad, Field, Found, Reading, describe, table

if TYPE_CHECKING:
    from decimal import Decimal

_DOLLARS = "[0-9]{1,9}([.][0-9]{1,9})?"


class Dollars:
    """An amount of US dollars, zero or more; kept exactly as it is written, also where it is written as a number."""

    label = "US dollars such as 2.00"

    def read(self, node: Node, reading: Reading) -> "Decimal | Bad":
        if node.id != "scalar" or node.tag not in (STR, INT, FLOAT):
            return reading.wrong_kind(node, self.label)
        if not re.fullmatch(_DOLLARS, node.value):
            message = f"{reading.what()} takes {self.label}, not {describe(node)}"
            return reading.bad_value(node, message, hint="write it like 0.50 or 2, without a sign")
        from decimal import Decimal

        return Decimal(node.value)

    def schema(self) -> JsonObject:
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_DOLLARS}$"}]}


_LIMITS = (
    Field("usd", Dollars(), "What calls to models may cost, in US dollars.", default="no limit"),
    Field("tokens", Whole(0), "How many tokens they may take, in and out.", default="no limit"),
    Field("calls", Whole(0), "How many calls there may be, repetitions counted.", default="no limit"),
)
_WALL = Field("wall", Duration(), "How long it may execute; waiting for people does not count.", default="no limit")
_AMOUNTS = ("usd", "tokens", "calls", "wall")
_AT_THE_LIMIT = Choice(*(one.value for one in OnLimit))
_WHAT_THEN = "What happens at a limit: `wait` for a person, who may raise it, or `fail` with exit code 7."

BUDGET = table(
    *_LIMITS,
    _WALL,
    Field("on_limit", _AT_THE_LIMIT, _WHAT_THEN, default="what the plan says, else `wait`"),
)
POLICY_BUDGET = table(*_LIMITS, _WALL)
PROJECT_BUDGET = table(
    *_LIMITS,
    Field("wall", Duration(), "How long each run may execute.", default="no limit"),
    Field(
        "per",
        Choice(*(one.value for one in Period)),
        "What all runs together are limited for: each `day` or `month` (UTC), or in `total`.",
        default="day",
    ),
    Field("on_limit", _AT_THE_LIMIT, _WHAT_THEN, default="wait"),
)


def budget_of(found: object, source: str, *, on_limit: OnLimit = OnLimit.WAIT) -> Budget:
    """What the `budget:` of a mapping says; `source` names the file, `on_limit` is for where it does not say."""
    if not isinstance(found, Found) or not isinstance(found.values.get("budget"), Found):
        return Budget() if on_limit is OnLimit.WAIT else Budget(on_limit=on_limit)
    said = _said(found)
    then = OnLimit(said.get("on_limit", on_limit))
    return Budget(**_amounts(said), on_limit=then, source=_place(found, source))


def project_budget_of(found: Found, source: str) -> ProjectBudget:
    """The same of the `budget:` of `nofx.yaml`."""
    if not isinstance(found.values.get("budget"), Found):
        return ProjectBudget()
    said = _said(found)
    per, then = Period(said.get("per", Period.DAY)), OnLimit(said.get("on_limit", OnLimit.WAIT))
    return ProjectBudget(**_amounts(said), per=per, on_limit=then, source=_place(found, source))


def _said(found: Found) -> Mapping[str, Any]:
    budget = found.values["budget"]
    return budget.values if isinstance(budget, Found) else {}


def _amounts(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"wall_ms" if name == "wall" else name: said[name] for name in _AMOUNTS if name in said}


def _place(found: Found, source: str) -> str:
    return f"{source}:{found.nodes['budget'].start_mark.line + 1}"
