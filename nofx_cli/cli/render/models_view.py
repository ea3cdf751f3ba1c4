"""Models as they are configured and as they answered, for people and for programs."""

from collections.abc import Iterator
from decimal import Decimal

from nofx_cli.cli.output import columns, paint, safe, shorten
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.models import KINDS, Usage
from nofx_cli.models.standing import ModelStanding, ProviderStanding, Standing, Tested

_LONGEST_TEXT = 60


def standing_lines(standing: Standing) -> Iterator[str]:
    """Routes, models and providers, in three tables."""
    kinds = [kind for kind in KINDS if kind not in standing.routes]
    rows = [(kind, ", then ".join(map(safe, models))) for kind, models in standing.routes.items()]
    rows += [(kind, "not configured") for kind in kinds]
    yield from columns([("ROUTE", "MODELS"), *rows], styles=_styles(2, len(rows)))
    if standing.models:
        yield ""
        rows_of_models = [_model_row(model) for model in standing.models]
        heads = ("MODEL", "$ PER MILLION TOKENS", "PRICE FROM", "EDITS", "MOST OUTPUT")
        yield from columns([heads, *rows_of_models], styles=_styles(5, len(rows_of_models)))
    yield ""
    rows_of_providers = [_provider_row(provider) for provider in standing.providers]
    heads_of_providers = ("PROVIDER", "KEY FROM", "", "ADDRESS", "FROM")
    yield from columns([heads_of_providers, *rows_of_providers], styles=_styles(5, len(rows_of_providers)))


def standing_json(standing: Standing) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return {
        "routes": {kind: list(models) for kind, models in standing.routes.items()},
        "models": [_model_json(model) for model in standing.models],
        "providers": [
            {
                "name": provider.name,
                "base_url": provider.base_url,
                "key": provider.key,
                "key_set": provider.key_set,
                "source": provider.source,
            }
            for provider in standing.providers
        ],
    }


def tested_lines(tested: Tested) -> Iterator[str]:
    """What came of a try: a line for the model, and one for each figure."""
    if not tested.ok:
        yield f"{safe(tested.model)}  {paint('failed', 'red')}  {safe(tested.error)}"
        return
    text = shorten(safe(tested.text), _LONGEST_TEXT) or "(nothing)"
    yield f"{safe(tested.model)}  {paint('answered', 'green')}  {text}"
    first = format_duration(tested.first_token_ms) if tested.first_token_ms else "none came"
    rows = [
        ("time", f"{format_duration(tested.duration_ms)}, first token after {first}"),
        ("usage", _usage(tested.usage)),
        ("cost", "unknown" if tested.cost_usd is None else f"${dollars(tested.cost_usd)}"),
    ]
    if tested.calls > 1:
        rows.append(("calls", f"{tested.calls}: the server does not know all that a request may have"))
    yield from (f"  {line}" for line in columns(rows, styles=[("dim", "")] * len(rows)))


def tested_json(tested: Tested) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them. What is not known is null."""
    usage = tested.usage
    return {
        "model": tested.model,
        "ok": tested.ok,
        "error": {"code": tested.code, "message": tested.error, "hint": tested.hint} if not tested.ok else None,
        "text": tested.text,
        "calls": tested.calls,
        "status": tested.status,
        "duration_ms": tested.duration_ms,
        "first_token_ms": tested.first_token_ms or None,
        "usage": {
            "input": usage.input,
            "output": usage.output,
            "cached": usage.cached,
            "reasoning": usage.reasoning,
        },
        "cost_usd": None if tested.cost_usd is None else dollars(tested.cost_usd),
    }


def dollars(amount: Decimal) -> str:
    """An amount as a plain decimal number, to the last digit that there is."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _model_row(model: ModelStanding) -> tuple[str, ...]:
    price = model.price
    shown = "unknown"
    if price is not None:
        cached = "" if price.cached is None else f", cached {dollars(price.cached)}"
        more = ", more for long requests" if model.price_tiers else ""
        shown = f"in {dollars(price.input)}, out {dollars(price.output)}{cached}{more}"
    return (safe(model.model), shown, model.price_source, str(model.edits), str(model.max_output_tokens))


def _model_json(model: ModelStanding) -> dict[str, JsonValue]:
    price = model.price
    return {
        "model": model.model,
        "kinds": list(model.kinds),
        "edits": str(model.edits),
        "max_output_tokens": model.max_output_tokens,
        "price": None
        if price is None
        else {
            "input": dollars(price.input),
            "output": dollars(price.output),
            "cached": None if price.cached is None else dollars(price.cached),
            "tiers": model.price_tiers,
        },
        "price_source": model.price_source,
    }


def _provider_row(provider: ProviderStanding) -> tuple[str, ...]:
    if provider.key_set is None:
        state = "a secret, looked up when a model is asked"
    elif provider.key_set:
        state = "set"
    else:
        state = "" if provider.key == "none" else "not set"
    return (safe(provider.name), safe(provider.key), state, safe(provider.base_url), safe(provider.source))


def _usage(usage: Usage) -> str:
    def shown(count: int | None) -> str:
        return "unknown" if count is None else str(count)

    parts = [f"{shown(usage.input)} in", f"{shown(usage.output)} out"]
    parts += [f"{usage.cached} cached"] if usage.cached is not None else []
    parts += [f"{usage.reasoning} for thinking"] if usage.reasoning is not None else []
    return ", ".join(parts) + " tokens"


def _styles(width: int, rows: int) -> list[tuple[str, ...]]:
    return [("dim",) * width, *[("bold", *[""] * (width - 1))] * rows]
