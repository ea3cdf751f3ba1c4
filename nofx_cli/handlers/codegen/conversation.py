"""Ask until an answer can be used: one that cannot goes back to the model with the reason, a bounded number of times.

A question that is asked again differs from the one before, so that each has an answer of its own in the archive; and
asked again after a crash, each finds its answer there.
"""

from collections.abc import Callable, Sequence

from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.models import ChatMessage, ModelAnswer
from nofx_cli.domain.outcome import Failed, Outcome, StepError
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted, shortened
from nofx_cli.handlers.codegen.options import Options
from nofx_cli.handlers.codegen.prompt import Question, with_messages
from nofx_cli.handlers.failures import see_log
from nofx_cli.ports.handler import StepContext

LONGEST_ANSWER = 16_000
"""How much of an answer, in characters, goes back to the model that gave it."""

_NOT_TO_BE_WRITTEN = (
    "It holds a secret, or what looks like one, and no secret is written into a file. Read it from the environment, or "
    "write a placeholder that does not look like a secret."
)
_CUT_OFF = (
    "It is cut off: it reached the bound of tokens that one answer may have, so its end is missing. Give a shorter "
    "answer that is whole, without explanations and without what does not change."
)


@record
class Unusable:
    """Why an answer cannot be used, for the model. `code` is that of the failure that it is in the end."""

    reason: str
    code: str = "answer-refused"


Judge = Callable[[ModelAnswer], Outcome | Unusable]
"""Uses an answer that is whole, or says why it cannot be used."""


def ask_until_used(ctx: StepContext, options: Options, question: Question, judge: Judge) -> Outcome:
    """Ask, and ask again with the reason, until `judge` can use the answer or the attempts are spent.

    Raises:
        errors.NofxError: as `ctx.ask_model`, and what `judge` raises.
    """
    messages: Sequence[ChatMessage] = question.request.messages
    number = 1
    while True:
        answer = ctx.ask_model(with_messages(question.request, messages))
        if answer.reply.finish == "refused":
            return _model_refused(answer)
        judged = _fault_of(answer, options) or judge(answer)
        if not isinstance(judged, Unusable):
            return judged
        ctx.put_artifact(f"refused-{number}.md", _text(answer.text))
        ctx.log(f"answer {number} of at most {options.attempts} cannot be used: {judged.reason}")
        if number == options.attempts:
            return _given_up(ctx, options, answer, judged)
        number += 1
        messages = [*question.request.messages, *_again(answer.text, judged, number, options.attempts)]


def _fault_of(answer: ModelAnswer, options: Options) -> Unusable | None:
    """Why an answer cannot be used whatever it says."""
    if answer.reply.finish == "length":
        return Unusable(_CUT_OFF, "answer-cut-off")
    if answer.reply.masked and options.apply:
        return Unusable(_NOT_TO_BE_WRITTEN)
    return None


def provenance(answer: ModelAnswer) -> dict[str, JsonValue]:
    """What the outputs of a step say of where its answer came from."""
    return {"model": answer.reply.model, "request": answer.request}


def _again(text: str, unusable: Unusable, number: int, most: int) -> tuple[ChatMessage, ChatMessage]:
    reason = (
        f"That answer cannot be used, and nothing of it was done.\n\n{unusable.reason}\n\n"
        f"Give all of the answer anew, as the rules say. It will be answer {number} of at most {most}."
    )
    return ChatMessage("assistant", _bounded(text) or "(an empty answer)"), ChatMessage("user", reason)


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_ANSWER:
        return text.strip()
    half = LONGEST_ANSWER // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters are left out here …\n{text[-half:]}"


def _model_refused(answer: ModelAnswer) -> Failed:
    words = shortened(" ".join(answer.text.split()), 400) or "without a word"
    message = f"{answer.reply.model} refused to answer: {words}"
    hint = "say the task in other words, or name another `model`"
    return Failed(StepError("model-refused", message, hint), outputs=provenance(answer))


def _given_up(ctx: StepContext, options: Options, answer: ModelAnswer, unusable: Unusable) -> Failed:
    if unusable.code == "answer-cut-off":
        reason, hint = "it was cut off at the bound of tokens", "raise `max_output_tokens`, or ask for less at once"
    else:
        reason = shortened(" ".join(unusable.reason.split()), 600)
        other = "other `edits` or another `model`" if options.apply else "or another `model`"
        hint = f"name what it needs in `files`, {other}; its answers: {see_log(ctx)}"
    answers = counted(options.attempts, "answer")
    message = f"{answers} of {answer.reply.model} could not be used; the last: {reason}"
    return Failed(StepError(unusable.code, message, hint), retryable=True, outputs=provenance(answer))


def _text(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
