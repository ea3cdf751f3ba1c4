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
renderer = PlanRenderer(params=resolve_params(plan, {}), env={}, run_id="r", goal="")
renderer.inputs(plan.steps[0], RunState(plan)), renderer.env(plan.steps[0], RunState(plan))
heavy = {"jinja2", "difflib", "shlex", "asyncio", "unicodedata", "logging", "tempfile", "inspect", "pydantic", "rich"}
print(sorted(heavy & (set(sys.modules) - before)))
"""


def _imported(plan: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, plan],
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
