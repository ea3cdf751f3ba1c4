"""Whatever people say and models answer, the plan that is made of it says just that, and nothing becomes a template."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.planning.prompt_answer import draft_from
from nofx_cli.planning.prompt_draft import Draft, DraftStep, with_unique_names
from nofx_cli.planning.prompt_rules import understand
from nofx_cli.planning.prompt_wish import PromptFlags
from nofx_cli.planning.prompt_yaml import plan_text, yaml_text
from tests.unit.planning.test_prompt_model import TOOLS, part
from tests.unit.planning.test_prompt_yaml import PROJECT, inputs_of, plan_of, text_of

SENTENCES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
PIECES = st.lists(
    st.one_of(
        SENTENCES,
        st.sampled_from(["{{", "}}", "{%", "%}", "{% endraw %}", '"', "'", "\n", "\r", ": ", "- ", "#", "src/a.py",
                         "'src/{{ x }}.py'", "`a b.md`", "let {{x}} approve", "at most $2", "with claude"]),
    )
).map(" ".join)  # fmt: skip


@given(PIECES)
def test_any_text_gives_a_plan_that_renders_to_it(sentence: str) -> None:
    sentence = f"Add {sentence}"
    text = text_of(sentence)
    plan = plan_of(text)
    assert plan.steps[0].name == "write"
    assert inputs_of(plan, "write")["prompt"] == sentence
    assert text == text_of(sentence)
    assert {step.tool.partition(":")[0] for step in plan.steps} <= {"codegen", "agent", "gate", "manual"}
    for step in plan.steps:
        inputs_of(plan, step.name)


@given(st.lists(SENTENCES, min_size=1, max_size=3), st.text(st.sampled_from("{}%#\"' a\n"), max_size=30))
def test_whatever_a_model_writes_into_a_step_is_kept_as_it_is(texts: list[str], sign: str) -> None:
    steps = [DraftStep(f"s {text[:5]}", "codegen", text=f"x{text}{sign}") for text in texts]
    plan = plan_of(plan_text(Draft("task", with_unique_names(steps), "test/model")))
    assert [inputs_of(plan, step.name)["prompt"] for step in plan.steps] == [step.text for step in steps]


@given(SENTENCES)
def test_text_in_yaml_is_one_line_of_what_can_be_printed(text: str) -> None:
    written = yaml_text(text)
    assert written.isprintable()
    assert written.isascii() or all(char.isprintable() for char in written)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "tool": st.sampled_from(TOOLS.tools),
                "text": st.one_of(
                    WORDS.map(lambda text: f"{{{{ {text} }}}} x"), WORDS.map(lambda text: f"{text}x{{\r\n{text}")
                ),
                "files": st.lists(st.sampled_from(["src/a.py", "src/new{{ x }}.py", "src/"]), max_size=2),
                "command": st.lists(st.sampled_from(["make", "a'b", "x: y"]), min_size=1, max_size=2),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_fits_the_schema_becomes_a_plan_that_says_it(steps: list[dict[str, Any]]) -> None:
    wish = understand("Do {{ it }}", PromptFlags(), PROJECT)
    answer: Any = {"steps": steps}
    plan = plan_of(plan_text(draft_from(answer, wish, tools=TOOLS.tools, look=PROJECT.look, by="m")))
    said = [
        given["text"] if given["tool"] == "ask" else part("Do {{ it }}", given["text"])
        for given in steps
        if given["tool"] in ("codegen", "answer", "ask", "agent:claude")
    ]
    rendered = [inputs_of(plan, found.name) for found in plan.steps]
    kept = [
        inputs.get("prompt") or inputs.get("message")
        for inputs in rendered
        if "prompt" in inputs or "message" in inputs
    ]
    assert kept == said
