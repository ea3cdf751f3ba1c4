"""What a command loads before it does its work: nothing heavy that it does not need."""

import json
import os
import subprocess
import sys

import pytest

from tests.acceptance.program import PATIENCE, Program

pytestmark = pytest.mark.acceptance

HEAVY = frozenset(
    {
        "asyncio",
        "concurrent",
        "filelock",
        "git",
        "httpx",
        "jinja2",
        "logging",
        "openai",
        "pydantic",
        "rich",
        "watchfiles",
    }
)
LOOK = """\
import json, sys
from nofx_cli.cli.app import main
try:
    main()
finally:
    print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def _loaded(*words: str, code: int = 0) -> set[str]:
    """The top-level modules that a command has loaded when it ends."""
    ended = subprocess.run(
        [sys.executable, "-c", LOOK, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert ended.returncode == code, ended
    return {name.partition(".")[0] for name in json.loads(ended.stderr.splitlines()[-1])}


def test_the_version(nofx: Program) -> None:
    assert not _loaded("--version") & (HEAVY | {"yaml"})


def test_a_run_of_a_shell_plan_without_templates_and_without_a_terminal(nofx: Program) -> None:
    nofx.plan("  - {name: a, tool: shell, inputs: {command: 'true'}}\n")
    assert not _loaded("run", "plan.yaml") & HEAVY


def test_the_look_itself_sees_what_is_loaded(nofx: Program) -> None:
    nofx.plan("params: {x: {default: hi}}\nsteps: [{name: a, tool: 'test:echo', inputs: {text: '{{ params.x }}'}}]\n")
    assert "jinja2" in _loaded("run", "plan.yaml")


@pytest.mark.parametrize("words", [["list"], ["show"], ["timeline"], ["verify"]])
def test_commands_that_look(nofx: Program, words: list[str]) -> None:
    nofx.plan("  - {name: a, tool: 'test:echo'}\n")
    assert nofx("run", "plan.yaml").code == 0
    assert not _loaded(*words) & (HEAVY - {"jinja2"})
