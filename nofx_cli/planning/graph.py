"""The graph of a plan as text for a terminal, as Mermaid, and as DOT."""

from collections.abc import Iterator, Mapping

from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan, Step, When


def as_text(plan: Plan) -> str:
    """Level by level: what stands in one level waits only for levels above it, and runs side by side."""
    levels = _levels(plan)
    width = max(len(step.name) for step in plan.steps)
    tool_width = max(len(step.tool) for step in plan.steps)
    lines: list[str] = []
    by_level: list[list[Step]] = [[] for _ in range(max(levels.values()) + 1)]
    for step in plan.steps:
        by_level[levels[step.name]].append(step)
    for number, members in enumerate(by_level):
        for place, step in enumerate(members):
            branch = "─" if len(members) == 1 else "┌" if place == 0 else "└" if place == len(members) - 1 else "├"
            head = f"{number + 1:>3} {branch} " if place == 0 else f"    {branch} "
            line = f"{head}{step.name:<{width}}  {step.tool:<{tool_width}}  {_remarks(step)}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def as_mermaid(plan: Plan) -> str:
    """A `flowchart` for Markdown."""
    lines = ["flowchart TD"]
    for place, step in enumerate(plan.steps):
        label = _mermaid_text(f"{step.name}\n{step.tool}")
        lines.append(f'  s{place}("{label}")' if step.approval or _is_manual(step) else f'  s{place}["{label}"]')
    for step in plan.steps:
        for need in step.needs:
            when = f"|{_mermaid_text(step.when)}| " if step.when != When.SUCCESS else ""
            lines.append(f"  s{plan.index[need]} -->{when or ' '}s{plan.index[step.name]}")
    return "\n".join(lines)


def as_dot(plan: Plan) -> str:
    """A `digraph` for Graphviz."""
    lines = ["digraph plan {", "  node [shape=box];"]
    for step in plan.steps:
        shape = ", style=rounded" if step.approval or _is_manual(step) else ""
        label = _dot_text("\n".join((step.name, step.tool)))
        lines.append(f"  {_dot_text(step.name)} [label={label}{shape}];")
    for step in plan.steps:
        label = f" [label={_dot_text(step.when)}]" if step.when != When.SUCCESS else ""
        lines.extend(f"  {_dot_text(need)} -> {_dot_text(step.name)}{label};" for need in step.needs)
    return "\n".join([*lines, "}"])


def _levels(plan: Plan) -> Mapping[StepName, int]:
    """How many steps are above each one on its longest way up."""
    levels: dict[StepName, int] = {}
    open_needs = {step.name: len(step.needs) for step in plan.steps}
    free = [step.name for step in plan.steps if not step.needs]
    while free:
        name = free.pop()
        levels[name] = max((levels[need] + 1 for need in plan.step(name).needs), default=0)
        for dependant in plan.dependants[name]:
            open_needs[dependant] -= 1
            if open_needs[dependant] == 0:
                free.append(dependant)
    return levels


def _remarks(step: Step) -> str:
    return "  ".join(_remarks_of(step))


def _remarks_of(step: Step) -> Iterator[str]:
    if step.needs:
        yield f"← {', '.join(step.needs)}"
    if step.when != When.SUCCESS:
        yield f"when {step.when}"
    if step.approval:
        yield "asks first"
    if not step.blocks:
        yield "never blocks"


def _is_manual(step: Step) -> bool:
    return step.tool.startswith("manual:")


def _mermaid_text(text: str) -> str:
    """Text inside quotes: what Mermaid or HTML would read otherwise becomes an entity."""
    escaped = "".join(f"#{ord(char)};" if char in '"#<>&|`' else char for char in text)
    return escaped.replace("\n", "<br/>")


def _dot_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
