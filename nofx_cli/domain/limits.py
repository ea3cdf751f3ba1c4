"""What a run or one of its steps may spend at most: the narrowest limits of all who say something of it.

The policy of `nofx.yaml`, the plan's policy and the plan's `budget` bound the run; the step's policy and its own
`budget` bound the step. Both hold at the same time, and beside them the project's budget, which is for all runs.
"""

from typing import TYPE_CHECKING

from nofx_cli.domain.budget import Budget, OnLimit
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.project import ProjectRules
from nofx_cli.domain.record import record

if TYPE_CHECKING:
    from decimal import Decimal


@record
class Limit:
    """A limit and where it stands: `plans/a.yaml:7`.

    Attributes:
        of_policy: it is a rule, and not what a plan reckons with: nobody raises it.
        rule: of what a plan reckons with, the rule above it; it holds beside it, however far that is raised.
    """

    amount: "Decimal | int"
    source: str = ""
    of_policy: bool = False
    rule: "Limit | None" = None

    @property
    def all(self) -> "tuple[Limit, ...]":
        """The rule above it, and itself."""
        return (self,) if self.rule is None else (self.rule, self)


@record
class Limits:
    """The limits of a run or a step, each with its own source; None where nobody says one."""

    usd: Limit | None = None
    tokens: Limit | None = None
    calls: Limit | None = None
    wall_ms: Limit | None = None
    on_limit: OnLimit = OnLimit.WAIT

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return any(limit is not None for limit in (self.usd, self.tokens, self.calls, self.wall_ms))


def effective_budget(rules: ProjectRules, plan: Plan, step: Step | None = None) -> Limits:
    """The limits of a run of the plan, or, where a step is given, those of that step alone.

    Of equal limits the policy's is taken. What happens at a limit is what the plan's or the step's `budget` says.
    """
    if step is None:
        return _narrowest((rules.policy_budget, plan.policy_budget), plan.budget)
    return _narrowest((step.policy_budget,), step.budget)


def _narrowest(policies: tuple[Budget, ...], budget: Budget) -> Limits:
    usd, tokens, calls, wall_ms = (_least(name, policies, budget) for name in ("usd", "tokens", "calls", "wall_ms"))
    return Limits(usd, tokens, calls, wall_ms, budget.on_limit)


def _least(name: str, policies: tuple[Budget, ...], budget: Budget) -> Limit | None:
    rules = [Limit(amount, one.source, True) for one in policies if (amount := getattr(one, name)) is not None]
    rule = min(rules, key=lambda limit: limit.amount, default=None)
    own = getattr(budget, name)
    if own is None or (rule is not None and rule.amount <= own):
        return rule
    return Limit(own, budget.source, rule=rule)
