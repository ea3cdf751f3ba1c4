"""Answers that are kept as they are: words, or JSON that fits a schema."""

import json

from nofx_cli.domain.ids import JsonValue, canonical_json
from nofx_cli.domain.models import ModelAnswer
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.handlers.codegen.conversation import Unusable, provenance
from nofx_cli.handlers.codegen.options import DATA, Options
from nofx_cli.ports.handler import StepContext

LARGEST_OUTPUT = 32 * 1024
"""How many bytes of an answer can become an output; all outputs of a step have room for twice that."""
_EMPTY = "It is empty."


def keep_words(ctx: StepContext, options: Options, answer: ModelAnswer) -> Outcome | Unusable:
    """Keep the answer as the artifact that the step names, and as the output `text` where it is not too long."""
    text = answer.text.strip()
    if not text:
        return Unusable(_EMPTY, "answer-empty")
    data = f"{text}\n".encode("utf-8", "backslashreplace")
    kept = ctx.put_artifact(options.output, data)
    outputs: dict[str, JsonValue] = {**provenance(answer), "artifact": kept.name}
    if len(data) <= LARGEST_OUTPUT:
        outputs["text"] = text
    return Succeeded(outputs)


def keep_data(ctx: StepContext, answer: ModelAnswer) -> Outcome | Unusable:
    """Keep the answer, which fits its schema, as an artifact, and as the output `data` where it is not too large."""
    data = answer.reply.data
    text = json.dumps(data, ensure_ascii=False, indent=2, default=dict)
    kept = ctx.put_artifact(DATA, f"{text}\n".encode("utf-8", "backslashreplace"))
    outputs: dict[str, JsonValue] = {**provenance(answer), "artifact": kept.name}
    if len(canonical_json(data).encode("utf-8", "backslashreplace")) <= LARGEST_OUTPUT:
        outputs["data"] = data
    return Succeeded(outputs)
