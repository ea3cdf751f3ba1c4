"""Reading a plan stays cheap: what is heavy is imported where it is needed."""

import subprocess
import sys
from pathlib import Path

_PROGRAM = """\
import sys

from nofx_cli.domain.state import RunState
from nofx_cli.ports import handler, rendering
from tests.unit.planning.fake_handlers import FakeHandlers

before = set(sys.modules)
from nofx_cli.planning.catalogue import find_plan
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.params import resolve_params
from nofx_cli.planning.templates import PlanRenderer

plan = load_plan(sys.argv[1], source="x", handlers=FakeHandlers())
renderer = PlanRenderer(params=resolve_params(plan, {}), env=lambda _step: {}, run_id="r", goal="")
renderer.inputs(plan.steps[0], RunState(plan)), renderer.env(plan.steps[0], RunState(plan))
heavy = {"jinja2", "difflib", "shlex", "asyncio", "unicodedata", "logging", "tempfile", "inspect", "pydantic", "rich"}
heavy |= {"decimal", "nofx_cli.domain.models", "nofx_cli.planning.model_settings"}
print(sorted(heavy & (set(sys.modules) - before)))
"""


def _imported(plan: str, program: str = _PROGRAM) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, plan],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_templates_are_imported_only_where_there_are_some() -> None:
    plan = "steps: [{name: a, tool: shell, inputs: {command: echo, n: 1}, timeout: 1s, retry: 2}]"
    assert _imported(plan) == "[]\n"
    assert "jinja2" in _imported(plan.replace("echo", "'echo {{ run.id }}'"))


def test_amounts_of_money_are_read_only_where_there_are_some() -> None:
    plan = "{budget: {calls: 3, wall: 1m}, policy: {budget: {tokens: 9}}, steps: [{name: a, tool: shell}]}"
    assert _imported(plan.replace("tool: shell", "tool: shell, inputs: {command: a}")) == "[]\n"


def test_settings_without_models_load_nothing_of_them() -> None:
    text = "gates: {lint: {}}\nbudget: {calls: 3}\nagents: {claude: {}}\nsecrets: {a: {B: {env: C}}}"
    program = (
        "import sys\nfrom nofx_cli.planning.project_rules import load_project_rules\n"
        "rules = load_project_rules(sys.argv[1], source='x')\nrules.digest\n"
        "print(sorted({'decimal', 'nofx_cli.domain.models', 'nofx_cli.planning.model_settings'} & set(sys.modules)))"
    )
    assert _imported(text, program) == "[]\n"
    assert "model_settings" in _imported(text + "\nmodels: {}", program)
