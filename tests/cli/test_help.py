"""The help of every command: there, on 80 columns, and without loading what it does not need."""

import subprocess
import sys

import pytest

from nofx_cli.cli.lazy_group import COMMANDS
from tests.cli.console import Console

GROUPS = {
    "plan": ["check", "new", "list", "show", "graph", "schema"],
    "config": ["show"],
    "plugin": ["new", "list"],
    "policy": ["explain"],
    "gates": ["report", "baseline", "list"],
    "hooks": ["install", "uninstall", "status", "run"],
    "queue": ["list", "stats", "pause", "resume"],
    "models": ["list", "test"],
    "archive": ["ls", "show", "export", "import", "prune"],
    "backup": ["create", "list", "verify", "restore", "prune"],
    "notify": ["status", "send", "test", "drop"],
    "dlq": ["list", "show", "requeue", "drop"],
}
WORKER = ["start", "stop", "status", "forget"]  # not a mere group: alone it works
SUBCOMMANDS = {**GROUPS, "worker": WORKER}
ALL = [[name] for name in COMMANDS] + [[group, name] for group, names in SUBCOMMANDS.items() for name in names]


@pytest.mark.parametrize("words", [[], *ALL], ids=" ".join)
def test_help(cli: Console, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = cli.ok(*words, "--help")
    assert text.startswith(f"Usage: {' '.join(['nofx', *words])}")
    assert max(map(len, text.splitlines())) <= 80
    for many in ("]", "}", "runs", "plans", "keys", "workers", "hooks", "args"):
        text = text.replace(f"{many}...", "")
    assert "..." not in text


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


def test_what_a_worker_can_be_told_is_in_its_help_and_what_it_tells_itself_is_not(cli: Console) -> None:
    text = cli.ok("worker", "--help")
    assert all(f"\n  {name} " in text for name in WORKER)
    assert "--detached" not in text


@pytest.mark.parametrize("command", ["run", "resume", "retry", "rerun"])
def test_what_leaves_a_run_to_workers_is_in_the_help(cli: Console, command: str) -> None:
    text = cli.ok(command, "--help")
    assert "--detach" in text
    assert "--start-worker" in text
    assert ("--priority" in text) == (command == "run")


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
    looks = "list show timeline logs artifacts verify config queue dlq cost archive"
    modules = [COMMANDS[name][0] for name in looks.split()]
    code = (
        "import sys\nfrom importlib import import_module\nimport typer\n"
        "before = set(sys.modules)\n"
        f"for name in {modules}: import_module(f'nofx_cli.cli.commands.{{name}}')\n"
        f"print(*sorted({heavy} & (set(sys.modules) - before)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "\n"
