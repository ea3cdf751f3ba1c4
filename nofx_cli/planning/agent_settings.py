"""Reads `agents:` of `nofx.yaml`: coding agents, each a command."""

from collections.abc import Mapping, Sequence
from typing import Any

from nofx_cli.domain.project import KNOWN_AGENTS, AgentSpec, Prompt
from nofx_cli.planning.kinds import Choice, Duration
from nofx_cli.planning.reading import Field, Reading, table
from nofx_cli.planning.report import quoted
from nofx_cli.planning.rules import COMMAND, name_of, place_of, words_of
from nofx_cli.planning.structures import Declared, Entry

_PLACES: Mapping[Prompt, str] = {"argument": "{prompt}", "file": "{prompt_file}"}
"""What must stand in the command where the prompt is given so."""

AGENT = table(
    Field(
        "command",
        COMMAND,
        "What is run: words, without a shell. `{prompt}` in a word stands for the prompt, `{prompt_file}` for a file "
        "that holds it, `{model}` for the `model` of the step; `{args}`, a word of its own, for its `args`.",
        default="of a known agent, its own",
    ),
    Field(
        "prompt",
        Choice("stdin", "argument", "file"),
        "How the command is given the prompt.",
        default="`argument` or `file` where the command has a place for it, else `stdin`",
    ),
    Field("timeout", Duration(), "How long an attempt may take where a step does not say.", default="30m"),
)
AGENTS = Declared(AGENT, name_of("an agent"), "agent")


def agents_of(entries: Sequence[Entry], reading: Reading) -> Mapping[str, AgentSpec]:
    """What an `agents:` says, by name; what does not fit together is told."""
    return {entry.name: _agent(entry, reading) for entry in entries}


def _agent(entry: Entry, reading: Reading) -> AgentSpec:
    values: Mapping[str, Any] = entry.found.values
    command = words_of(values.get("command", ()))
    prompt: Prompt = values.get("prompt") or _prompt_of(command)
    who = f"agent {quoted(entry.name)}"
    if "command" not in entry.found.nodes:
        _check_known(entry, who, reading)
    elif "prompt" in values and "command" in values:
        _check_place(entry, command, who, reading)
    return AgentSpec(entry.name, command, prompt, values.get("timeout"), place_of(entry.node, reading))


def _prompt_of(command: tuple[str, ...]) -> Prompt:
    """How a command that does not say wants its prompt: by the place that it has for it."""
    return next((how for how, place in _PLACES.items() if any(place in word for word in command)), "stdin")


def _check_known(entry: Entry, who: str, reading: Reading) -> None:
    if entry.name not in KNOWN_AGENTS:
        hint = reading.report.near(entry.name, KNOWN_AGENTS) or f"nofx knows {', '.join(KNOWN_AGENTS)} without one"
        reading.bad_value(entry.node, f"{who} must have a `command`", hint=hint)
    if "prompt" in entry.found.nodes:
        reading.bad_value(entry.found.nodes["prompt"], f"`prompt` of {who} is for an agent that has a `command`")


def _check_place(entry: Entry, command: tuple[str, ...], who: str, reading: Reading) -> None:
    prompt: Any = entry.found.values["prompt"]
    has = [place for place in _PLACES.values() if any(place in word for word in command)]
    place = _PLACES.get(prompt, "")
    if place and place not in has:
        message = f"the command of {who} has no place for the prompt"
        reading.bad_value(entry.found.nodes["prompt"], message, hint=f"write `{place}` where it belongs")
    elif has and place not in has:
        message = f"the command of {who} has {quoted(has[0])}, but its prompt is given by {prompt}"
        reading.bad_value(entry.found.nodes["prompt"], message, hint="take one of the two away")
