"""Plans that a model makes: its vocabulary, what becomes of its answers, and what happens to bad ones."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.models import ModelReply, ModelRequest
from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.prompt_answer import Faulty, answer_schema, draft_from
from nofx_cli.planning.prompt_model import Planned, Vocabulary, plan_by_model
from nofx_cli.planning.prompt_rules import understand
from nofx_cli.planning.prompt_wish import PromptFlags
from tests.unit.planning.test_prompt_yaml import PROJECT, inputs_of, plan_of

TOOLS = Vocabulary(("lint", "unit", "secrets"), ("claude",), shell=True)


def step(tool: str, text: str = "do it", **more: Any) -> dict[str, Any]:
    return {"tool": tool, "text": text, "files": [], "command": [], **more}


def part(sentence: str, text: str) -> str:
    """What a step is told: the whole sentence, and what of it is its own."""
    return f"{sentence}\n\nThis step is to do this part of it: {text}"


class Model:
    """Answers in turn, and keeps what it was asked; the last answer is given again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[ModelRequest] = []

    def __call__(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return ModelReply(json.dumps(answer), "test/small", data=answer)


def faults_of(text: str) -> list[str]:
    try:
        plan_of(text)
    except PlanInvalid as exc:
        return [found.message for found in exc.diagnostics]
    return []


def made(
    asked: Model,
    /,
    sentence: str = "Fix src/a.py",
    *,
    tools: Vocabulary = TOOLS,
    check: Callable[[str], Sequence[str]] = faults_of,
    **flags: Any,
) -> Planned:
    wish = understand(sentence, PromptFlags(**flags), PROJECT)
    return plan_by_model(wish, tools, ask=asked, check=check, look=PROJECT.look)


def tools_of(planned: Planned) -> list[str]:
    return [found.tool for found in plan_of(planned.text).steps]


def test_an_answer_becomes_a_plan() -> None:
    model = Model(
        {"steps": [step("codegen", "Fix {{ it }}", files=["src/a.py"]), step("gate:unit"), step("ask", "Good?")]}
    )
    planned = made(model)
    plan = plan_of(planned.text)
    assert [(found.name, found.tool) for found in plan.steps] == [
        ("write", "codegen"),
        ("unit", "gate:unit"),
        ("ask", "manual:approve"),
    ]
    told = {"prompt": part("Fix src/a.py", "Fix {{ it }}"), "files": ["src/a.py"], "apply": True}
    assert inputs_of(plan, "write") == told
    repair = plan.steps[1].repair
    assert repair is not None
    assert repair.step == "write"
    assert "Made from a sentence, by test/small;" in planned.text
    assert (planned.model, planned.tries, plan.goal) == ("test/small", 1, "Fix src/a.py")


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    lint = step("gate:lint")
    told = {"steps": [lint, lint, step("gate:lint", files=["src/a.py"]), step("codegen"), lint, step("codegen"), lint]}
    plan = plan_of(made(Model(told)).text)
    assert [found.name for found in plan.steps] == ["lint", "lint_2", "write", "lint_3", "write_2", "lint_4"]
    repaired = {found.name: found.repair.step for found in plan.steps if found.repair}
    assert repaired == {"lint_3": "write", "lint_4": "write_2"}


def test_what_is_asked() -> None:
    model = Model({"steps": [step("gate:lint")]})
    made(model, "check {{ x }} of src/a.py", gates=("lint",), approval=True)
    [request] = model.asked
    assert request.kind == "reasoning"
    assert request.schema == answer_schema(TOOLS.tools)
    system, user = request.messages
    assert "- gate:secrets: " in system.content
    assert user.content == (
        "Besides, this holds:\n- files of the project: src/a.py\n- gates: lint\n- a person is asked\n\n"
        "The sentence:\ncheck {{ x }} of src/a.py"
    )


def test_only_what_there_is_can_be_named() -> None:
    vocabulary = Vocabulary(("lint",), codegen=False)
    assert vocabulary.tools == ("ask", "gate:lint")
    schema: Any = answer_schema(vocabulary.tools)
    shapes = schema["properties"]["steps"]["items"]["anyOf"]
    assert [shape["properties"]["tool"]["enum"] for shape in shapes] == [["gate:lint"], ["ask"]]
    assert [shape["required"] for shape in shapes] == [["tool", "files"], ["tool", "text"]]
    whole: Any = answer_schema(TOOLS.tools)
    fields = [shape["required"] for shape in whole["properties"]["steps"]["items"]["anyOf"]]
    assert fields == [["tool", "text", "files"], ["tool", "files"], ["tool", "text"], ["tool", "command"]]
    only: Any = answer_schema(("gate:lint",))
    assert only["properties"]["steps"]["items"]["required"] == ["tool", "files"]
    with pytest.raises(errors.InvalidInput, match="step 1: there is no tool `shell`; there are ask, gate:lint"):
        made(Model({"steps": [step("shell", command=["true"])]}), tools=vocabulary)


def test_faults_go_back_and_a_later_answer_is_taken() -> None:
    model = Model({"steps": []}, {"steps": [step("codegen", " ")]}, {"steps": [step("codegen"), step("gate:lint")]})
    assert made(model).tries == 3
    second, third = model.asked[1].messages, model.asked[2].messages
    assert [message.role for message in third] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "- there must be a list `steps` with at least one step" in second[-1].content
    assert "- step 1: `text` must say what is to be done" in third[-1].content


@pytest.mark.parametrize(
    ("sentence", "tool", "fault"),
    [
        ("Fix src/a.py", "gate:lint", "the sentence asks for changes, and no step changes files"),
        ("Check src/a.py", "codegen", "the sentence does not ask for changes, so no step may change files"),
        ("Explain src/a.py", "agent:claude", "the sentence does not ask for changes, so no step may change files"),
    ],
)
def test_what_the_sentence_clearly_asks_for_is_what_is_planned(sentence: str, tool: str, fault: str) -> None:
    with pytest.raises(errors.InvalidInput, match=fault):
        made(Model({"steps": [step(tool)]}), sentence)


def test_what_policy_denies_goes_back_too() -> None:
    denied = "step s may not use the tool `codegen`: nofx.yaml:2 denies `codegen`"
    model = Model({"steps": [step("codegen")]})
    with pytest.raises(errors.InvalidInput) as caught:
        made(model, check=lambda _text: [denied])
    assert len(model.asked) == 3
    assert denied in model.asked[1].messages[-1].content
    assert (caught.value.code, caught.value.exit_code) == ("plan-not-made", 3)
    assert caught.value.message == f"test/small made no plan that can be run, asked 3 times:\n{denied}"
    assert caught.value.hint == "make the plan without a model: --planner rules"


def test_a_model_that_cannot_be_reached_leaves_the_rules() -> None:
    def ask(_request: ModelRequest) -> ModelReply:
        raise errors.Unavailable("local/small did not answer", code="model-unavailable", hint="start it")

    wish = understand("Fix src/a.py", PromptFlags(), PROJECT)
    with pytest.raises(errors.Unavailable) as caught:
        plan_by_model(wish, TOOLS, ask=ask, check=faults_of, look=PROJECT.look)
    assert caught.value.code == "model-unavailable"
    assert caught.value.hint == "start it; or make the plan without a model: --planner rules"


class TestWhatTheSentenceSaysHolds:
    ONE = {"steps": [step("codegen")]}  # noqa: RUF012 - never changed

    def test_a_change_is_never_trusted_unseen(self) -> None:
        assert tools_of(made(Model(self.ONE))) == ["codegen", "gate:lint", "gate:unit"]
        own = {"steps": [step("codegen"), step("gate:secrets")]}
        assert tools_of(made(Model(own))) == ["codegen", "gate:secrets"]

    def test_a_gate_before_the_change_does_not_see_it(self) -> None:
        early = {"steps": [step("gate:unit"), step("codegen")]}
        assert tools_of(made(Model(early))) == ["gate:unit", "codegen", "gate:lint", "gate:unit"]

    def test_gates_people_and_pull_requests_that_were_said(self) -> None:
        planned = made(Model(self.ONE), "Fix src/a.py, run secret scans, let Ada approve it, open a PR")
        assert tools_of(planned) == ["codegen", "gate:secrets", "manual:approve", "manual:pull-request"]
        assert "For Ada: may this stand?" in planned.text

    def test_flags(self) -> None:
        answer = {"steps": [step("codegen"), step("gate:unit"), step("gate:secrets"), step("ask", "Good?")]}
        planned = made(Model(answer), gates=("secrets",), approval=False, agent="claude", model="a/b", budget="2")
        plan = plan_of(planned.text)
        assert [found.tool for found in plan.steps] == ["agent:claude", "gate:secrets"]
        assert inputs_of(plan, "write") == {"prompt": part("Fix src/a.py", "do it"), "model": "a/b"}
        assert str(plan.budget.usd) == "2"

    def test_files_as_flags(self) -> None:
        planned = made(Model({"steps": [step("codegen", files=["tests/test_a.py"])]}), files=("src/a.py",))
        assert inputs_of(plan_of(planned.text), "write")["files"] == ["src/a.py"]

    def test_asked_before_anything_is_written(self) -> None:
        assert plan_of(made(Model(self.ONE), "Ask me first, then fix src/a.py").text).steps[0].approval

    def test_a_command_of_a_model_asks_first(self) -> None:
        planned = made(Model({"steps": [step("shell", command=["make", "a b"])]}), "run make")
        [found] = plan_of(planned.text).steps
        assert inputs_of(plan_of(planned.text), found.name) == {"command": ["make", "a b"]}
        assert found.approval

    def test_an_answer_writes_nothing(self) -> None:
        plan = plan_of(made(Model({"steps": [step("answer", "Why?")]}), "Why?").text)
        assert inputs_of(plan, plan.steps[0].name) == {"prompt": part("Why?", "Why?")}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, "there must be a list `steps` with at least one step"),
        ({"steps": "x"}, "there must be a list `steps` with at least one step"),
        ({"steps": [1]}, "step 1: it must be an object"),
        ({"steps": [step("codegen", "")]}, "step 1: `text` must say what is to be done"),
        ({"steps": [step("ask", "")]}, "step 1: `text` must have the question"),
        ({"steps": [step("shell")]}, "step 1: `command` must have the words of the command"),
        ({"steps": [step("shell", command=["echo", "{{ x }}"])]}, "step 1: `command` may not have `{{` or `{%` in it"),
        ({"steps": [step("codegen", files=["../x"])]}, "step 1: `../x` does not lie in the project"),
        ({"steps": [step("rm")]}, "step 1: there is no tool `rm`; there are codegen"),
        ({"steps": [step("codegen")] * 13}, "there are 13 steps; there may be 12"),
    ],
)
def test_answers_that_make_no_plan(answer: Any, fault: str) -> None:
    tools = ("codegen", "ask", "shell") if "there are codegen" not in fault else ("codegen",)
    wish = understand("Fix it", PromptFlags(), PROJECT)
    with pytest.raises(Faulty) as caught:
        draft_from(answer, wish, tools=tools, look=PROJECT.look, by="m")
    assert caught.value.faults == (fault,)
