"""The help of every command: there, on 80 columns, and without loading what it does not need."""

import subprocess
import sys

import pytest

from nofx_cli.cli.lazy_group import COMMANDS
from tests.cli.console import Console

GROUPS = {"plan": ["check", "list", "show", "graph", "schema"], "config": ["show"]}
ALL = [[name] for name in COMMANDS] + [[group, name] for group, names in GROUPS.items() for name in names]


@pytest.mark.parametrize("words", [[], *ALL], ids=" ".join)
def test_help(cli: Console, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = cli.ok(*words, "--help")
    assert text.startswith(f"Usage: {' '.join(['nofx', *words])}")
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.replace("]...", "").replace("}...", "").replace("runs...", "").replace("plans...", "")


def test_the_root_names_every_command_in_its_section(cli: Console) -> None:
    text = cli.ok("--help")
    for name, (_, section, words) in COMMANDS.items():
        assert f"{section}:\n" in text
        assert f"  {name} " in text
        assert words in text


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_shows_its_help(cli: Console, group: str) -> None:
    result = cli(group)
    assert all(f"\n  {name} " in result.output for name in GROUPS[group])


def test_a_command_that_is_not_there(cli: Console) -> None:
    result = cli("lst")
    assert result.exit_code == 2
    assert "Did you mean 'list'?" in result.stderr


def test_a_command_that_is_there_is_found_every_time(cli: Console) -> None:
    for _ in range(2):
        assert cli("list").exit_code == 0


def test_an_error_is_an_object_for_programs_and_words_for_people(cli: Console) -> None:
    import json

    result = cli("show", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["error"]["code"] == "run-not-found"
    assert result.stderr.startswith("error[run-not-found]: there is no run yet\n  hint: ")


def test_nothing_heavy_is_imported_to_look() -> None:
    """A view starts fast: what only some commands need is imported by those."""
    heavy = {"rich", "jinja2", "pydantic", "asyncio", "logging", "watchfiles", "yaml", "tempfile", "shutil", "shlex"}
    modules = [COMMANDS[name][0] for name in ("list", "show", "timeline", "logs", "artifacts", "verify", "config")]
    code = (
        "import sys\nfrom importlib import import_module\nimport typer\n"
        "before = set(sys.modules)\n"
        f"for name in {modules}: import_module(f'nofx_cli.cli.commands.{{name}}')\n"
        f"print(*sorted({heavy} & (set(sys.modules) - before)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "\n"
