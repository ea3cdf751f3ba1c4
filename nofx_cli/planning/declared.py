"""Parameters as a plan declares them, and what values fit them."""

from collections.abc import Mapping, Sequence
from typing import Any

from nofx_cli.domain.ids import JsonValue
from nofx_cli.planning.nodes import Node
from nofx_cli.planning.report import Report, quoted
from nofx_cli.planning.structures import Entry

LABELS: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def fits(value: JsonValue, type_name: str) -> bool:
    """Whether a JSON value is of a parameter's type; a whole number is a number, too."""
    match type_name:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool)


def check_params(entries: Sequence[Entry], report: Report) -> None:
    """Tell defaults and choices that do not fit the type."""
    for entry in entries:
        _check_param(entry, report)


def _check_param(entry: Entry, report: Report) -> None:
    values: Mapping[str, Any] = entry.found.values
    nodes = entry.found.nodes
    if "type" in nodes and "type" not in values:
        return
    type_name = values.get("type", "string")
    for place, choice in enumerate(values.get("choices", ())):
        if not fits(choice, type_name):
            node = nodes["choices"].value[place]
            _tell(report, node, f"a choice of parameter {quoted(entry.name)} is not {LABELS[type_name]}")
    if "default" not in values:
        return
    default = values["default"]
    if values.get("required"):
        _tell(report, nodes["default"], f"parameter {quoted(entry.name)} is required, so its default is never used")
    elif not fits(default, type_name) and default is not None:
        _tell(report, nodes["default"], f"the default of parameter {quoted(entry.name)} is not {LABELS[type_name]}")
    elif "choices" in values and default not in values["choices"] and default is not None:
        _tell(report, nodes["default"], f"the default of parameter {quoted(entry.name)} is none of its choices")


def _tell(report: Report, node: Node, message: str) -> None:
    report.at_node("plan-bad-param", node, message)
