"""A draft as the text of a plan: readable, with comments, the same for the same draft.

Nothing that people or models said can become YAML or a template: texts stand in double quotes with every character
escaped that could end them, and a text that looks like a template becomes a parameter, whose value is never filled in.
"""

import json
import re
from collections.abc import Iterator

from nofx_cli.domain.plan import GATE
from nofx_cli.domain.wording import shortened
from nofx_cli.planning.prompt_draft import AGENT, CODEGEN, MANUAL, TASK, Draft, DraftStep
from nofx_cli.planning.templates import is_template

MOST_CALLS, MOST_TOKENS = 20, 1_000_000
"""What a plan from a sentence may take of models: with the prices they bound what it costs."""
_WALL, _WALL_OF_AGENTS = "30m", "1h"
_HEAD = """\
# yaml-language-server: $schema=plan.schema.json
#
# Made from a sentence, by {by}; it is yours to change. A step without `needs` follows the step above it.
# For editors: `nofx plan schema > plan.schema.json` in the folder of this file.
version: 1
"""
_LONGEST_GOAL = 100
_PART = "\n\nThis step is to do this part of it: "
_NOT_KEPT = r"[\r\0]"
"""What a template would not give back as it is: line ends of other systems, the signs of comments."""


def plan_text(draft: Draft) -> str:
    """The plan."""
    params = _Params()
    steps = "\n".join(_step_lines(step, params) for step in draft.steps)
    lines = [_HEAD.format(by=" ".join(draft.by.split())) + f"goal: {yaml_text(_goal(draft.task))}"]
    if any(step.in_task or (step.filled and step.text == TASK) for step in draft.steps):
        params.first("task", "what is to be done", draft.task)
    lines += [*params.lines(), *_budget_lines(draft), "steps:", steps]
    return "\n".join(lines) + "\n"


def yaml_text(text: str) -> str:
    """A text in double quotes, on one line; what cannot be printed is escaped."""
    return re.sub(r"[^\x20-\x7e]", _escaped, json.dumps(text, ensure_ascii=False))


class _Params:
    """The parameters of the plan: texts that must not be read as templates."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}

    def first(self, name: str, description: str, value: str) -> None:
        self._found = {name: (description, value), **self._found}

    def literal(self, text: str, step: str, field: str, *, in_template: bool = False) -> str:
        """The text itself, or a template that gives it; also where it is a part of one."""
        if not (is_template(text) or (in_template and re.search(_NOT_KEPT, text))):
            return text
        name = re.sub(r"\W", "_", f"{step}_{field}"[:60])
        while name in (*self._found, "task"):
            name += "_"
        self._found[name] = (f"{field} of the step {step}", text)
        return f"{{{{ params.{name} }}}}"

    def lines(self) -> Iterator[str]:
        if self._found:
            yield "params:"
        for name, (description, value) in self._found.items():
            yield f"  {name}:\n    description: {yaml_text(description)}\n    default: {yaml_text(value)}"


def _goal(task: str) -> str:
    """The sentence in a line; the goal of a plan is no template, and may not look like one."""
    goal = shortened(" ".join(task.split()), _LONGEST_GOAL)
    return re.sub(r"\{(?=[{%])", "{ ", goal)


def _escaped(found: "re.Match[str]") -> str:
    char = found[0]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _budget_lines(draft: Draft) -> Iterator[str]:
    limits = [f"usd: {draft.budget}"] if draft.budget else []
    if any(step.tool == CODEGEN for step in draft.steps):
        limits += [f"calls: {MOST_CALLS}", f"tokens: {MOST_TOKENS}", f"wall: {_WALL}"]
    elif any(step.tool.startswith(AGENT) for step in draft.steps):
        limits.append(f"wall: {_WALL_OF_AGENTS}")
    if limits:
        yield "# At a limit the run waits for a person, who may raise it."
        yield f"budget: {{{', '.join(limits)}}}"


def _step_lines(step: DraftStep, params: _Params) -> str:
    lines = [f"  # {step.why}"] if step.why else []
    lines += [f"  - name: {step.name}", f"    tool: {yaml_text(step.tool) if ':' in step.tool else step.tool}"]
    inputs = list(_inputs(step, params))
    if len(inputs) == 1 and inputs[0].startswith(("optional", "paths", "command")):
        lines.append(f"    inputs: {{{inputs[0]}}}")
    elif inputs:
        lines += ["    inputs:", *(f"      {line}" for line in inputs)]
    if step.approval:
        lines.append("    approval: required")
    if step.repairs:
        lines.append(f"    repair: {{step: {step.repairs}, attempts: 3}}")
    return "\n".join(lines)


def _inputs(step: DraftStep, params: _Params) -> Iterator[str]:
    """The inputs, a line each."""
    files = [yaml_text(params.literal(path, step.name, "file")) for path in step.files]
    if step.tool == CODEGEN or step.tool.startswith(AGENT):
        yield from _working_inputs(step, files, params)
    elif step.tool.startswith(MANUAL):
        text = step.text if step.filled else params.literal(step.text, step.name, "text")
        yield f"message: {yaml_text(text)}"
    elif step.tool.startswith(GATE):
        yield from (["optional: true"] if step.optional else [])
        yield from ([f"paths: [{', '.join(files)}]"] if files else [])
    elif step.command:
        words = [yaml_text(params.literal(word, step.name, "word")) for word in step.command]
        yield f"command: [{', '.join(words)}]"


def _working_inputs(step: DraftStep, files: list[str], params: _Params) -> Iterator[str]:
    text = step.text if step.filled else params.literal(step.text, step.name, "text", in_template=step.in_task)
    yield f"prompt: {yaml_text(f'{TASK}{_PART}{text}' if step.in_task else text)}"
    if step.model:
        yield f"model: {yaml_text(params.literal(step.model, step.name, 'model'))}"
    if step.tool == CODEGEN and files:
        yield f"files: [{', '.join(files)}]"
    if step.tool == CODEGEN and step.apply:
        yield "apply: true"
