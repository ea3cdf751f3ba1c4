"""Read, check and build a plan."""

import gc
from collections.abc import Mapping, Sequence

from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.plan import GATE, Plan, WorkspaceMode
from nofx_cli.planning.build import build_plan, build_steps, workspace_of
from nofx_cli.planning.declared import check_params
from nofx_cli.planning.document import compose
from nofx_cli.planning.fields import PLAN
from nofx_cli.planning.needs import connect
from nofx_cli.planning.reading import Found, Reading, describe
from nofx_cli.planning.repairs import check_repairs
from nofx_cli.planning.report import Report, quoted
from nofx_cli.planning.structures import Entry
from nofx_cli.planning.tools import check_tools, with_defaults
from nofx_cli.ports.handler import Handlers

VERSION = 1


def load_plan(text: str, *, source: str, handlers: Handlers) -> Plan:
    """Read and check the text of a plan; time is linear in its length.

    Args:
        source: what the text is called in messages, such as its path.

    Raises:
        PlanInvalid: it has faults; all of them are told, unless it is no YAML: then the first.
    """
    was_enabled = gc.isenabled()
    gc.disable()  # nodes and steps are many and hold no cycles: looking for some takes longer than making all of them
    try:
        return _load(text, source, handlers)
    finally:
        if was_enabled:
            gc.enable()


def _load(text: str, source: str, handlers: Handlers) -> Plan:
    report = Report(source, text)
    root = compose(text, report)
    if root.id != "mapping":
        report.at_node("plan-bad-type", root, f"a plan is a mapping with `steps:`, not {describe(root)}")
        report.stop_if_any()
    reading = Reading(report)
    found = reading.fields(root, PLAN, str) or Found()
    entries = _entries(found, "steps")
    places = _name_steps(entries, report)
    needs = connect(entries, places, report)
    check_repairs(entries, needs, places, report)
    check_tools(entries, handlers, report)
    check_params(_entries(found, "params"), report)
    _check_meaning(found, entries, report)
    if reading.saw_template:
        from nofx_cli.planning.template_check import check_templates

        check_templates(found, entries, needs, report)
    report.stop_if_any()
    steps = with_defaults(build_steps(entries, needs, plan=found, source=source), entries, handlers)
    return build_plan(found, steps, digest=digest_of_bytes(text.encode()), source=source)


def _entries(found: Found, name: str) -> list[Entry]:
    value = found.values.get(name, [])
    return value if isinstance(value, list) else []


def _name_steps(entries: Sequence[Entry], report: Report) -> Mapping[str, int]:
    """Give each entry its name, also one that is badly formed, and tell names that are there already."""
    places: dict[str, int] = {}
    spellings: dict[str, str] = {}
    for place, entry in enumerate(entries):
        node = entry.found.nodes.get("name")
        if node is None or node.id != "scalar" or not node.value:
            continue
        name = entry.name = str(node.value)
        twin = spellings.setdefault(name.lower(), name)
        if name in places:
            first = entries[places[name]].found.nodes["name"].start_mark.line + 1
            report.at_node("plan-duplicate-step", node, f"there is a step {quoted(name)} already, in line {first}")
        elif twin != name:
            message = f"step {quoted(name)} differs from {quoted(twin)} only in case"
            report.at_node("plan-duplicate-step", node, message, hint="their files would be the same on macOS")
        places.setdefault(name, place)
    return places


def _check_meaning(found: Found, entries: Sequence[Entry], report: Report) -> None:
    """What no single field can tell."""
    version = found.values.get("version", VERSION)
    if version != VERSION:
        message = f"version {version} was written for a newer nofx; this one reads version {VERSION}"
        report.at_node("plan-bad-value", found.nodes["version"], message)
    for entry in entries:
        values = entry.found.values
        _check_once(entry, "tools", report)
        _check_once(entry, "env", report)
        if "workspace" in values:
            _check_workspace(entry, found, report)
        if "severity" in values and not str(values.get("tool", GATE)).startswith(GATE):
            message = f"`severity` is for gates; step {quoted(entry.name)} uses {quoted(str(values['tool']))}"
            hint = "`continue_on_error: true` lets others go on"
            report.at_node("plan-bad-value", entry.found.nodes["severity"], message, hint=hint)


def _check_workspace(entry: Entry, plan: Found, report: Report) -> None:
    """A run has one workspace: a step can only repeat what the plan says."""
    mode, of_plan = workspace_of(entry.found.values["workspace"]), workspace_of(plan.values.get("workspace"))
    if mode in (WorkspaceMode.AUTO, of_plan):
        return
    message = f"step {quoted(entry.name)} cannot have a workspace of its own: all steps of a run work in the same one"
    hint = f"write `workspace: {mode}` at the top of the plan"
    report.at_node("plan-bad-value", entry.found.nodes["workspace"], message, hint=hint)


def _check_once(entry: Entry, aspect: str, report: Report) -> None:
    """`tools_allowed` is a shorter way to write `policy.tools.allow`: only one of them may be there."""
    policy, short = entry.found.values.get("policy"), f"{aspect}_allowed"
    rules = policy.values.get(aspect) if isinstance(policy, Found) else None
    if short in entry.found.values and isinstance(rules, Found) and "allow" in rules.values:
        message = f"{quoted(short)} is another way to write `policy.{aspect}.allow`, which is there too"
        report.at_node("plan-duplicate-key", entry.found.nodes[short], message)
