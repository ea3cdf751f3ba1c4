"""What a step says to an agent, and what is wrong with it."""

from collections.abc import Iterator

from nofx_cli.domain.ids import JsonObject
from nofx_cli.handlers.agents.command import Agent
from nofx_cli.handlers.agents.profile import ARGS, MODEL
from nofx_cli.handlers.inputs import Field, faults_of, is_scalar, is_template

FIELDS = {
    "prompt": Field(("text",)),
    "prompt_file": Field(("text",)),
    "args": Field(("list",)),
    "model": Field(("text",)),
    "expect_changes": Field(("flag",)),
}


def args_of(inputs: JsonObject) -> list[str]:
    """The further words of the command."""
    args = inputs.get("args")
    return [str(arg) for arg in args] if isinstance(args, list | tuple) else []


def model_of(inputs: JsonObject) -> str:
    """The model that is named; empty: the agent's own choice."""
    model = inputs.get("model")
    return model if isinstance(model, str) else ""


def faults_of_inputs(inputs: JsonObject, agent: Agent) -> list[str]:
    """What is wrong; values may still be templates."""
    return faults_of(inputs, FIELDS) or [*_prompt_faults(inputs), *_word_faults(inputs), *_place_faults(inputs, agent)]


def _prompt_faults(inputs: JsonObject) -> Iterator[str]:
    if ("prompt" in inputs) == ("prompt_file" in inputs):
        yield "give either `prompt` or `prompt_file`"
    for name in ("prompt", "prompt_file"):
        value = inputs.get(name, "there")
        if isinstance(value, str) and not value.strip():
            yield f"`{name}` is empty"
        if isinstance(value, str) and "\0" in value:
            yield f"`{name}` has a NUL character in it"


def _word_faults(inputs: JsonObject) -> Iterator[str]:
    args, model = inputs.get("args"), inputs.get("model", "default")
    if isinstance(args, list | tuple):
        yield from (f"`args[{n}]` must be a text or a number" for n, arg in enumerate(args) if not is_scalar(arg))
    if isinstance(model, str) and not is_template(model) and (not model.strip() or model.startswith("-")):
        yield "`model` must be the name of a model"


def _place_faults(inputs: JsonObject, agent: Agent) -> Iterator[str]:
    """Nothing that was asked for is left out in silence."""
    for name, place in (("args", ARGS), ("model", MODEL)):
        if inputs.get(name) and agent.lacks(place):
            yield (
                f"agent {agent.name} takes no `{name}`: its command in {agent.source} has no place for them; "
                f"write {place} in it"
            )
