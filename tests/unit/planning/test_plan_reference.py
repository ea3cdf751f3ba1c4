"""The generated pages are up to date, and the plans that come with nofx are good."""

import json
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.handlers.registry import Registry
from nofx_cli.planning.codes import CODES
from nofx_cli.planning.fields import PLAN, STEP
from nofx_cli.planning.kinds import Later
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.reference import plan_page
from nofx_cli.planning.schema import plan_schema, plan_schema_text

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
PLANS = sorted((ROOT / "plans").glob("*.yaml"))


def test_the_schema_is_up_to_date() -> None:
    assert (REFERENCE / "plan.schema.json").read_text() == plan_schema_text()


def test_the_reference_page_is_up_to_date() -> None:
    assert (REFERENCE / "plan.md").read_text() == plan_page()


def test_the_schema_has_every_field_that_is_supported_and_no_other() -> None:
    schema: Any = json.loads(plan_schema_text())
    step = schema["properties"]["steps"]["items"]
    for fields, found in ((PLAN, schema), (STEP, step)):
        assert set(found["properties"]) == {n for n, field in fields.items() if not isinstance(field.kind, Later)}
        assert found["additionalProperties"] is False
    assert step["required"] == ["name", "tool"]
    assert step["properties"]["timeout"]["pattern"] == r"^\d+(\.\d+)?(ms|s|m|h)$"
    assert schema["properties"]["params"]["additionalProperties"]["properties"]["type"]["enum"][0] == "string"
    assert plan_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_page_explains_every_diagnostic() -> None:
    page = plan_page()
    assert all(f"| `{code}` | {meaning} |" in page for code, meaning in CODES.items())


def test_the_example_of_the_page_is_a_good_plan() -> None:
    example = plan_page().partition("```yaml\n")[2].partition("```")[0]
    assert len(load_plan(example, source="plan.md", handlers=Registry(ROOT)).steps) == 4


@pytest.mark.parametrize("path", PLANS, ids=[path.stem for path in PLANS])
def test_the_plans_that_come_with_nofx_are_good_and_name_the_schema(path: Path) -> None:
    text = path.read_text()
    plan = load_plan(text, source=str(path), handlers=Registry(ROOT))
    assert plan.goal
    schema = text.split("\n")[0].partition("# yaml-language-server: $schema=")[2]
    assert (path.parent / schema).resolve() == REFERENCE / "plan.schema.json"


def test_the_plan_of_the_demo_asks_a_person_between_gates_and_summary() -> None:
    plan = load_plan((ROOT / "plans" / "demo.yaml").read_text(), source="demo", handlers=Registry(ROOT))
    tools = {step.name: (step.tool, step.needs) for step in plan.steps}
    assert tools == {
        "lint": ("gate:lint", ()),
        "unit": ("gate:unit", ()),
        "release": ("manual:release", ("lint", "unit")),
        "summary": ("shell", ("release",)),
    }
