"""Who needs whom: defaults, names that do not exist, and cycles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nofx_cli.planning.nodes import Node
from nofx_cli.planning.report import Report, quoted
from nofx_cli.planning.structures import Entry

_LONGEST_CYCLE = 8
_TARGETS_AT_ONCE = 1024


def connect(steps: Sequence[Entry], places: Mapping[str, int], report: Report) -> list[tuple[str, ...]]:
    """The needs of each step, in the order of `steps`; those that have a fault are told and left out.

    Args:
        places: the place of each name in `steps`.
    """
    needs: list[tuple[str, ...]] = []
    points_forward = False
    above = ""
    for place, step in enumerate(steps):
        if "needs" in step.found.nodes:
            named = tuple(_known(step, places, report))
            points_forward = points_forward or any(places[name] >= place for name in named)
        else:
            named = (above,) if above else ()
        needs.append(named)
        above = step.name
    if points_forward:
        _tell_cycles(steps, needs, places, report)
    return needs


def order_of(needs: Sequence[tuple[str, ...]], places: Mapping[str, int]) -> list[int] | None:
    """The steps as places, each after what it needs; None where they need each other."""
    left = [len(named) for named in needs]
    dependants: list[list[int]] = [[] for _ in needs]
    for step, named in enumerate(needs):
        for name in named:
            dependants[places[name]].append(step)
    order = [step for step, count in enumerate(left) if count == 0]
    for step in order:
        for dependant in dependants[step]:
            left[dependant] -= 1
            if left[dependant] == 0:
                order.append(dependant)
    return order if len(order) == len(needs) else None


def upstream_of(
    wanted: Mapping[int, Iterable[int]], needs: Sequence[Sequence[int]], order: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Of the pairs (step, target) in `wanted`, those whose step does not need the target, not even through others.

    Steps are places; `order` has every step after what it needs. Looks at a thousand targets in one pass, each a
    bit, so that time and memory stay linear for the plans that people and programs write.
    """
    targets = sorted({target for found in wanted.values() for target in found})
    for first in range(0, len(targets), _TARGETS_AT_ONCE):
        bits = {target: 1 << bit for bit, target in enumerate(targets[first : first + _TARGETS_AT_ONCE])}
        above = [0] * len(needs)
        for step in order:
            for need in needs[step]:
                above[step] |= above[need] | bits.get(need, 0)
        for step, found in wanted.items():
            for target in found:
                if target in bits and not above[step] & bits[target]:
                    yield step, target


def _known(step: Entry, places: Mapping[str, int], report: Report) -> Iterator[str]:
    seen: set[str] = set()
    for node in _items(step.found.nodes["needs"]):
        name = node.value
        if name in seen:
            report.at_node("plan-bad-value", node, f"step {quoted(step.name)} needs {quoted(name)} twice")
        elif name in places:
            seen.add(name)
            yield name
        else:
            hint = report.near(name, places)
            report.at_node(
                "plan-unknown-need", node, f"step {quoted(step.name)} needs {quoted(name)}, which is no step", hint=hint
            )


def _items(node: Node) -> list[Node]:
    """The names in a list; what is no text has been told already."""
    if node.id != "sequence":
        return []
    return [item for item in node.value if item.id == "scalar" and item.tag.endswith(":str")]


def _tell_cycles(
    steps: Sequence[Entry], needs: Sequence[tuple[str, ...]], places: Mapping[str, int], report: Report
) -> None:
    """Walk up from each step; a need that is on the way closes a cycle. A step is told in one cycle at most."""
    done = [False] * len(steps)
    way: list[int] = []
    on_way: dict[int, int] = {}
    told: set[int] = set()
    for start in range(len(steps)):
        if done[start]:
            continue
        rest = [_enter(start, way, on_way, needs)]
        while rest:
            name = next(rest[-1], None)
            if name is None:
                rest.pop()
                left = way.pop()
                del on_way[left]
                done[left] = True
                continue
            need = places[name]
            if need in on_way:
                cycle = way[on_way[need] :]
                if told.isdisjoint(cycle):
                    told.update(cycle)
                    _tell_cycle(steps, cycle, report)
            elif not done[need]:
                rest.append(_enter(need, way, on_way, needs))


def _enter(place: int, way: list[int], on_way: dict[int, int], needs: Sequence[tuple[str, ...]]) -> Iterator[str]:
    on_way[place] = len(way)
    way.append(place)
    return iter(needs[place])


def _tell_cycle(steps: Sequence[Entry], cycle: list[int], report: Report) -> None:
    """Told at the last step of the cycle that names its need, in the words of the first: a needs b needs a."""
    names = [steps[place].name for place in cycle]
    shown = names if len(names) <= _LONGEST_CYCLE else [*names[:4], f"({len(names) - 6} more)", *names[-2:]]
    message = f"steps need each other: {' → '.join([*shown, names[0]])}"
    last = steps[cycle[-1]]
    if "needs" in last.found.nodes:
        node = next(item for item in _items(last.found.nodes["needs"]) if item.value == names[0])
        report.at_node("plan-need-cycle", node, message)
    else:
        message += f"; {quoted(last.name)} needs the step above it"
        report.at_node("plan-need-cycle", last.found.nodes["name"], message, hint="write `needs: []` for none")
