"""What may be spent, for people and for programs. Amounts of money are texts in JSON, so that they stay exact."""

from collections.abc import Iterator

from nofx_cli.domain.budget import OnLimit, Period, ProjectBudget
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.limits import Limit, Limits
from nofx_cli.domain.wording import counted, dollars

_NAMES = ("usd", "tokens", "calls", "wall_ms")


def limits_words(limits: Limits) -> str:
    """`$2.00 (plans/a.yaml:4), 9 calls (policy, nofx.yaml:9); then …`; empty where there is no limit."""
    said = [(name, getattr(limits, name)) for name in _NAMES]
    there = [(name, limit) for name, limit in said if limit is not None]
    words = [f"{_amount(name, limit)} ({'policy, ' * limit.of_policy}{limit.source})" for name, limit in there]
    of_policy = {limit.of_policy for _, limit in there}
    return f"{', '.join(words)}; {_then(limits.on_limit, of_policy)}" if words else ""


def project_words(budget: ProjectBudget) -> str:
    """`$5.00 a day (nofx.yaml:3); then a person is asked`; empty where there is no limit."""
    each = {Period.DAY: " a day", Period.MONTH: " a month", Period.TOTAL: " in total"}[budget.per]
    words = [f"{_amount(name, limit)}{each}" for name, limit in _of_project(budget) if name != "wall_ms"]
    words += [f"{_amount(name, limit)} a run" for name, limit in _of_project(budget) if name == "wall_ms"]
    return f"{', '.join(words)} ({budget.source}); {_then(budget.on_limit, {False})}" if words else ""


def limits_json(limits: Limits) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a limit is null where there is none."""
    return {**{name: _limit_json(getattr(limits, name)) for name in _NAMES}, "on_limit": limits.on_limit.value}


def project_json(budget: ProjectBudget) -> dict[str, JsonValue]:
    """The same of what all runs together may spend."""
    said = dict(_of_project(budget))
    limits: dict[str, JsonValue] = {name: _limit_json(said.get(name)) for name in _NAMES}
    return {**limits, "per": budget.per.value, "on_limit": budget.on_limit.value}


def _of_project(budget: ProjectBudget) -> Iterator[tuple[str, Limit]]:
    for name in _NAMES:
        amount = getattr(budget, name)
        if amount is not None:
            yield name, Limit(amount, budget.source)


def _limit_json(limit: Limit | None) -> JsonValue:
    if limit is None:
        return None
    amount = limit.amount if isinstance(limit.amount, int) else f"{limit.amount:f}"
    return {"limit": amount, "source": limit.source, "of_policy": limit.of_policy}


def _amount(name: str, limit: Limit) -> str:
    if name == "usd":
        return dollars(limit.amount)
    number = int(limit.amount)
    return format_duration(number) if name == "wall_ms" else counted(number, name.removesuffix("s"))


def _then(on_limit: OnLimit, of_policy: set[bool]) -> str:
    """What happens at a limit; nobody is asked to raise one of a policy."""
    if on_limit is OnLimit.FAIL or False not in of_policy:
        return "then it fails"
    return "then a person is asked" + (", but what policy limits fails" if True in of_policy else "")
