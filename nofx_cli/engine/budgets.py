"""Whether budgets leave what a step needs: asked before every call to a model, and before a step starts.

    llm.requested, if every limit leaves room for the most that the call can cost ── sent ──▶ llm.responded
        └▶ no room: budget.exceeded and approval.requested (reason `budget`), or the step fails: nothing is sent

The journal is the authority: a reservation is an append, so that of two steps which would both take the last dollar one
finds the other's reservation. A person who approves raises the limit, on record; whoever waits for the same limit tries
again then.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.budget import OnLimit, Period, Spent
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.limits import Limit, Limits, effective_budget
from nofx_cli.domain.plan import Step
from nofx_cli.domain.project import ProjectRules
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import StepState
from nofx_cli.domain.wording import dollars
from nofx_cli.engine.services import Services

if TYPE_CHECKING:
    from decimal import Decimal

    from nofx_cli.ports.models import ModelCall

Amount: TypeAlias = "Decimal | int"
_WORDS = {"usd": "budget", "tokens": "token budget", "calls": "budget of calls", "wall": "time budget"}


@record
class Shortage:
    """A limit that would be passed, and what is to be done about it.

    Attributes:
        message: what is short, with its place, in one sentence.
        question: what a person is asked.
    """

    exceeded: ev.BudgetExceeded
    on_limit: OnLimit
    message: str
    question: str
    hint: str


def limits_project(rules: ProjectRules) -> bool:
    """Whether `nofx.yaml` bounds what all runs spend together; then whoever reserves takes the ledger's turn."""
    return any(limit is not None for limit in (rules.budget.usd, rules.budget.tokens, rules.budget.calls))


def shortage_of_call(services: Services, state: RunState, step: StepState, call: "ModelCall") -> Shortage | None:
    """The first limit of the step, the run or the project that does not leave what the call can cost at most."""
    spec = state.plan.steps[step.place]
    needed = {"usd": call.most_usd, "tokens": call.most_input_tokens + call.most_output_tokens, "calls": 1}
    levels = [*_levels(services, state, spec), *_project(services)]
    for level, limits, spent in levels:
        used = {"usd": spent.usd, "tokens": spent.tokens, "calls": spent.calls}
        for what, limit in _of_calls(limits):
            now = _raised(state, spec, f"{level}.{what}", limit)
            amount = needed[what]
            if amount is None:
                return _unpriced(_whose(level, spec), level, limit, call.model)
            if used[what] + amount > now:
                short = _Short(level, what, limit, on_limit=limits.on_limit, now=now)
                return short.told(spec, used[what], amount)
    return None


def _of_calls(limits: Limits) -> Iterator[tuple[str, Limit]]:
    for what, limit in (("usd", limits.usd), ("tokens", limits.tokens), ("calls", limits.calls)):
        yield from ((what, one) for one in (limit.all if limit else ()))


def shortage_of_time(services: Services, state: RunState, spec: Step, *, now_us: int) -> Shortage | None:
    """The limit of time that is used up when the step would start."""
    left = wall_left(services, state, spec, now_us=now_us)
    return left.shortage() if left is not None and left.ms <= 0 else None


@record
class WallLeft:
    """What a budget leaves of the time of a step that starts now, in milliseconds."""

    ms: int
    shortage: Callable[[], Shortage]


def wall_left(services: Services, state: RunState, spec: Step, *, now_us: int) -> WallLeft | None:
    """The least that any limit of time leaves; None where there is no such limit."""
    found = [
        _time_left(state, spec, level, limit, on_limit=limits.on_limit, now_us=now_us)
        for level, limits, _ in _levels(services, state, spec)
        for limit in (limits.wall_ms.all if limits.wall_ms else ())
    ]
    of_project = services.rules().budget
    if of_project.wall_ms is not None:
        limit = Limit(of_project.wall_ms, of_project.source)
        found.append(_time_left(state, spec, "run", limit, on_limit=of_project.on_limit, now_us=now_us))
    return min(found, key=lambda left: left.ms, default=None)


