"""What a step would ask, before it does: nothing is sent, and no price is known here."""

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.codegen.options import DATA, Options
from nofx_cli.handlers.codegen.prompt import Question, question_of
from nofx_cli.ports.handler import StepContext


def preview_of(ctx: StepContext, options: Options) -> JsonObject:
    """The question by its digest and size, to which model it goes, and of what it is made.

    `input_bytes` bounds the tokens of the first question: no model counts more tokens than bytes, but for a few with
    each message. `later` names what is only found out when the step runs; the digest is without it.
    """
    question = question_of(ctx, options, running=False)
    shown: dict[str, JsonValue] = {
        "asks": options.model or f"route {options.kind}",
        "prompt_digest": question.digest,
        "input_bytes": question.size,
        "answers_at_most": options.attempts,
        "cache": options.cache.value,
        "context": _context(question),
    }
    if options.max_output_tokens is not None:
        shown["max_output_tokens"] = options.max_output_tokens
    if question.gathered.left_out:
        shown["left_out"] = [str(one) for one in question.gathered.left_out]
    if question.gathered.later:
        shown["later"] = question.gathered.later
    shown["answer"] = _answer(options, question)
    return shown


def _context(question: Question) -> list[JsonValue]:
    return [{"kind": piece.kind, "name": piece.name, "bytes": piece.size} for piece in question.gathered.pieces]


def _answer(options: Options, question: Question) -> JsonObject:
    if question.edits is not None:
        return {"becomes": "changes", "edits": question.edits.value, "write": options.write or "what policy allows"}
    return {"becomes": options.output if options.schema is None else DATA}
