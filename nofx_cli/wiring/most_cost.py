"""The most that a run of a plan can cost, before it runs.

What bounds it is what the plan says of dollars, or of calls and tokens together with the prices of the models: every
call reserves its most before it is sent, so a run cannot go beyond what its budget leaves.
"""

from decimal import Decimal

from nofx_cli import errors
from nofx_cli.domain.limits import effective_budget
from nofx_cli.domain.models import DEFAULT_MAX_OUTPUT_TOKENS, ModelRequest, ModelsSpec
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted, dollars
from nofx_cli.engine.services import Services
from nofx_cli.models.prices import Prices
from nofx_cli.models.providers import Providers

_AGENT, _CODEGEN = "agent:", "codegen"


@record
class MostCost:
    """`usd` is None where it is not known; `why` says what bounds it, or why it is not known."""

    usd: Decimal | None
    why: str

    def __str__(self) -> str:
        return f"{'unknown' if self.usd is None else f'at most {dollars(self.usd)}'}: {self.why}"


def most_cost(services: Services, plan: Plan) -> MostCost:
    """The most that a run of the plan can cost. Nothing is sent, and no key is looked for."""
    agents = [step.tool for step in plan.steps if step.tool.startswith(_AGENT)]
    if agents:
        return MostCost(None, f"{agents[0]} has a bill of its own")
    asking = [step for step in plan.steps if step.tool == _CODEGEN]
    if not asking:
        return MostCost(Decimal(0), "no model is asked")
    limits = effective_budget(services.rules(), plan)
    try:
        priced = _by_prices(services, plan, asking)
    except errors.InvalidInput as exc:  # a model that would be asked is not configured
        return MostCost(None, exc.message)
    if limits.usd is not None and (priced.usd is None or Decimal(limits.usd.amount) <= priced.usd):
        return MostCost(Decimal(limits.usd.amount), "the budget of the run")
    return priced


def _by_prices(services: Services, plan: Plan, asking: list[Step]) -> MostCost:
    limits = effective_budget(services.rules(), plan)
    if limits.calls is None or limits.tokens is None:
        return MostCost(None, "the plan limits neither dollars, nor calls and tokens")
    calls, tokens = int(limits.calls.amount), int(limits.tokens.amount)
    spec = services.rules().models or ModelsSpec()
    prices, providers = Prices(spec.settings, services.clock), Providers(spec, services.environ)
    most = Decimal(0)
    named = dict.fromkeys((model, output) for step in asking for model, output in _asked(services, spec, step))
    for model, output in named:
        answered = min(calls * output, tokens)
        usd = prices.most(model, providers.of(model), input=tokens - answered, output=answered)
        if usd is None:
            return MostCost(None, f"the price of {model} is not known")
        most = max(most, usd)
    of = ", ".join(dict.fromkeys(model for model, _ in named))
    return MostCost(most, f"{counted(calls, 'call')} and {tokens:,} tokens of {of}")


def _asked(services: Services, spec: ModelsSpec, step: Step) -> list[tuple[str, int]]:
    """The models that a step may ask, each with the most that one answer of it may have."""
    kind, model, own = (step.inputs.get(name) for name in ("kind", "model", "max_output_tokens"))
    request = ModelRequest((), kind=str(kind or _CODEGEN), model=str(model or ""))
    found = []
    for name in services.models().route(request):
        said = spec.settings.get(name)
        configured = said.max_output_tokens if said and said.max_output_tokens else DEFAULT_MAX_OUTPUT_TOKENS
        found.append((name, own if isinstance(own, int) else configured))
    return found
