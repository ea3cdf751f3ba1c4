"""What calls cost: by the prices of `nofx.yaml`, else by those of the package `genai-prices`.

The package has its prices with it, and is never let to fetch newer ones. Sums are exact decimals.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from nofx_cli.clock import Clock
from nofx_cli.domain.models import ModelSettings, Price
from nofx_cli.domain.record import record
from nofx_cli.models.providers import OLLAMA, Provider, model_id
from nofx_cli.models.token_counts import Counted

_MILLION = 6
_FREE = Price(Decimal(0), Decimal(0), Decimal(0))


@record
class ShownPrice:
    """A price, and who says so: `nofx.yaml`, `genai-prices`, `local` or `unknown`. With `tiers` it is that of short
    requests.
    """

    price: Price | None
    source: str
    tiers: bool = False


class Prices:
    """Prices of models by their whole names."""

    def __init__(self, settings: Mapping[str, ModelSettings], clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    def cost(self, model: str, provider: Provider, counted: Counted) -> Decimal | None:
        """What a call cost; None where the price, or how much there was of it, is not known.

        Input that is not said to come from a cache counts as if none did.
        """
        usage = counted.usage
        if usage.input is None or usage.output is None:
            return None
        price = self._own(model, provider)
        if price is not None:
            return _sum(price, usage.input, usage.output, usage.cached or 0)
        return self._listed(model, provider, usage.input, usage.output, cached=usage.cached, written=counted.written)

    def most(self, model: str, provider: Provider, *, input: int, output: int) -> Decimal | None:  # noqa: A002 - as in `Price`
        """What a call of at most so many tokens can cost at most, caches included; None where that is not known."""
        price = self._own(model, provider)
        if price is not None:
            cached = price.cached if price.cached is not None else price.input
            return max(_sum(price, input, output, 0), _sum(price, input, output, input if cached > price.input else 0))
        plain = self._listed(model, provider, input, output)
        written = self._listed(model, provider, input, output, written=input)
        return plain if plain is None or written is None else max(plain, written)

    def shown(self, model: str, provider: Provider) -> ShownPrice:
        """The price per million tokens, to be shown."""
        said = self._settings.get(model)
        if said is not None and said.price is not None:
            return ShownPrice(said.price, "nofx.yaml")
        if self._own(model, provider) is not None:
            return ShownPrice(_FREE, "local")
        found = self._find(model, provider)
        if found is None:
            return ShownPrice(None, "unknown")
        listed = found[1].get_prices(self._now())
        parts = [getattr(listed, name) for name in ("input_mtok", "output_mtok", "cache_read_mtok")]
        base = [getattr(part, "base", part) for part in parts]
        if base[0] is None or base[1] is None:
            return ShownPrice(None, "unknown")
        return ShownPrice(Price(base[0], base[1], base[2]), "genai-prices", tiers=base != parts)

    def _own(self, model: str, provider: Provider) -> Price | None:
        said = self._settings.get(model)
        if said is not None and said.price is not None:
            return said.price
        return _FREE if provider.name == OLLAMA and provider.is_local else None

    def _listed(
        self,
        model: str,
        provider: Provider,
        input: int,  # noqa: A002 - as in `Price`
        output: int,
        *,
        cached: int | None = None,
        written: int | None = None,
    ) -> Decimal | None:
        from genai_prices import Usage

        found = self._find(model, provider)
        if found is None:
            return None
        usage = Usage(
            input_tokens=input, output_tokens=output, cache_read_tokens=cached or 0, cache_write_tokens=written or 0
        )
        try:
            total = found[1].calc_price(usage, found[0], genai_request_timestamp=self._now()).total_price
        except (LookupError, ValueError):
            return None  # it has a price that does not go with such a usage
        return Decimal(total)

    def _find(self, model: str, provider: Provider) -> Any:
        """The provider and the model in the package, known by the address that is asked; None where it has not both."""
        from genai_prices.data_snapshot import get_snapshot

        try:
            return get_snapshot().find_provider_model(model_id(model), None, None, provider.base_url)
        except LookupError:
            return None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_us() / 1_000_000, UTC)


def _sum(price: Price, tokens_in: int, tokens_out: int, cached: int) -> Decimal:
    cached_price = price.input if price.cached is None else price.cached
    total = (tokens_in - cached) * price.input + cached * cached_price + tokens_out * price.output
    return total.scaleb(-_MILLION)
