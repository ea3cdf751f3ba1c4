"""A plan as a model answers it: a short list of steps, which becomes a draft. What it says is data, and never trusted.

What the rules found in the sentence, and what was typed beside it, holds for a model too: gates and people that it
leaves out are put in, and what writes is never without a gate behind it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.plan import GATE
from nofx_cli.planning.prompt_draft import (
    AGENT,
    CODEGEN,
    MANUAL,
    WRITER,
    Draft,
    DraftStep,
    asking_step,
    gate_steps,
    glob_of,
    is_writer,
    pull_request_step,
    with_unique_names,
)
from nofx_cli.planning.prompt_files import Look, target_of
from nofx_cli.planning.prompt_wish import Mode, Source, When, Wish
from nofx_cli.planning.report import quoted

ANSWER, ASK, SHELL = "answer", "ask", "shell"
"""How a model names steps that answer in words, ask a person, run a command."""
_NAMES = {CODEGEN: WRITER, ANSWER: "answer", ASK: "ask", SHELL: "run"}
"""What steps are called, by their tools."""
MOST_STEPS = 12
_MOST_WORDS = 20
"""How many files or words of a command a step may have: small models would never end such a list."""


class Faulty(Exception):
    """The answer makes no plan; `faults` say why, a sentence each, for the model and for people."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def answer_schema(tools: Sequence[str]) -> JsonObject:
    """The JSON Schema of an answer; `tools` are all the tools that it may name.

    A step has only what its tool needs: small models fill whatever they may fill.
    """
    gates = [tool for tool in tools if tool.startswith(GATE)]
    telling = [tool for tool in tools if tool not in (*gates, ASK, SHELL)]
    text: JsonObject = {"type": "string"}
    texts: JsonObject = {"type": "array", "items": text, "maxItems": _MOST_WORDS}
    shapes = [
        _shape(telling, text=text, files=texts),
        _shape(gates, files=texts),
        _shape([ASK] if ASK in tools else [], text=text),
        _shape([SHELL] if SHELL in tools else [], command=texts),
    ]
    there: list[JsonValue] = [shape for shape in shapes if shape is not None]
    step: JsonValue = there[0] if len(there) == 1 else {"anyOf": there}
    steps: JsonObject = {"type": "array", "items": step, "minItems": 1, "maxItems": MOST_STEPS}
    return {"type": "object", "properties": {"steps": steps}, "required": ["steps"], "additionalProperties": False}


def _shape(tools: Sequence[str], **fields: JsonObject) -> JsonObject | None:
    """A step with one of these tools; None where there are none."""
    if not tools:
        return None
    tool: JsonObject = {"type": "string", "enum": list(tools)}
    properties: JsonObject = {"tool": tool, **fields}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def draft_from(answer: JsonValue, wish: Wish, *, tools: Sequence[str], look: Look, by: str) -> Draft:
    """The draft that an answer comes to.

    Raises:
        Faulty: it comes to none.
    """
    listed = answer.get("steps") if isinstance(answer, Mapping) else None
    if not isinstance(listed, list | tuple) or not listed:
        raise Faulty(["there must be a list `steps` with at least one step"])
    if len(listed) > MOST_STEPS:
        raise Faulty([f"there are {len(listed)} steps; there may be {MOST_STEPS}"])
    faults: list[str] = []
    steps = []
    for number, item in enumerate(listed, 1):
        try:
            steps.append(_step(item, tools, look))
        except Faulty as exc:
            faults += [f"step {number}: {fault}" for fault in exc.faults]
    faults += _against_mode(wish, steps)
    if faults:
        raise Faulty(faults)
    held = _with_repairs(with_unique_names(_held_to(wish, steps)))
    return Draft(wish.sentence, tuple(held), by, wish.budget)


def _against_mode(wish: Wish, steps: Sequence[DraftStep]) -> Iterator[str]:
    """What the steps do although the sentence does not ask for it, or the other way round, where it is clear."""
    if wish.sources.get("mode") is not Source.SAID or not steps:
        return
    writes = any(map(is_writer, steps))
    if writes and wish.mode is not Mode.WRITE:
        yield "the sentence does not ask for changes, so no step may change files"
    if not writes and wish.mode is Mode.WRITE and not any(step.tool == SHELL for step in steps):
        yield "the sentence asks for changes, and no step changes files"


