"""Whether each step's tool exists, and takes its inputs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.plan import AGENT, GATE, Severity, Step
from nofx_cli.planning.nodes import Node
from nofx_cli.planning.report import Report, did_you_mean, quoted
from nofx_cli.planning.structures import Entry
from nofx_cli.ports.handler import Handlers

_DECLARED = {
    GATE: "declare it below `gates:` in nofx.yaml",
    AGENT: "declare its command below `agents:` in nofx.yaml",
}
_WITH_SETTINGS = (GATE, AGENT, "http")
"""Tools whose handlers may have a severity or a time limit of their own."""

Check = Callable[[JsonObject], list[str]]


class _Tool:
    """What is known of a tool: its fault (a code, a message and a hint), or how its inputs are checked."""

    def __init__(self, fault: tuple[str, str, str] | None = None, check: Check | None = None) -> None:
        self.fault, self.check = fault, check


def check_tools(steps: Sequence[Entry], handlers: Handlers, report: Report) -> None:
    """Tell tools that do not exist, and inputs that a handler does not take. Asks for each tool once."""
    known: dict[str, _Tool] = {}
    for step in steps:
        name = step.found.values.get("tool")
        if not isinstance(name, str):
            continue
        tool = known.get(name)
        if tool is None:
            tool = known[name] = _look_up(name, handlers)
        if tool.fault:
            code, message, hint = tool.fault
            report.at_node(code, step.found.nodes["tool"], message, hint=hint)
        elif tool.check:
            _check_inputs(step, tool.check, report)


def with_defaults(steps: Sequence[Step], entries: Sequence[Entry], handlers: Handlers) -> tuple[Step, ...]:
    """The steps with what settings of gates and agents say, and what tools have by default, where they do not say."""
    return tuple(
        _with_settings(step, entry.found.nodes, handlers) if step.tool.startswith(_WITH_SETTINGS) else step
        for step, entry in zip(steps, entries, strict=True)
    )


def _with_settings(step: Step, said: Mapping[str, Node], handlers: Handlers) -> Step:
    handler = handlers.find(step.tool)
    severity, timeout_ms = getattr(handler, "default_severity", ""), getattr(handler, "default_timeout_ms", None)
    if severity and "severity" not in said:
        step = replace(step, severity=Severity(severity))
    return step if timeout_ms is None or "timeout" in said else replace(step, timeout_ms=timeout_ms)


def _look_up(name: str, handlers: Handlers) -> _Tool:
    try:
        handler = handlers.find(name)
    except errors.InvalidInput as exc:
        message = f"tool {quoted(name)} comes from a plugin that is broken: {_one_line(exc.message)}"
        return _Tool(("plan-plugin-broken", message, exc.hint))
    if handler is not None:
        return _Tool(check=getattr(handler, "check", None))
    hint = _near(name, handlers.patterns())
    for family, declare in _DECLARED.items():
        if name.startswith(family):
            hint = f"{hint} Or {declare}" if hint else declare
    there_are = f"there are {', '.join(map(quoted, handlers.patterns()))}"
    return _Tool(("plan-unknown-tool", f"there is no tool {quoted(name)}", hint or there_are))


def _near(name: str, patterns: Sequence[str]) -> str:
    """Of a pattern such as `manual:*`, only the part before the star is compared; what comes after it is kept."""
    exact = [pattern for pattern in patterns if "*" not in pattern]
    family, _, rest = name.partition(":")
    families = {pattern.partition(":")[0] for pattern in patterns if pattern.endswith(":*")}
    return did_you_mean(name, exact) or did_you_mean(family, families).replace("`?", f":{rest or '…'}`?")


def _check_inputs(step: Entry, check: Check, report: Report) -> None:
    inputs = step.found.values.get("inputs", {})
    if "inputs" in step.found.nodes and "inputs" not in step.found.values:
        return
    try:
        faults = check(inputs)  # type: ignore[arg-type]  # the kind of `inputs` reads a mapping
    except Exception as exc:  # noqa: BLE001 - a plugin's check may raise anything; it breaks only the steps that use it
        message = f"tool {quoted(str(step.found.values['tool']))} cannot check its inputs: {_one_line(repr(exc))}"
        report.at_node("plan-plugin-broken", step.found.nodes["tool"], message)
        return
    for fault in faults:
        report.at_node("plan-bad-inputs", _place_of(fault, step), f"step {quoted(step.name)}: {_one_line(fault)}")


def _place_of(fault: str, step: Entry) -> Node:
    """The first input that the message names in backticks; else the inputs, else the tool."""
    inputs = step.found.nodes.get("inputs")
    if inputs is None:
        return step.found.nodes["tool"]
    named = {word.partition("[")[0].partition(".")[0] for word in fault.split("`")[1::2]}
    return next((key for key in _keys(inputs) if key.value in named), inputs)


def _keys(node: Node) -> Iterator[Node]:
    return (key for key, _ in node.value) if node.id == "mapping" else iter(())


def _one_line(text: str) -> str:
    return " ".join(text.split())
