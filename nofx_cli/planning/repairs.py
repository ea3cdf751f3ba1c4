"""Whether what a gate gives its findings back to can do something with them."""

from collections.abc import Iterator, Mapping, Sequence

from nofx_cli.domain.plan import GATE
from nofx_cli.planning.needs import order_of, upstream_of
from nofx_cli.planning.nodes import Node
from nofx_cli.planning.reading import Found
from nofx_cli.planning.report import Report, quoted
from nofx_cli.planning.structures import Entry

_CODE = "plan-bad-repair"


def check_repairs(
    steps: Sequence[Entry], needs: Sequence[tuple[str, ...]], places: Mapping[str, int], report: Report
) -> None:
    """Tell every `repair` that stands at no gate, or names a step that the gate does not rest on."""
    asked: dict[int, dict[int, Node]] = {}
    for place, step in enumerate(steps):
        if "repair" not in step.found.nodes:
            continue
        for node, target in _targets(step, steps, places, report):
            asked[place] = {target: node}
    order = order_of(needs, places) if asked else None
    if order is None:
        return  # none is left to look at; or a cycle, told already
    above = [[places[name] for name in named] for named in needs]
    for place, target in upstream_of(asked, above, order):
        gate, other = quoted(steps[place].name), quoted(steps[target].name)
        message = f"gate {gate} does not need {other}, so doing that again would not change what it finds"
        report.at_node(_CODE, asked[place][target], message, hint="name one that it needs, directly or through others")


def _targets(
    step: Entry, steps: Sequence[Entry], places: Mapping[str, int], report: Report
) -> Iterator[tuple[Node, int]]:
    """The step that a `repair` names, where that can be one, with the place of its name."""
    found = step.found.values.get("repair")
    tool = step.found.values.get("tool")
    if isinstance(tool, str) and not tool.startswith(GATE):
        message = f"`repair` is for gates; step {quoted(step.name)} uses {quoted(tool)}"
        report.at_node(_CODE, step.found.nodes["repair"], message, hint="`retry` tries a step again by itself")
        return
    if not isinstance(found, Found) or "step" not in found.values:
        return
    name, node = str(found.values["step"]), found.nodes["step"]
    if name == step.name:
        message = f"gate {quoted(name)} cannot repair what it finds itself"
        report.at_node(_CODE, node, message, hint="name the step whose work it judges")
    elif name not in places:
        message = f"gate {quoted(step.name)} gives its findings to {quoted(name)}, which is no step"
        report.at_node(_CODE, node, message, hint=report.near(name, places))
    elif str(steps[places[name]].found.values.get("tool", "")).startswith(GATE):
        message = (
            f"gate {quoted(step.name)} gives its findings to {quoted(name)}, which is a gate too and mends nothing"
        )
        report.at_node(_CODE, node, message, hint="name the step whose work it judges")
    else:
        yield node, places[name]