def _step(item: JsonValue, tools: Sequence[str], look: Look) -> DraftStep:
    if not isinstance(item, Mapping):
        raise Faulty(["it must be an object"])
    tool, text = _text(item, "tool"), _text(item, "text")
    if tool not in tools:
        raise Faulty([f"there is no tool {quoted(tool)}; there are {', '.join(tools)}"])
    files, command = _texts(item, "files"), _texts(item, "command")
    faults = list(_missing(tool, text, command))
    targets = [target_of(path, look) for path in files]
    faults += [
        f"{quoted(path)} does not lie in the project" for path, found in zip(files, targets, strict=True) if not found
    ]
    if faults:
        raise Faulty(faults)
    found = [target for target in targets if target is not None and target.there]
    if tool.startswith(GATE):
        [step] = gate_steps([tool.removeprefix(GATE)], paths=[target.path.rstrip("/") for target in found])
        return step
    step = DraftStep(_NAMES.get(tool, tool), tool, text)
    if tool in (CODEGEN, ANSWER):
        globs = tuple(glob_of(target) for target in found)
        return replace(step, tool=CODEGEN, files=globs, apply=tool == CODEGEN, in_task=True)
    if tool == ASK:
        return replace(step, tool=f"{MANUAL}approve")
    if tool == SHELL:
        return replace(step, text="", command=tuple(command), approval=True)
    return replace(step, in_task=True)


def _missing(tool: str, text: str, command: Sequence[str]) -> Iterator[str]:
    if tool == SHELL:
        if not command or not command[0].strip():
            yield "`command` must have the words of the command"
        if any("{{" in word or "{%" in word for word in command):
            yield "`command` may not have `{{` or `{%` in it"
    elif not tool.startswith(GATE) and not text.strip():
        yield "`text` must say what is to be done" if tool != ASK else "`text` must have the question"


def _held_to(wish: Wish, steps: Sequence[DraftStep]) -> list[DraftStep]:
    """The steps with what the sentence and the flags say; it does not matter whether the model understood that."""
    made = _without_twins([_with_flags(step, wish) for step in steps if _is_wanted(step, wish)])
    last_writer = max((place for place, step in enumerate(made) if is_writer(step)), default=-1)
    behind = {step.tool.removeprefix(GATE) for step in made[last_writer + 1 :] if step.tool.startswith(GATE)}
    wanted = wish.gates if wish.sources.get("gates") is not Source.DEFAULT or (last_writer >= 0 and not behind) else ()
    place = max((at for at, step in enumerate(made) if is_writer(step) or step.tool.startswith(GATE)), default=-1) + 1
    added = list(gate_steps([name for name in wanted if name not in behind], optional=wish.optional))
    made = [*made[:place], *added, *made[place:]]
    asks = any(step.tool.startswith(MANUAL) or step.approval for step in made)
    if wish.approval is not When.NEVER and not asks:
        made.append(asking_step(wish.approver, written=last_writer >= 0))
    if wish.pr:
        made.append(pull_request_step(written=last_writer >= 0))
    return made


def _without_twins(steps: Sequence[DraftStep]) -> list[DraftStep]:
    """The steps without gates that would look at the same again, although nothing was done since."""
    made: list[DraftStep] = []
    looked: set[tuple[str, tuple[str, ...]]] = set()
    for step in steps:
        if not step.tool.startswith(GATE):
            looked.clear()
        elif (step.tool, step.files) in looked:
            continue
        else:
            looked.add((step.tool, step.files))
        made.append(step)
    return made


def _is_wanted(step: DraftStep, wish: Wish) -> bool:
    """Whether no flag and no word says that it is not."""
    gate = step.tool.removeprefix(GATE) if step.tool.startswith(GATE) else ""
    if gate and wish.sources.get("gates") is Source.FLAG and gate not in wish.gates:
        return False
    unasked = wish.approval is When.NEVER and wish.sources.get("approval") is Source.FLAG
    return gate not in wish.omitted and not (unasked and step.tool.startswith(MANUAL))


def _with_flags(step: DraftStep, wish: Wish) -> DraftStep:
    if not is_writer(step) and step.tool != CODEGEN:
        return step
    if wish.agent and is_writer(step):
        step = replace(step, tool=f"{AGENT}{wish.agent}", files=())
    files = tuple(glob_of(target) for target in wish.files if target.there)
    if step.tool == CODEGEN and wish.sources.get("files") is Source.FLAG:
        step = replace(step, files=files)
    before = wish.approval is When.BEFORE and is_writer(step)
    return replace(step, model=wish.model, approval=step.approval or before)


def _with_repairs(steps: Sequence[DraftStep]) -> list[DraftStep]:
    """Each gate gives its findings to the nearest step before it that writes."""
    made, writer = [], ""
    for step in steps:
        writer = step.name if is_writer(step) else writer
        made.append(replace(step, repairs=_repaired(step, writer)))
    return made


def _repaired(step: DraftStep, writer: str) -> str:
    if not step.tool.startswith(GATE):
        return ""
    [like] = gate_steps([step.tool.removeprefix(GATE)], repairs=writer)
    return like.repairs


def _text(item: Mapping[str, JsonValue], key: str) -> str:
    value = item.get(key, "")
    return value if isinstance(value, str) else ""


def _texts(item: Mapping[str, JsonValue], key: str) -> list[str]:
    value = item.get(key, ())
    return [text for text in value if isinstance(text, str) and text] if isinstance(value, list | tuple) else []
