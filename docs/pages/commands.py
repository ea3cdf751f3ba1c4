"""The page of commands, from the commands themselves."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from nofx_cli.cli.app import app

_HEAD = """\
# Commands

Results go to standard output, everything else to standard error. What a command ends with is in
[exit codes](exit-codes.md). `--help` after any command says the same as this page.

Where a run is named, its id will do, or any part of it from the start or the end that fits only one, or `latest`.
"""


def commands_page() -> str:
    """The page `docs/reference/cli.md`."""
    root: Any = get_command(app)
    context = root.make_context("nofx", ["--help"], resilient_parsing=True)
    sections = (_section(f"nofx {name}", command) for name, command in _commands_of(root, context))
    return "\n".join([_HEAD, *sections])


def options() -> dict[str, set[str]]:
    """The options of each command, by its name without `nofx`."""
    root: Any = get_command(app)
    context = root.make_context("nofx", ["--help"], resilient_parsing=True)
    return {
        name: {"--help", *(word for param in command.params for word in (*param.opts, *param.secondary_opts))}
        for name, command in _commands_of(root, context)
    }


def _commands_of(group: Any, context: Any) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            if command.invoke_without_command:
                yield name, command
            for inner, inner_command in _commands_of(command, context):
                yield f"{name} {inner}", inner_command
        else:
            yield name, command


def _section(name: str, command: Any) -> str:
    shown = [param for param in command.params if "--help" not in param.opts and not getattr(param, "hidden", False)]
    arguments = " ".join(_argument(param) for param in shown if param.param_type_name == "argument")
    options = "[OPTIONS]" if any(param.param_type_name == "option" for param in shown) else ""
    usage = " ".join(filter(None, [name, options, arguments]))
    rows = [f"| {_words(param)} | {_told(param)} |" for param in shown]
    table = ["", "| | |", "|---|---|", *rows] if rows else []
    return "\n".join([f"## `{name}`", "", "```text", usage, "```", "", inspect.cleandoc(command.help), *table, ""])


def _argument(param: Any) -> str:
    name = (param.metavar or param.name).upper() + ("..." if param.nargs != 1 else "")
    return name if param.required else f"[{name}]"


def _words(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{_argument(param)}`"
    value = "" if param.is_flag else f" {param.metavar or _kind(param)}"
    words = [f"`{word}{value}`" for word in param.opts] + [f"`{word}`" for word in param.secondary_opts]
    return ", ".join(words).replace("|", "\\|")


def _kind(param: Any) -> str:
    choices = getattr(param.type, "choices", None)
    if choices:
        return "|".join(str(getattr(choice, "value", choice)) for choice in choices)
    name = str(param.type.name).upper()
    return {"STR": "TEXT", "INT": "NUMBER"}.get(name, name)


def _told(param: Any) -> str:
    said = re.sub(r"\s+", " ", param.help or "").replace("|", "\\|")
    if param.param_type_name == "option" and param.default and not param.is_flag and "[default" not in said:
        said += f" [default: {getattr(param.default, 'value', param.default)}]"
    return said