def _time_left(state: RunState, spec: Step, level: str, limit: Limit, *, on_limit: OnLimit, now_us: int) -> WallLeft:
    used = state.active_ms(now_us) if level == "run" else state.steps[spec.name].spent_ms
    now = int(_raised(state, spec, f"{level}.wall", limit))
    short = _Short(level, "wall", limit, on_limit=on_limit, now=now)
    return WallLeft(now - used, lambda: short.told(spec, now))


def _levels(services: Services, state: RunState, spec: Step) -> Iterator[tuple[str, Limits, Spent]]:
    rules = services.rules()
    yield "step", effective_budget(rules, state.plan, spec), state.spending.of(spec.name)
    yield "run", effective_budget(rules, state.plan, None), state.spending.total


def _project(services: Services) -> Iterator[tuple[str, Limits, Spent]]:
    budget = services.rules().budget
    if not limits_project(services.rules()):
        return
    usd, tokens, calls = (
        None if amount is None else Limit(amount, budget.source) for amount in (budget.usd, budget.tokens, budget.calls)
    )
    since = begin_of(budget.per, format_at(services.clock.now_us()))
    yield "project", Limits(usd, tokens, calls, on_limit=budget.on_limit), services.ledger().spent(since=since)


def begin_of(period: Period, now: str) -> str:
    """When the period began in which `now` is, in UTC; both as `clock.format_at` writes them."""
    kept = {Period.DAY: now[:10], Period.MONTH: f"{now[:7]}-01", Period.TOTAL: "1970-01-01"}[period]
    return f"{kept}T00:00:00.000000Z"


def _raised(state: RunState, spec: Step, budget: str, limit: Limit) -> Amount:
    if limit.of_policy:
        return limit.amount
    from decimal import Decimal

    key = f"{budget}@{spec.name}" if budget.startswith("step.") else budget
    return max(Decimal(state.raised.get(key, 0)), limit.amount)


class _Short:
    """A limit that does not suffice. `now` is what it was raised to, or itself."""

    def __init__(self, level: str, what: str, limit: Limit, *, on_limit: OnLimit, now: Amount) -> None:
        self._level, self._what, self._limit, self._on_limit, self._now = level, what, limit, on_limit, now

    def told(self, spec: Step, used: Amount, needed: Amount = 0) -> Shortage:
        """What is on record, and what people read.

        A raise gives once more what the budget had, or what is needed, as far as the rule above it lets it.
        """
        raise_to = self._now + max(self._limit.amount, used + needed - self._now)
        if self._limit.rule is not None:
            raise_to = min(raise_to, self._limit.rule.amount)
        of = f"the {_WORDS[self._what]} of {_whose(self._level, spec)}"
        have, want = self._text(self._now), self._text(needed)
        says = f"{of}, {have} ({self._limit.source}), is used up"
        if self._what != "wall":
            is_gone = f"{self._text(used)} is spent or reserved, and up to {want} is needed"
            says = f"{of} is {have} ({self._limit.source}): {is_gone}"
        exceeded = ev.BudgetExceeded(
            f"{self._level}.{self._what}", str(self._now), str(needed), str(used), str(raise_to)
        )
        question = f"{says}; raise it to {self._text(raise_to)}?"
        on_limit = OnLimit.FAIL if self._limit.of_policy else self._on_limit  # nobody can raise what a rule says
        return Shortage(exceeded, on_limit, says, question, f"raise it where it stands: {self._limit.source}")

    def _text(self, amount: Amount) -> str:
        if self._what == "usd":
            return dollars(amount)
        return format_duration(int(amount)) if self._what == "wall" else f"{int(amount):,}"


def _whose(level: str, spec: Step) -> str:
    return f"step {spec.name}" if level == "step" else f"the {level}"


def _unpriced(whose: str, level: str, limit: Limit, model: str) -> Shortage:
    message = f"what {model} costs is not known, so the budget of {whose} ({limit.source}) cannot be kept"
    exceeded = ev.BudgetExceeded(f"{level}.usd", str(limit.amount), "unknown", "", "")
    hint = f"say it in nofx.yaml: models: {{settings: {{{model}: {{price: {{input: …, output: …}}}}}}}}"
    return Shortage(exceeded, OnLimit.FAIL, message, message, hint)
