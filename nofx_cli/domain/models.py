"""Models: what `nofx.yaml` says of them, what they are asked, and what they answer. Only data.

A model has a name `<provider>/<model>`, such as `openai/gpt-5` or `local/smollm2`.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from nofx_cli.domain.ids import JsonObject, JsonValue, canonical_json, digest_of_bytes
from nofx_cli.domain.record import record

if TYPE_CHECKING:
    from decimal import Decimal  # plans that ask no model do not load it

KINDS = ("codegen", "reasoning", "docs")
"""What routes are for."""
BUILT_IN_PROVIDERS = ("openai", "anthropic", "gemini", "ollama")
"""Providers that `nofx.yaml` need not declare."""
DEFAULT_MAX_OUTPUT_TOKENS = 8_192


class EditFormat(StrEnum):
    """How a model is asked to write changes of files."""

    WHOLE = "whole"
    SEARCH_REPLACE = "search-replace"
    UNIFIED_DIFF = "unified-diff"


class CacheUse(StrEnum):
    """Whether a step takes answers that lie in the archive.

    An answer that the same step of the same run got is taken in any case: a call is not paid for twice because the
    process died after it.
    """

    USE = "use"
    """An answer to the very same request, of any run, is taken."""
    REFRESH = "refresh"
    """The model is asked anew, and the new answer is the one that others take from then on."""
    OFF = "off"
    """The model is asked anew, and nobody else takes the answer; it is kept for the replay of this run."""


@record
class Price:
    """US dollars per million tokens. `cached` is for input tokens that the provider had in its cache."""

    input: "Decimal"
    output: "Decimal"
    cached: "Decimal | None" = None


@record
class TimeLimits:
    """In milliseconds: to connect, to the first token, for the whole call."""

    connect_ms: int = 10_000
    first_token_ms: int = 120_000
    whole_ms: int = 600_000


@record
class ProviderSpec:
    """A provider as `nofx.yaml` has it; one of the built-in ones needs none of this.

    Attributes:
        base_url: of its OpenAI-compatible API; empty for that of the built-in provider of this name.
        key: where its key comes from: `<scope>/<NAME>` for a secret of `nofx.yaml`, `none` for no key; empty for the
            usual environment variable of a built-in provider.
        source: where it stands: `nofx.yaml:12`.
    """

    name: str
    base_url: str = ""
    key: str = ""
    source: str = ""


@record
class ModelSettings:
    """What `nofx.yaml` says of one model, by its whole name. What is None is the provider's, or the default."""

    price: Price | None = None
    edits: EditFormat | None = None
    max_output_tokens: int | None = None


@record
class ModelsSpec:
    """The whole of `models:`.

    Attributes:
        routes: by kind, the models to try, in order.
        settings: by the name of a model.
        attempts: how many calls one question may take at most, all models and repetitions counted.
    """

    providers: Mapping[str, ProviderSpec] = field(default_factory=dict)
    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, ModelSettings] = field(default_factory=dict)
    limits: TimeLimits = TimeLimits()
    attempts: int = 6


@record
class ChatMessage:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@record
class ModelRequest:
    """A question to a model.

    Attributes:
        kind: the route that is taken, one of `KINDS`; not looked at where `model` is named.
        model: the name of one model, instead of a route.
        schema: a JSON Schema that the answer must fit; None for free text.
        max_output_tokens: a bound that is sent with every call, so that its cost has a bound; None takes what
            `nofx.yaml` says of the model, else `DEFAULT_MAX_OUTPUT_TOKENS`.
    """

    messages: tuple[ChatMessage, ...]
    kind: str = "codegen"
    model: str = ""
    schema: JsonObject | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    cache: CacheUse = CacheUse.USE

    def canonical(self, models: tuple[str, ...]) -> JsonObject:
        """What is archived of it, and what its digest is of: the same for whatever would be asked the same.

        Args:
            models: those that would be tried, in order.
        """
        return {
            "v": 1,
            "models": models,
            "messages": [{"role": message.role, "content": message.content} for message in self.messages],
            "schema": self.schema,
            "max_output_tokens": self.max_output_tokens,
            "temperature": self.temperature,
        }


def request_digest(canonical: JsonValue) -> str:
    """The SHA-256 of a canonical request, after secrets were masked in it."""
    return digest_of_bytes(canonical_json(canonical).encode("utf-8", "backslashreplace"))


@record
class Usage:
    """Tokens of a call; None is unknown, which is not zero. `cached` is part of `input`, `reasoning` of `output`."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None

    @property
    def is_known(self) -> bool:
        return self.input is not None and self.output is not None

    def to_json(self) -> JsonObject:
        """As events carry it: what is unknown is left out."""
        known = {"input": self.input, "output": self.output, "cached": self.cached, "reasoning": self.reasoning}
        return {name: count for name, count in known.items() if count is not None}


Finish: TypeAlias = Literal["stop", "length", "refused", "unknown"]


@record
class ModelReply:
    """What a model answered.

    Attributes:
        model: the whole name of the one that did.
        finish: why it stopped: it was done, it reached the bound of tokens, it or its provider refused.
        data: where a schema was asked for, the answer as JSON, which fits it.
        masked: whether secrets, or what looks like one, were masked in it when it was kept: it is not what was said.
    """

    text: str
    model: str
    finish: Finish = "stop"
    data: JsonValue = None
    usage: Usage = Usage()
    cost_usd: "Decimal | None" = None
    duration_ms: int = 0
    masked: bool = False


@record
class ModelAnswer:
    """What a handler gets: the reply, and where it lies in the archive.

    Attributes:
        request: the digest of the canonical request.
        archived: whether it came from the archive, so that nobody was asked and nothing was paid.
    """

    reply: ModelReply
    request: str
    archived: bool = False

    @property
    def text(self) -> str:
        return self.reply.text
