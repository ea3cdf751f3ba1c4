"""What a command loads before it does its work: nothing heavy that it does not need."""

import json
import os
import subprocess
import sys

import pytest

from tests.acceptance.program import PATIENCE, Program
from tests.model_server import ModelServer, Say

pytestmark = [pytest.mark.acceptance, pytest.mark.cold]

HEAVY = frozenset(
    {
        "asyncio",
        "concurrent",
        "filelock",
        "git",
        "httpx",
        "httpx2",
        "jinja2",
        "logging",
        "openai",
        "pydantic",
        "rich",
        "watchfiles",
    }
)
ONLY_FOR_OTHERS = (
    *("nofx_cli.domain.findings", "nofx_cli.domain.baseline", "nofx_cli.domain.reports", "nofx_cli.handlers.gates"),
    *("nofx_cli.engine.collect_findings", "nofx_cli.engine.explain_policy", "nofx_cli.planning.project_rules"),
    *("nofx_cli.safety.commands", "nofx_cli.safety.command_", "nofx_cli.safety.shell_", "nofx_cli.safety.hosts"),
    *("nofx_cli.safety.sandbox", "nofx_cli.safety.secret", "nofx_cli.cli.github.annotations", "tomllib", "xml"),
    *("nofx_cli.config.settings_file", "nofx_cli.regular_files", "nofx_cli.handlers.agents"),
    *("nofx_cli.workspace.worktrees", "nofx_cli.workspace.choice", "nofx_cli.ports.workspaces"),
)
"""What only gates, rules, sandboxes, secrets, worktrees and files of settings need, by the beginnings of names."""
ONLY_FOR_MODELS = (
    *("nofx_cli.models", "nofx_cli.engine.ask_model", "nofx_cli.engine.budgets", "nofx_cli.engine.replayed"),
    *("nofx_cli.handlers.codegen", "nofx_cli.handlers.edits", "nofx_cli.handlers.agents"),
    *("openai", "pydantic", "genai_prices", "decimal", "_decimal", "_pydecimal", "jsonschema"),
)
"""What only steps that ask a model need, by the beginnings of names."""
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
    return {name.partition(".")[0] for name in _modules(*words, code=code)}


def _modules(*words: str, code: int = 0) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", LOOK, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert ended.returncode == code, ended
    return list(json.loads(ended.stderr.splitlines()[-1]))


def test_the_version(nofx: Program) -> None:
    assert not _loaded("--version") & (HEAVY | {"yaml"})


def test_a_run_of_a_shell_plan_without_templates_and_without_a_terminal(nofx: Program) -> None:
    nofx.plan("  - {name: a, tool: shell, inputs: {command: 'true'}}\n")
    assert not _loaded("run", "plan.yaml") & HEAVY


def test_a_shell_step_without_rules_loads_nothing_that_only_gates_rules_sandboxes_and_secrets_need(
    nofx: Program,
) -> None:
    (nofx.folder / "nofx.yaml").unlink()
    nofx.plan("  - {name: a, tool: shell, inputs: {command: 'true'}}\n")
    assert [name for name in _modules("run", "plan.yaml") if name.startswith(ONLY_FOR_OTHERS)] == []


@pytest.mark.parametrize("settings", ["", "models: {routes: {docs: [openai/gpt-5]}}\n"], ids=["none", "routes"])
def test_a_plan_without_model_steps_loads_nothing_that_only_models_need(nofx: Program, settings: str) -> None:
    nofx.plan(
        '  - {name: a, tool: shell, inputs: {command: "true"}}\n'
        '  - {name: b, tool: "test:echo", inputs: {text: "{{ run.id }}"}}\n'
        '  - {name: c, tool: "workspace:write", inputs: {path: c.txt, content: c}}\n'
        '  - {name: d, tool: "gate:x"}\n'
    )
    (nofx.folder / "nofx.yaml").write_text("gates: {x: {command: [ls]}}\n" + settings, "utf-8")
    loaded = _modules("run", "plan.yaml")
    assert [name for name in loaded if name.startswith(ONLY_FOR_MODELS)] == []
    assert "nofx_cli.handlers.gates" in loaded


def test_those_are_loaded_where_a_model_is_asked(nofx: Program) -> None:
    nofx.plan("  - {name: a, tool: codegen, inputs: {prompt: p}}\n")
    with ModelServer(Say("hello")) as server:
        (nofx.folder / "nofx.yaml").write_text(server.models_yaml(), "utf-8")
        loaded = set(_modules("run", "plan.yaml"))
    assert {"nofx_cli.models.router", "nofx_cli.engine.ask_model", "nofx_cli.handlers.codegen", "decimal"} <= loaded


def test_those_are_loaded_where_they_are_needed(nofx: Program) -> None:
    nofx.plan("  - {name: a, tool: shell, sandbox: {optional: true}, inputs: {command: 'true'}}\n")
    rules = "policy: {commands: {deny: [rm]}}\ngates: {x: {command: [ls]}}\nsecrets: {s: {T: {env: T_TOKEN}}}\n"
    (nofx.folder / "nofx.yaml").write_text(rules, "utf-8")
    loaded = _modules("run", "plan.yaml")
    assert {"nofx_cli.planning.project_rules", "nofx_cli.safety.sandbox", "nofx_cli.safety.secrets"} <= set(loaded)
    assert "nofx_cli.safety.command_verdict" in loaded


def test_the_look_itself_sees_what_is_loaded(nofx: Program) -> None:
    nofx.plan("params: {x: {default: hi}}\nsteps: [{name: a, tool: 'test:echo', inputs: {text: '{{ params.x }}'}}]\n")
    assert "jinja2" in _loaded("run", "plan.yaml")


@pytest.mark.parametrize("words", [["list"], ["show"], ["timeline"], ["verify"]])
def test_commands_that_look(nofx: Program, words: list[str]) -> None:
    nofx.plan("  - {name: a, tool: 'test:echo'}\n")
    assert nofx("run", "plan.yaml").code == 0
    assert not _loaded(*words) & (HEAVY - {"jinja2"})
