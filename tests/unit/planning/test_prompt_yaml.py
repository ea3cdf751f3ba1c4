"""Plans from sentences: what they hold, and that no sentence becomes YAML or a template."""

from typing import Any

import pytest

from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState
from nofx_cli.handlers.codegen.options import input_faults
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.prompt_draft import Draft, DraftStep, draft_of
from nofx_cli.planning.prompt_rules import Project, understand
from nofx_cli.planning.prompt_wish import PromptFlags
from nofx_cli.planning.prompt_yaml import plan_text
from nofx_cli.planning.templates import PlanRenderer
from tests.unit.planning.fake_handlers import CheckingHandler, FakeHandler, FakeHandlers

THERE = {"src": "folder", "src/a.py": "file", "src/app/[id].tsx": "file", "tests/test_a.py": "file"}
PROJECT = Project(lambda path: THERE.get(path, ""))


class _Codegen(FakeHandler):
    def check(self, inputs: Any) -> list[str]:
        return input_faults(inputs)


class AllHandlers(FakeHandlers):
    """Every tool is there; `codegen` checks its inputs as it does."""

    def find(self, tool: str) -> FakeHandler | CheckingHandler | None:
        return _Codegen() if tool == "codegen" else FakeHandler()


def text_of(sentence: str, **flags: Any) -> str:
    return plan_text(draft_of(understand(sentence, PromptFlags(**flags), PROJECT)))


def plan_of(text: str) -> Plan:
    return load_plan(text, source="prompt", handlers=AllHandlers())


def inputs_of(plan: Plan, name: str) -> Any:
    params = {param.name: param.default for param in plan.params}
    renderer = PlanRenderer(params=params, env=lambda _step: {}, run_id="run-1", goal=plan.goal)
    return renderer.inputs(plan.steps[[step.name for step in plan.steps].index(name)], RunState(plan))  # type: ignore[arg-type]


def test_the_whole_of_a_plan_that_writes() -> None:
    text = text_of("Add docstrings to src/a.py and src/app/[id].tsx, run the tests, after approval open a PR, max $2")
    assert (
        text
        == """\
# yaml-language-server: $schema=plan.schema.json
#
# Made from a sentence, by rules; it is yours to change. A step without `needs` follows the step above it.
# For editors: `nofx plan schema > plan.schema.json` in the folder of this file.
version: 1
goal: "Add docstrings to src/a.py and src/app/[id].tsx, run the tests, after approval open a PR, max $2"
params:
  task:
    description: "what is to be done"
    default: "Add docstrings to src/a.py and src/app/[id].tsx, run the tests, after approval open a PR, max $2"
# At a limit the run waits for a person, who may raise it.
budget: {usd: 2, calls: 20, tokens: 1000000, wall: 30m}
steps:
  # Here files are written.
  - name: write
    tool: codegen
    inputs:
      prompt: "{{ params.task }}"
      files: ["src/a.py", "src/app/[[]id].tsx"]
      apply: true
  # Gates pass on what they found, not on what somebody says.
  - name: unit
    tool: "gate:unit"
    repair: {step: write, attempts: 3}
  # A person is asked.
  - name: approve
    tool: "manual:approve"
    inputs:
      message: "May this stand? nofx diff {{ run.id }} shows what was changed."
  # nofx does not open pull requests by itself yet, so a person does it and says so.
  - name: pull_request
    tool: "manual:pull-request"
    inputs:
      message: "Open the pull request, then approve this: nofx apply {{ run.id }} puts the change into your files; \
commit it on a branch, push it, and open one from there."
"""
    )
    assert inputs_of(plan_of(text), "approve")["message"].startswith("May this stand? nofx diff run-1 ")


def test_each_step_needs_the_one_before() -> None:
    plan = plan_of(text_of("Fix src/a.py, run all checks, let Ada approve, open a PR"))
    names = [step.name for step in plan.steps]
    assert [step.needs for step in plan.steps] == [(), *((name,) for name in names[:-1])]
    assert names == [
        "write",
        "format",
        "lint",
        "typecheck",
        "unit",
        "coverage",
        "sast",
        "secrets",
        "approve",
        "pull_request",
    ]
    repaired = {step.name: step.repair.step for step in plan.steps if step.repair}
    assert repaired == dict.fromkeys(("format", "lint", "typecheck", "unit"), "write")


def test_a_plan_that_only_checks_writes_nothing() -> None:
    plan = plan_of(text_of("Check lint and the tests of src/a.py and tests/test_a.py"))
    assert [(step.tool, step.repair) for step in plan.steps] == [("gate:lint", None), ("gate:unit", None)]
    assert inputs_of(plan, "lint") == {"paths": ["src/a.py", "tests/test_a.py"]}
    assert inputs_of(plan, "unit") == {"paths": ["tests/test_a.py"]}
    assert plan.params == ()


def test_an_answer_is_not_applied() -> None:
    plan = plan_of(text_of("Explain src/"))
    assert [step.name for step in plan.steps] == ["answer"]
    assert inputs_of(plan, "answer") == {"prompt": "Explain src/", "files": ["src/**"]}


def test_asked_before_anything_is_written() -> None:
    plan = plan_of(text_of("Ask me first, then fix src/a.py"))
    assert plan.steps[0].approval
    assert all(step.name != "approve" for step in plan.steps)


def test_an_agent_has_the_prompt_and_a_limit_of_time() -> None:
    plan = plan_of(text_of("Fix src/a.py with claude"))
    assert (plan.steps[0].tool, inputs_of(plan, "write")) == ("agent:claude", {"prompt": "Fix src/a.py with claude"})
    assert (plan.budget.wall_ms, plan.budget.calls) == (3_600_000, None)


def test_a_model_that_was_named() -> None:
    assert inputs_of(plan_of(text_of("Fix src/a.py", model="local/small")), "write")["model"] == "local/small"


@pytest.mark.parametrize(
    "sentence",
    [
        "Fix {{ params.task }} and {% raw %}",
        "{% endraw %}{{ run.id }}{# no #}",
        '"\nsteps:\n  - name: evil\n    tool: shell\n    inputs: {command: "true"}\n#',
        "a: b # c\n---\n- d",
        "'single' \"double\" \\ back \\n \\x41 `ticks`",
        "!!python/object:os.system &anchor *alias <<: %TAG @at",
        "line\r\nline\rline\x85line\u2028line\u2029\ttab\x00\x07\x1b[31m\x7f\ufeff\ufffe",
        "  spaces before and behind  ",
        "emoji 🎉 and \U000e0041 and \u202e",
        "{{" * 500,
    ],
)
def test_a_hostile_sentence_stays_a_sentence(sentence: str) -> None:
    plan = plan_of(text_of(f"Add {sentence}"))
    assert [step.name for step in plan.steps] == ["write", "lint", "unit"]
    assert inputs_of(plan, "write")["prompt"] == f"Add {sentence}"


def test_the_name_of_who_made_it_stays_in_its_comment() -> None:
    plan = plan_of(plan_text(Draft("task", (DraftStep("one", "gate:lint"),), "m\nsteps: [{name: evil}]\n#")))
    assert [step.name for step in plan.steps] == ["one"]
