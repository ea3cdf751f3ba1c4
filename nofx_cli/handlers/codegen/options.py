"""What a step says of `codegen`, as it was written and as it is used."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from nofx_cli.domain.ids import JsonObject, JsonValue, StepName
from nofx_cli.domain.models import KINDS, CacheUse, EditFormat
from nofx_cli.domain.record import record
from nofx_cli.handlers.inputs import Field, faults_of, is_template
from nofx_cli.safety.paths import fault_of_name

FIELDS = {
    "prompt": Field(("text",)),
    "prompt_file": Field(("text",)),
    "system": Field(("text",)),
    "files": Field(("list",)),
    "diff": Field(("text",)),
    "artifacts": Field(("list",)),
    "outputs": Field(("list",)),
    "repo_map": Field(("flag", "number")),
    "context_tokens": Field(("number",)),
    "schema": Field(("mapping", "text")),
    "apply": Field(("flag",)),
    "edits": Field(("text",)),
    "write": Field(("list",)),
    "output": Field(("text",)),
    "kind": Field(("text",)),
    "model": Field(("text",)),
    "max_output_tokens": Field(("number",)),
    "temperature": Field(("anything",)),
    "cache": Field(("text",)),
    "attempts": Field(("number",)),
}
DEFAULT_ATTEMPTS, MOST_ATTEMPTS = 3, 10
DEFAULT_CONTEXT_TOKENS = 32_000
DEFAULT_MAP_TOKENS = 2_000
ANSWER, DATA = "answer.md", "answer.json"
"""The artifacts that have an answer in words, and one that fits a schema."""

_CHOICES: Mapping[str, Sequence[str]] = {
    "edits": [form.value for form in EditFormat],
    "cache": [use.value for use in CacheUse],
    "kind": KINDS,
}
_LEAST = {"repo_map": 0, "context_tokens": 0, "max_output_tokens": 1, "attempts": 1}
_HOTTEST = 2.0


class Artifact(NamedTuple):
    """An artifact of an earlier step."""

    step: StepName
    name: str


@record
class Options:
    """The inputs of a step that have no faults.

    Attributes:
        schema: a JSON Schema, or the path of a file that has it; None for an answer in words.
        edits: None takes what suits the model.
        write: globs of what may be changed; empty for all that policy allows.
    """

    prompt: str = ""
    prompt_file: str = ""
    system: str = ""
    files: tuple[str, ...] = ()
    diff: str = ""
    artifacts: tuple[Artifact, ...] = ()
    outputs: tuple[StepName, ...] = ()
    map_tokens: int = 0
    context_tokens: int = DEFAULT_CONTEXT_TOKENS
    schema: JsonObject | str | None = None
    apply: bool = False
    edits: EditFormat | None = None
    write: tuple[str, ...] = ()
    output: str = ANSWER
    kind: str = KINDS[0]
    model: str = ""
    max_output_tokens: int | None = None
    temperature: float | None = None
    cache: CacheUse = CacheUse.USE
    attempts: int = DEFAULT_ATTEMPTS


def input_faults(inputs: JsonObject) -> list[str]:
    """What is wrong with the inputs of a step, a sentence each; values may still be templates."""
    return faults_of(inputs, FIELDS) or [
        *_prompt_faults(inputs),
        *_together_faults(inputs),
        *_choice_faults(inputs),
        *_number_faults(inputs),
        *_list_faults(inputs),
        *_name_faults(inputs),
    ]


def options_of(inputs: JsonObject) -> Options:
    """The inputs as they are used; they have no faults."""
    given = {name: value for name, value in inputs.items() if value is not None}
    text, number = partial(_text, given), partial(_number, given)
    schema = given.get("schema")
    return Options(
        prompt=text("prompt"),
        prompt_file=text("prompt_file"),
        system=text("system"),
        files=tuple(_texts(given, "files")),
        diff=text("diff"),
        artifacts=tuple(_artifacts(given)),
        outputs=tuple(map(StepName, _texts(given, "outputs"))),
        map_tokens=_map_tokens(given.get("repo_map")),
        context_tokens=number("context_tokens", DEFAULT_CONTEXT_TOKENS),
        schema=schema if isinstance(schema, Mapping | str) else None,
        apply=given.get("apply") is True,
        edits=EditFormat(text("edits")) if "edits" in given else None,
        write=tuple(_texts(given, "write")),
        output=text("output") or ANSWER,
        kind=text("kind") or KINDS[0],
        model=text("model"),
        max_output_tokens=number("max_output_tokens", 0) or None,
        temperature=_temperature(given.get("temperature")),
        cache=CacheUse(text("cache") or CacheUse.USE),
        attempts=number("attempts", DEFAULT_ATTEMPTS),
    )


def writes_with(inputs: JsonObject) -> bool:
    """Whether the answer is made into changes of the workspace; one that only a template tells is taken to be."""
    return inputs.get("apply") is True or is_template(inputs.get("apply"))


def _prompt_faults(inputs: JsonObject) -> list[str]:
    if ("prompt" in inputs) == ("prompt_file" in inputs):
        return ["give either `prompt` or `prompt_file`"]
    name = "prompt" if "prompt" in inputs else "prompt_file"
    return [] if str(inputs[name]).strip() else [f"`{name}` is empty"]


def _together_faults(inputs: JsonObject) -> list[str]:
    if writes_with(inputs):
        return [
            f"`{name}` is for an answer that is kept; with `apply` the answer is changes of files"
            for name in ("schema", "output")
            if name in inputs
        ]
    faults = [f"`{name}` is only for `apply: true`" for name in ("edits", "write") if name in inputs]
    if "output" in inputs and "schema" in inputs:
        faults.append(f"`output` is for an answer in words; one with a `schema` is kept as {DATA}")
    return faults


def _choice_faults(inputs: JsonObject) -> list[str]:
    return [
        f"`{name}` must be one of {', '.join(choices)}, not {inputs[name]}"
        for name, choices in _CHOICES.items()
        if name in inputs and inputs[name] not in choices and not is_template(inputs[name])
    ]


def _number_faults(inputs: JsonObject) -> list[str]:
    faults = [
        f"`{name}` must be at least {least}, not {value}"
        for name, least in _LEAST.items()
        if isinstance(value := inputs.get(name), int) and value < least
    ]
    attempts, temperature = inputs.get("attempts"), inputs.get("temperature")
    if isinstance(attempts, int) and attempts > MOST_ATTEMPTS:
        faults.append(f"`attempts` must be at most {MOST_ATTEMPTS}, not {attempts}")
    if not (temperature is None or is_template(temperature) or _is_temperature(temperature)):
        faults.append(f"`temperature` must be a number from 0 to 2, not {temperature}")
    return faults


def _is_temperature(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _HOTTEST


def _list_faults(inputs: JsonObject) -> list[str]:
    faults = [
        f"`{name}[{n}]` must be a text that is not empty"
        for name in ("files", "outputs", "write")
        for n, item in enumerate(_items(inputs, name))
        if not (isinstance(item, str) and item.strip())
    ]
    faults += [
        f"`artifacts[{n}]` must have `step` and `name`, and nothing else"
        for n, item in enumerate(_items(inputs, "artifacts"))
        if not (isinstance(item, Mapping) and set(item) == {"step", "name"} and _all_texts(item.values()))
    ]
    return faults


def _name_faults(inputs: JsonObject) -> list[str]:
    """Of names of files and globs: all are below the workspace."""
    named = [("prompt_file", inputs.get("prompt_file")), ("output", inputs.get("output"))]
    named.append(("schema", inputs.get("schema")))
    named += [(f"{field}[{n}]", item) for field in ("files", "write") for n, item in enumerate(_items(inputs, field))]
    faults = []
    for place, name in named:
        if isinstance(name, str) and name and not is_template(name) and (why := _outside(name)):
            faults.append(f"`{place}`: {name!r} {why}")
    model, diff = inputs.get("model"), inputs.get("diff")
    if isinstance(model, str) and not is_template(model) and not all(model.partition("/")):
        faults.append(f"`model` must be written <provider>/<model>, such as openai/gpt-5, not {model!r}")
    if isinstance(diff, str) and (not diff.strip() or diff.startswith("-")):
        faults.append(f"`diff` must name a commit, a branch or a tag, not {diff!r}")
    return faults


def _outside(name: str) -> str:
    fault = fault_of_name(name)
    if fault is not None:
        return fault[1]
    return "leads out of the workspace" if ".." in name.split("/") or name.startswith("~") else ""


def _items(inputs: JsonObject, name: str) -> Sequence[JsonValue]:
    value = inputs.get(name)
    return value if isinstance(value, list | tuple) else ()


def _texts(inputs: JsonObject, name: str) -> list[str]:
    return [item for item in _items(inputs, name) if isinstance(item, str)]


def _all_texts(values: Iterable[JsonValue]) -> bool:
    return all(isinstance(value, str) and value for value in values)


def _artifacts(inputs: JsonObject) -> list[Artifact]:
    named = [item for item in _items(inputs, "artifacts") if isinstance(item, Mapping)]
    return [Artifact(StepName(str(item["step"])), str(item["name"])) for item in named]


def _text(inputs: JsonObject, name: str) -> str:
    value = inputs.get(name)
    return value if isinstance(value, str) else ""


def _number(inputs: JsonObject, name: str, default: int) -> int:
    value = inputs.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _map_tokens(value: JsonValue) -> int:
    if isinstance(value, bool):
        return DEFAULT_MAP_TOKENS if value else 0
    return value if isinstance(value, int) else 0


def _temperature(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None
