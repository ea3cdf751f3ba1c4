"""What a step shows before it runs: the question by its digest, and no model is asked."""

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import Succeeded
from nofx_cli.handlers.codegen.handler import HANDLER
from nofx_cli.handlers.codegen.options import options_of
from nofx_cli.handlers.codegen.prompt import question_of
from nofx_cli.ports.handler import Feedback
from tests.unit.handlers.codegen.conftest import MakeContext


def test_a_preview_tells_the_question_without_asking(make: MakeContext) -> None:
    ctx = make(files={"a.py": "x\n"}, context=["a.py", ".env"], prompt="p", model="a/b", max_output_tokens=9)
    question = question_of(ctx, options_of(ctx.inputs), running=True)
    assert HANDLER.preview(ctx) == {
        "asks": "a/b",
        "prompt_digest": question.digest,
        "input_bytes": sum(len(message.content.encode()) for message in question.request.messages),
        "answers_at_most": 3,
        "cache": "use",
        "context": [{"kind": "file", "name": "a.py", "bytes": len(question.gathered.pieces[0].block)}],
        "max_output_tokens": 9,
        "left_out": [".env: by its name it may hold secrets"],
        "answer": {"becomes": "answer.md"},
    }
    assert ctx.requests == []


def test_another_content_is_another_question(make: MakeContext) -> None:
    ctx = make(files={"a.py": "x\n"}, context=["a.py"], prompt="p")
    before = HANDLER.preview(ctx)
    (ctx.workspace / "a.py").write_text("y\n")
    assert HANDLER.preview(ctx)["prompt_digest"] != before["prompt_digest"]


def test_what_only_a_run_finds_out_is_named(make: MakeContext) -> None:
    ctx = make(prompt="p", diff="main", kind="docs")
    ctx.feedback = Feedback(StepName("tests"), 2, 3, "failed", ())
    shown = HANDLER.preview(ctx)
    assert shown["asks"] == "route docs"
    assert shown["later"] == ("the files that were changed before", "the diff against main")
    assert ctx.calls == []


def test_what_earlier_steps_will_make_is_named(make: MakeContext) -> None:
    shown = HANDLER.preview(make(prompt="p", outputs=["lint"], artifacts=[{"step": "lint", "name": "log"}]))
    assert shown["later"] == ("artifact lint/log", "outputs of lint")


def test_data_and_changes_are_told_as_such(make: MakeContext) -> None:
    assert HANDLER.preview(make(prompt="p", schema={}))["answer"] == {"becomes": "answer.json"}


def test_faults_are_shown_instead(make: MakeContext) -> None:
    assert HANDLER.preview(make()) == {"faults": ("give either `prompt` or `prompt_file`",)}


def test_a_step_may_run_again(make: MakeContext) -> None:
    assert HANDLER.rerun_safe
    ctx = make("x", "x", prompt="p")
    first, second = HANDLER.run(ctx), HANDLER.run(ctx)
    assert isinstance(first, Succeeded)
    assert first == second
