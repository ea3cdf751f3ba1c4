"""What becomes of answers: kept as they are, asked for again with the reason, or a failure that says what to do."""

import json

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.models import ModelReply, request_digest
from nofx_cli.domain.outcome import Failed, StepError, Succeeded
from nofx_cli.handlers.codegen.conversation import LONGEST_ANSWER
from nofx_cli.handlers.codegen.handler import HANDLER
from nofx_cli.handlers.codegen.kept_answer import LARGEST_OUTPUT
from nofx_cli.testing import FakeContext
from tests.unit.handlers.codegen.conftest import MakeContext

MODEL = "fake/model"


def provenance(ctx: FakeContext) -> dict[str, str]:
    return {"model": MODEL, "request": request_digest(ctx.requests[-1].canonical((MODEL,)))}


def cut_off(text: str = "half an ans") -> ModelReply:
    return ModelReply(text, MODEL, finish="length")


def test_words_are_an_artifact_and_an_output(make: MakeContext) -> None:
    ctx = make("\nThe notes.\n\n", prompt="p")
    outcome = HANDLER.run(ctx)
    assert outcome == Succeeded({**provenance(ctx), "artifact": "answer.md", "text": "The notes."})
    assert ctx.artifacts == {"answer.md": b"The notes.\n"}
    assert ctx.logged[0].startswith("asks a model for codegen: ")
    assert ctx.logged[0].endswith(" bytes, no pieces of context")


def test_the_artifact_has_the_name_that_the_step_gives(make: MakeContext) -> None:
    ctx = make("x", prompt="p", output="docs/notes.md")
    HANDLER.run(ctx)
    assert ctx.artifacts == {"docs/notes.md": b"x\n"}


def test_a_long_answer_is_only_an_artifact(make: MakeContext) -> None:
    ctx = make("x" * LARGEST_OUTPUT, prompt="p")
    assert HANDLER.run(ctx) == Succeeded({**provenance(ctx), "artifact": "answer.md"})
    assert len(ctx.artifacts["answer.md"]) == LARGEST_OUTPUT + 1


def test_data_that_fit_a_schema_are_an_artifact_and_an_output(make: MakeContext) -> None:
    data: JsonObject = {"b": 1, "a": ["ä", None]}
    ctx = make(ModelReply("…", MODEL, data=data), prompt="p", schema={"type": "object"})
    assert HANDLER.run(ctx) == Succeeded({**provenance(ctx), "artifact": "answer.json", "data": data})
    assert json.loads(ctx.artifacts["answer.json"]) == data
    assert ctx.artifacts["answer.json"].startswith(b'{\n  "b": 1')


def test_large_data_are_only_an_artifact(make: MakeContext) -> None:
    ctx = make(ModelReply("…", MODEL, data=["x" * LARGEST_OUTPUT]), prompt="p", schema={})
    assert HANDLER.run(ctx) == Succeeded({**provenance(ctx), "artifact": "answer.json"})


def test_an_answer_that_cannot_be_used_goes_back_with_the_reason(make: MakeContext) -> None:
    ctx = make(" \n", cut_off(), "whole", prompt="p")
    assert isinstance(HANDLER.run(ctx), Succeeded)
    first, second, third = (request.messages for request in ctx.requests)
    assert [message.role for message in third] == ["system", "user", "assistant", "user"]
    assert second[:2] == third[:2] == first
    assert (second[2].content, third[2].content) == ("(an empty answer)", "half an ans")
    assert second[3].content == (
        "That answer cannot be used, and nothing of it was done.\n\nIt is empty.\n\n"
        "Give all of the answer anew, as the rules say. It will be answer 2 of at most 3."
    )
    assert "It is cut off: it reached the bound of tokens" in third[3].content
    assert ctx.artifacts == {"refused-1.md": b" \n", "refused-2.md": b"half an ans", "answer.md": b"whole\n"}
    assert "answer 1 of at most 3 cannot be used: It is empty." in ctx.logged


def test_the_same_answer_again_makes_another_question(make: MakeContext) -> None:
    """Else the archive would answer the third question with what it has of the second."""
    ctx = make("", "", "", prompt="p")
    HANDLER.run(ctx)
    assert len({request_digest(request.canonical(())) for request in ctx.requests}) == 3


def test_a_long_answer_goes_back_shortened(make: MakeContext) -> None:
    ctx = make(cut_off("a" * LONGEST_ANSWER + "b" * LONGEST_ANSWER), "whole", prompt="p")
    HANDLER.run(ctx)
    back = ctx.requests[1].messages[2].content
    assert back.startswith("aaa")
    assert back.endswith("bbb")
    assert f"… {LONGEST_ANSWER:,} characters are left out here …" in back


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_attempts_are_all_that_is_asked(make: MakeContext, attempts: int) -> None:
    ctx = make(*[""] * attempts, prompt="p", attempts=attempts)
    outcome = HANDLER.run(ctx)
    counted = "1 answer" if attempts == 1 else "2 answers"
    message = f"{counted} of {MODEL} could not be used; the last: It is empty."
    hint = f"name what it needs in `files`, or another `model`; its answers: nofx logs {ctx.run_id} step"
    assert outcome == Failed(StepError("answer-empty", message, hint), retryable=True, outputs=provenance(ctx))


def test_answers_that_are_cut_off_every_time_say_what_to_raise(make: MakeContext) -> None:
    ctx = make(cut_off(), cut_off(), cut_off(), prompt="p")
    message = f"3 answers of {MODEL} could not be used; the last: it was cut off at the bound of tokens"
    hint = "raise `max_output_tokens`, or ask for less at once"
    outcome = HANDLER.run(ctx)
    assert outcome == Failed(StepError("answer-cut-off", message, hint), retryable=True, outputs=provenance(ctx))


def test_a_model_that_refuses_is_not_asked_again(make: MakeContext) -> None:
    ctx = make(ModelReply("I cannot\nhelp.", MODEL, finish="refused"), prompt="p")
    message = f"{MODEL} refused to answer: I cannot help."
    hint = "say the task in other words, or name another `model`"
    assert HANDLER.run(ctx) == Failed(StepError("model-refused", message, hint), outputs=provenance(ctx))


def test_a_provider_that_does_not_answer_can_be_tried_again(make: MakeContext) -> None:
    gone = errors.Unavailable("nobody answers", code="model-unavailable", hint="wait")
    error = StepError("model-unavailable", "nobody answers", "wait")
    assert HANDLER.run(make(gone, prompt="p")) == Failed(error, retryable=True)


def test_a_budget_that_does_not_leave_enough_is_not_the_handlers_to_judge(make: MakeContext) -> None:
    with pytest.raises(errors.BudgetExhausted):
        HANDLER.run(make("", errors.BudgetExhausted("spent"), prompt="p"))
