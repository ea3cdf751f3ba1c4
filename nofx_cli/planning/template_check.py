"""Looks at the templates of a plan before anything runs. Imports Jinja.

Told are: syntax errors, statements, filters and names that templates do not have, parameters that are not declared,
steps that do not exist or have not ended when the template is filled in, and values inside quotes of a shell command.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nofx_cli.planning import sandbox
from nofx_cli.planning.needs import order_of, upstream_of
from nofx_cli.planning.nodes import Node
from nofx_cli.planning.reading import Found
from nofx_cli.planning.report import Report, quoted
from nofx_cli.planning.structures import Entry
from nofx_cli.planning.template_analysis import Analysis, Fault, analyse
from nofx_cli.planning.template_values import as_text
from nofx_cli.planning.templates import is_template, script_place


class Place(NamedTuple):
    """A template in the file: the step that it belongs to (None: the plan as a whole), and how it is read."""

    node: Node
    step: int | None
    is_expression: bool = False
    is_command: bool = False


def check_templates(found: Found, steps: Sequence[Entry], needs: Sequence[tuple[str, ...]], report: Report) -> None:
    """Tell the faults of every template in the plan. Each text is looked at once, however often it is there."""
    checker = _Checker(found, steps, report)
    for place in _places(found, steps):
        checker.check(place)
    checker.tell_not_upstream(needs)


class _Checker:
    def __init__(self, found: Found, steps: Sequence[Entry], report: Report) -> None:
        self._steps = steps
        self._report = report
        self._env = sandbox.environment(as_text)
        self._places = {step.name: place for place, step in reversed(list(enumerate(steps)))}
        self._seen: dict[tuple[str, bool, bool], Analysis] = {}
        self._asked: dict[int, dict[int, tuple[Place, tuple[str, ...]]]] = {}
        declared = found.values.get("params", [])
        self._params = [entry.name for entry in declared] if isinstance(declared, list) else []
        self._params_known = "params" in found.values or "params" not in found.nodes

    def check(self, place: Place) -> None:
        analysis = self._analysis(place)
        for fault in analysis.faults:
            self._tell(place, fault)
        for name, needles in analysis.params.items():
            if self._params_known and name not in self._params:
                hint = self._report.near(name, self._params)
                self._tell(place, Fault(f"the plan declares no parameter {quoted(name)}", needles, hint=hint))
        for name, needles in analysis.steps.items():
            self._check_step(place, name, needles)

    def tell_not_upstream(self, needs: Sequence[tuple[str, ...]]) -> None:
        """Tell the steps that a template names although they may not have ended when it is filled in."""
        if not self._asked:
            return
        order = order_of(needs, self._places)
        if order is None:
            return  # a cycle, told already
        above = [[self._places[name] for name in named] for named in needs]
        for step, target in upstream_of(self._asked, above, order):
            place, needles = self._asked[step][target]
            name, other = quoted(self._steps[step].name), quoted(self._steps[target].name)
            message = f"step {name} does not need {other}, so that may not have ended"
            self._tell(place, Fault(message, needles, hint=f"add {other} to its `needs`"))

    def _check_step(self, place: Place, name: str, needles: tuple[str, ...]) -> None:
        target = self._places.get(name)
        if target is None:
            dashed = next((other for other in self._places if other.startswith(f"{name}-")), "")
            hint = f"write steps['{dashed}']" if dashed else self._report.near(name, self._places)
            self._tell(place, Fault(f"there is no step {quoted(name)}", needles, hint=hint))
        elif place.step is None:
            message = "`env` of the plan is filled in for every step, also before others have ended"
            self._tell(place, Fault(message, needles, hint="give it to the steps that need it"))
        elif target == place.step:
            self._tell(place, Fault(f"step {quoted(name)} cannot see its own outputs", needles))
        else:
            self._asked.setdefault(place.step, {}).setdefault(target, (place, needles))

    def _analysis(self, place: Place) -> Analysis:
        key = (place.node.value, place.is_expression, place.is_command)
        if key not in self._seen:
            self._seen[key] = analyse(self._env, *key)
        return self._seen[key]

    def _tell(self, place: Place, fault: Fault) -> None:
        self._report.at_text(
            fault.code, place.node, fault.message, needles=fault.needles, nth=fault.nth, hint=fault.hint
        )


def _places(found: Found, steps: Sequence[Entry]) -> Iterator[Place]:
    for node in _texts(found.nodes.get("env")):
        yield Place(node, None)
    for number, step in enumerate(steps):
        nodes_by_name = step.found.nodes
        for node in _texts(nodes_by_name.get("env")):
            yield Place(node, number)
        when = step.found.values.get("when")
        if isinstance(when, str) and when not in ("success", "failure", "always"):
            yield Place(nodes_by_name["when"], number, is_expression=True)
        inputs = nodes_by_name.get("inputs")
        is_shell = step.found.values.get("tool") == "shell" and inputs is not None and inputs.id == "mapping"
        commands = _commands(inputs) if inputs is not None and is_shell else ()
        for node in _texts(inputs):
            yield Place(node, number, is_command=any(node is command for command in commands))


def _texts(node: Node | None) -> Iterator[Node]:
    """The templates in a value, in order; no deeper than YAML may nest."""
    if node is None:
        return
    if node.id == "scalar":
        if is_template(node.value):
            yield node
    elif node.id == "sequence":
        for item in node.value:
            yield from _texts(item)
    else:
        for _, value in node.value:
            yield from _texts(value)


def _commands(inputs: Node) -> tuple[Node, ...]:
    """The texts for a shell in the inputs of a `shell` step."""
    command = next((value for key, value in inputs.value if key.value == "command"), None)
    if command is None:
        return ()
    if command.id == "scalar":
        return (command,)
    if command.id != "sequence":
        return ()
    script = script_place([item.value if item.id == "scalar" else "" for item in command.value])
    return () if script is None else (command.value[script],)
