"""How models are set up, and what a try of one found: the data of `nofx models list` and `test`. No key is in it."""

from decimal import Decimal

from nofx_cli.domain.models import EditFormat, Price, Usage
from nofx_cli.domain.record import record


@record
class ProviderStanding:
    """A provider.

    Attributes:
        key: the variable or the secret (`<scope>/<NAME>`) that its key comes from, or `none`; of several variables the
            one that is set.
        key_set: whether there is a key now; None where that is known only when a model is asked.
        source: where it stands.
    """

    name: str
    base_url: str
    key: str
    key_set: bool | None
    source: str


@record
class ModelStanding:
    """A model that a route or a setting names. `source` says whose the price is."""

    model: str
    kinds: tuple[str, ...]
    edits: EditFormat
    max_output_tokens: int
    price: Price | None
    price_source: str
    price_tiers: bool


@record
class Standing:
    """All of it. `routes` has the kinds that are configured."""

    routes: dict[str, tuple[str, ...]]
    providers: tuple[ProviderStanding, ...]
    models: tuple[ModelStanding, ...]


@record
class Tested:
    """What came of one tiny call. `first_token_ms` is 0 where none came; `calls` counts those in other words, too."""

    model: str
    ok: bool
    error: str = ""
    code: str = ""
    exit_code: int = 0
    hint: str = ""
    text: str = ""
    calls: int = 0
    status: int = 0
    duration_ms: int = 0
    first_token_ms: int = 0
    usage: Usage = Usage()
    cost_usd: Decimal | None = None
