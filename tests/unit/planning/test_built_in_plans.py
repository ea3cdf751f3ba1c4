"""The plans that come with nofx: each loads, says what it takes and may spend, and names the schema for editors."""

from pathlib import Path

import pytest

from nofx_cli.domain.plan import Plan
from nofx_cli.handlers.registry import Registry
from nofx_cli.planning.catalogue import available, built_in_folder
from nofx_cli.planning.graph import as_dot, as_mermaid, as_text
from nofx_cli.planning.load import load_plan

WORKING = (
    *("agent-task", "codegen", "db-change", "dependency-update", "fix-failing-tests", "release-notes"),
    *("pull-request", "review-diff"),
)
ALL = (*WORKING, "quality")
SCHEMA = "# yaml-language-server: $schema=../docs/reference/plan.schema.json"


def text_of(name: str) -> str:
    return (built_in_folder() / f"{name}.yaml").read_text("utf-8")


def load(name: str, project: Path) -> Plan:
    return load_plan(text_of(name), source=name, handlers=Registry(project))


def test_they_are_there_by_name(tmp_path: Path) -> None:
    listed = {plan.name: plan for plan in available(tmp_path)}
    assert set(ALL) <= set(listed)
    assert all(plan.goal and not plan.fault for plan in listed.values())


@pytest.mark.parametrize("name", ALL)
class TestEach:
    def test_it_loads_in_any_project_and_can_be_drawn(self, name: str, tmp_path: Path) -> None:
        plan = load(name, tmp_path)
        for draw in (as_text, as_mermaid, as_dot):
            drawn = draw(plan)
            assert all(step.name in drawn for step in plan.steps)

    def test_editors_and_readers_are_told_about_it(self, name: str, tmp_path: Path) -> None:
        lines = text_of(name).splitlines()
        assert lines[0] == SCHEMA
        assert lines[1] == "#"
        assert f"nofx run {name}" in text_of(name)
        assert max(map(len, lines)) <= 120

    def test_every_parameter_says_what_it_is_for(self, name: str, tmp_path: Path) -> None:
        for param in load(name, tmp_path).params:
            assert param.description, param.name
            assert param.required or param.default is not None, param.name


@pytest.mark.parametrize("name", WORKING)
def test_what_works_is_limited(name: str, tmp_path: Path) -> None:
    plan = load(name, tmp_path)
    assert plan.budget.wall_ms
    if any(step.tool == "codegen" for step in plan.steps):
        assert plan.budget.calls
        assert plan.budget.tokens


@pytest.mark.parametrize("name", WORKING)
def test_who_writes_is_followed_by_a_gate_or_a_person(name: str, tmp_path: Path) -> None:
    plan = load(name, tmp_path)
    for place, step in enumerate(plan.steps):
        if step.inputs.get("apply") is True or step.tool.startswith("agent:"):
            gates = [later for later in plan.steps[place + 1 :] if later.is_gate and later.blocks]
            assert any(gate.repair and gate.repair.step == step.name for gate in gates), step.name
        elif step.tool == "workspace:write" or (step.tool == "shell" and step.name in ("update", "change")):
            assert step.approval, step.name
