"""The router: which models are asked, in which order, and how. Implements `ports.models.Models`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.clock import Clock
from nofx_cli.domain.models import (
    DEFAULT_MAX_OUTPUT_TOKENS,
    ChatMessage,
    EditFormat,
    ModelReply,
    ModelRequest,
    ModelsSpec,
)
from nofx_cli.models.asking import Asking, Desk
from nofx_cli.models.edit_formats import edit_format_of
from nofx_cli.models.keys import Keys, Learn, SecretsOf, variable_of
from nofx_cli.models.prices import Prices
from nofx_cli.models.providers import NO_KEY, Provider, Providers
from nofx_cli.models.standing import ModelStanding, ProviderStanding, Standing, Tested
from nofx_cli.models.suggestions import no_model
from nofx_cli.ports.models import CallEnd, CallWatch, ModelCall
from nofx_cli.ports.processes import Cancellation

if TYPE_CHECKING:
    from nofx_cli.models.wire import Wire

_TEST_MESSAGE = "Answer with the word: ok"
_TEST_OUTPUT_TOKENS = 64
_TEST_CALLS = 4
"""One, and one for each part of the request that a server may not know."""


class Router:
    """Asks models as `nofx.yaml` says. Without `spec` the built-in providers are there, and no routes."""

    def __init__(
        self,
        spec: ModelsSpec | None,
        *,
        environ: Mapping[str, str],
        secrets_of: SecretsOf,
        clock: Clock,
        learn: Learn,
        mask: Callable[[str], str] = str,
    ) -> None:
        """Nothing is called yet.

        Args:
            learn: is told each key before it is sent, so that it is masked wherever it comes back.
            mask: takes secrets out of what is said to a model, so that what is sent is what the archive keeps.
        """
        self._mask = mask
        self._spec, self._environ = spec or ModelsSpec(), environ
        self._providers = Providers(self._spec, environ)
        keys = Keys(environ, secrets_of, learn)
        self._prices = Prices(self._spec.settings, clock)
        self._desk = Desk(self._spec, self._providers, keys, self._prices, cache(lambda: _open_wire(clock)), clock, {})

    def route(self, request: ModelRequest) -> tuple[str, ...]:
        """See `ports.models.Models.route`."""
        models = (request.model,) if request.model else self._spec.routes.get(request.kind, ())
        if not models:
            raise no_model(request.kind, self._providers, self._environ)
        for model in models:
            self._providers.of(model)
        return models

    def edit_format(self, model: str) -> EditFormat:
        """See `ports.models.Models.edit_format`."""
        said = self._spec.settings.get(model)
        return (said.edits if said else None) or edit_format_of(model)

    def ask(
        self, request: ModelRequest, models: tuple[str, ...], *, watch: CallWatch, cancellation: Cancellation
    ) -> ModelReply:
        """See `ports.models.Models.ask`."""
        said = tuple(replace(message, content=self._mask(message.content)) for message in request.messages)
        sent = replace(request, messages=said)
        asking = Asking(self._desk, sent, watch=watch, cancellation=cancellation, attempts=self._spec.attempts)
        return asking.ask(models)

    def test(self, model: str, *, cancellation: Cancellation) -> Tested:
        """Make one tiny call, and tell what came of it; what fails is told, too.

        Raises:
            errors.InvalidInput: there is no such provider, or no model is named (as `route`).
            StepCancelled: `cancellation` came.
        """
        self._providers.of(model)
        request = ModelRequest(
            (ChatMessage("user", _TEST_MESSAGE),), model=model, max_output_tokens=_TEST_OUTPUT_TOKENS
        )
        seen = _Seen()
        asking = Asking(self._desk, request, watch=seen, cancellation=cancellation, attempts=_TEST_CALLS, tries=1)
        try:
            reply = asking.ask((model,))
        except errors.NofxError as exc:
            return seen.tested(model, error=exc)
        return seen.tested(model, text=reply.text)

    def standing(self) -> Standing:
        """How everything is set up; nothing is sent, and no secret is looked up."""
        routes = dict(self._spec.routes)
        named = dict.fromkeys([model for models in routes.values() for model in models] + list(self._spec.settings))
        return Standing(
            routes,
            tuple(self._provider_standing(provider) for provider in self._providers),
            tuple(self._model_standing(model) for model in named),
        )

    def _provider_standing(self, provider: Provider) -> ProviderStanding:
        key, key_set = provider.key, None
        if provider.variables:
            found = variable_of(provider, self._environ)
            key, key_set = found or " or ".join(provider.variables), bool(found)
        elif key in ("", NO_KEY):
            key, key_set = key or "not declared", False
        return ProviderStanding(provider.name, provider.base_url, key, key_set, provider.source)

    def _model_standing(self, model: str) -> ModelStanding:
        said = self._spec.settings.get(model)
        price = self._prices.shown(model, self._providers.of(model))
        return ModelStanding(
            model,
            tuple(kind for kind, models in self._spec.routes.items() if model in models),
            self.edit_format(model),
            (said.max_output_tokens if said else None) or DEFAULT_MAX_OUTPUT_TOKENS,
            price.price,
            price.source,
            price.tiers,
        )


def _open_wire(clock: Clock) -> "Wire":
    from nofx_cli.models.wire import Wire

    return Wire(clock)


class _Seen:
    """A watch that keeps how the last call ended, and counts."""

    def __init__(self) -> None:
        self._calls = 0
        self._end = CallEnd()

    def before(self, call: ModelCall) -> None:
        self._calls = call.number

    def after(self, call: ModelCall, end: CallEnd, reply: ModelReply | None) -> None:
        self._end = end

    def text(self, piece: str) -> None:
        """The reply has all of it."""

    def tested(self, model: str, *, text: str = "", error: errors.NofxError | None = None) -> Tested:
        end = self._end
        return Tested(
            model,
            error is None,
            error.message if error else "",
            error.code if error else "",
            int(error.exit_code) if error else 0,
            error.hint if error else "",
            text,
            self._calls,
            end.status,
            end.duration_ms,
            end.first_token_ms,
            end.usage,
            end.cost_usd,
        )
