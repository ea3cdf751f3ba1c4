"""The question that a model is asked: its words, and that the same world makes the same one."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.models import CacheUse, ModelRequest
from nofx_cli.domain.outcome import Failed, StepError, Succeeded
from nofx_cli.handlers.codegen.handler import HANDLER
from nofx_cli.ports.handler import Feedback
from nofx_cli.testing import FakeContext
from tests.unit.handlers.codegen.conftest import MakeContext

GOLDEN = Path(__file__).parent / "question.txt"


def asked(ctx: FakeContext) -> ModelRequest:
    """The first question of the step."""
    outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Succeeded), outcome
    return ctx.requests[0]


def as_text(request: ModelRequest) -> str:
    return "".join(f"=== {message.role}\n{message.content}\n" for message in request.messages)


def whole_context(make: MakeContext) -> FakeContext:
    ctx = make(
        "notes",
        files={"a.py": "def add(a, b):\n    return a - b\n", ".env": "A=1\n", "t.py": "x"},
        prompt="Mend `add`.\n",
        system="Write British English.",
        context=["*.py", ".env"],
        outputs=["lint"],
        repo_map=100,
        output="notes.md",
    )
    ctx.outputs = {StepName("lint"): {"count": 1}}
    found = Finding("a.py", 2, 12, "test_add", "error", "assert 0 == 2")
    ctx.feedback = Feedback(StepName("tests"), 2, 3, "1 of 1 tests failed", (found,), "FAILED t.py\n", (1,))
    return ctx


def test_the_words_of_a_question(make: MakeContext) -> None:
    """Whoever changes the words makes every answer in an archive one to another question."""
    assert as_text(asked(whole_context(make))) == GOLDEN.read_text("utf-8")


def test_the_same_world_makes_the_same_question(make: MakeContext) -> None:
    ctx = whole_context(make)
    ctx.replies = ["notes", "notes"]
    HANDLER.run(ctx)
    HANDLER.run(ctx)
    assert ctx.requests[0] == ctx.requests[1]


def test_what_the_step_says_of_the_call_goes_with_it(make: MakeContext) -> None:
    request = asked(
        make("x", prompt="p", kind="docs", model="a/b", cache="refresh", max_output_tokens=7, temperature=0)
    )
    assert (request.kind, request.model, request.cache) == ("docs", "a/b", CacheUse.REFRESH)
    assert (request.max_output_tokens, request.temperature, request.schema) == (7, 0.0, None)


def test_a_prompt_can_be_a_file_which_is_taken_as_it_is(make: MakeContext) -> None:
    request = asked(make("x", files={"p.md": "Say {{ this }}.\n"}, prompt_file="p.md"))
    assert request.messages[1].content == "# Task\n\nSay {{ this }}."


@pytest.mark.parametrize(
    ("name", "why"),
    [("gone.md", "it is not there"), ("empty.md", "it is empty"), (".env", "by its name it may hold secrets")],
)
def test_a_prompt_file_that_cannot_be_used_is_told(make: MakeContext, name: str, why: str) -> None:
    ctx = make(files={"empty.md": " \n", ".env": "x"}, prompt_file=name)
    with pytest.raises(errors.InvalidInput) as caught:
        HANDLER.run(ctx)
    assert caught.value.code == "prompt-unreadable"
    assert caught.value.message == f"the prompt cannot be taken from {name}: {why}"
    assert caught.value.hint == "correct `prompt_file` of the step, or the file"


def test_a_schema_can_be_a_file(make: MakeContext) -> None:
    ctx = make("{}", files={"s.json": '{"type": "object"}'}, prompt="p", schema="s.json")
    assert asked(ctx).schema == {"type": "object"}


@pytest.mark.parametrize(("text", "why"), [("{", "it is no JSON: "), ("[]", "it is no JSON object")])
def test_a_schema_file_that_is_none_is_told(make: MakeContext, text: str, why: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        HANDLER.run(make(files={"s.json": text}, prompt="p", schema="s.json"))
    assert caught.value.code == "schema-unreadable"
    assert caught.value.message.startswith(f"the schema cannot be taken from s.json: {why}")


def test_what_is_left_out_is_told_to_the_model_and_in_the_log(make: MakeContext) -> None:
    names = [f"f{n:02}" for n in range(25)]
    ctx = make("x", prompt="p", context=names)
    assert "# Not there\n- f00: it is not there\n" in asked(ctx).messages[1].content
    assert "left out: f19: it is not there" in ctx.logged
    assert "left out: … and 5 more" in ctx.logged


def test_inputs_that_were_rendered_wrong_fail_the_step(make: MakeContext) -> None:
    ctx = make(prompt="p", attempts="many")
    message = "`attempts` must be a whole number, not a text"
    assert HANDLER.run(ctx) == Failed(StepError("inputs-invalid", message, "correct the step's `inputs`"))
