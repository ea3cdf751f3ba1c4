"""The body of a request, and how it is changed when a server does not know a part of it.

Servers differ in what they take: the name of the bound of tokens, the temperature (reasoning models refuse any), the
format of the answer, the usage at the end of a stream. What a server refuses by its name is left out, or told another
way, in the next call; that is remembered for the model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.models import ChatMessage
from nofx_cli.domain.record import record
from nofx_cli.models.providers import ANTHROPIC, OPENAI, Provider, model_id

_TOKENS_A_MESSAGE = 8
"""What a chat template puts around a message; the largest that are known put five."""
_TOKENS_A_REQUEST = 256
"""What a template puts before the first message where there is no system message: up to about a hundred are known."""
_UNKNOWN_WORDS = (
    *("unsupported", "not support", "n't support", "unknown", "unrecognized", "unrecognised", "unexpected", "extra"),
    *("not permitted", "not allowed", "instead", "deprecated", "not valid with", "incompatible", "no such"),
)


@record
class Manners:
    """How a model is talked to; changed by what its server refused."""

    bound: str = "max_tokens"
    """The name of the bound of output tokens."""
    bound_is_sure: bool = False
    """It was refused under the other name: there is no third one."""
    temperature: bool = True
    usage: bool = True
    """Whether the stream is asked to end with the usage."""
    schema: bool = True
    """Whether the schema goes as `response_format`; otherwise it stands in the last message."""

    @staticmethod
    def of(provider: Provider) -> "Manners":
        """What suits a provider as far as is known: OpenAI renamed the bound, Anthropic ignores `response_format`."""
        bound = "max_completion_tokens" if provider.name == OPENAI else "max_tokens"
        return Manners(bound=bound, schema=provider.name != ANTHROPIC)

    def after_refusal(self, words: str, *, param: str, body: Mapping[str, Any]) -> "Manners | None":
        """How to ask once more when a request was refused as it is; None where the refusal names nothing of this."""
        text = words.lower()
        strange = any(word in text for word in _UNKNOWN_WORDS)
        named = param.replace("[", ".").partition(".")[0]

        def refused(name: str, *others: str) -> bool:
            return name in body and (named == name or (strange and any(word in text for word in (name, *others))))

        if refused("stream_options", "include_usage"):
            return replace(self, usage=False)
        if strange and not self.bound_is_sure and (named == self.bound or self.bound in text):
            other = "max_tokens" if self.bound == "max_completion_tokens" else "max_completion_tokens"
            return replace(self, bound=other, bound_is_sure=True)
        if refused("temperature"):
            return replace(self, temperature=False)
        if refused("response_format", "json_schema", "structured output"):
            return replace(self, schema=False)
        return None


@record
class Prompt:
    """What is sent to a model: the messages so far, and the bounds."""

    messages: tuple[ChatMessage, ...]
    schema: JsonObject | None
    temperature: float | None
    max_output_tokens: int

    @property
    def most_input_tokens(self) -> int:
        """No request has more tokens than bytes."""
        told = json.dumps([[message.role, message.content] for message in self.messages], ensure_ascii=False)
        size = len(told.encode("utf-8", "surrogatepass"))
        if self.schema is not None:
            size += len(_schema_words(self.schema).encode("utf-8", "surrogatepass"))
        return size + _TOKENS_A_MESSAGE * len(self.messages) + _TOKENS_A_REQUEST

    def body(self, model: str, manners: Manners) -> dict[str, Any]:
        """The body of the request, to be streamed in any case."""
        schema_in_words = self.schema if not manners.schema else None
        body: dict[str, Any] = {
            "model": model_id(model),
            "messages": _messages(self.messages, schema_in_words),
            "stream": True,
            manners.bound: self.max_output_tokens,
        }
        if manners.usage:
            body["stream_options"] = {"include_usage": True}
        if self.temperature is not None and manners.temperature:
            body["temperature"] = self.temperature
        if self.schema is not None and manners.schema:
            told = {"name": "answer", "schema": dict(self.schema), "strict": _is_strict(self.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": told}
        return body


def _messages(messages: Sequence[ChatMessage], schema: JsonObject | None) -> list[dict[str, str]]:
    told = [{"role": message.role, "content": _sendable(message.content)} for message in messages]
    if schema is not None and told:
        told[-1]["content"] += _schema_words(schema)
    return told


def _schema_words(schema: JsonObject) -> str:
    text = json.dumps(schema, ensure_ascii=False, default=dict)
    return f"\n\nAnswer with one JSON value and nothing else. It must fit this JSON Schema:\n{text}"


def _sendable(text: str) -> str:
    """Halves of characters, which bytes that are no UTF-8 were read as, cannot be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_strict(schema: object) -> bool:
    """Whether a schema is of the kind that OpenAI holds answers to: each object closed, each property required."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        is_object = schema.get("type") == "object" or isinstance(properties, Mapping)
        required = schema.get("required")
        names = set(properties) if isinstance(properties, Mapping) else set()
        closed = schema.get("additionalProperties") is False and set(required or ()) == names
        return (closed or not is_object) and all(_is_strict(part) for part in schema.values())
    if isinstance(schema, list | tuple):
        return all(_is_strict(part) for part in schema)
    return True
