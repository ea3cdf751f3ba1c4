"""The handlers that are not built in, as a table and as JSON."""

from collections.abc import Sequence

from nofx_cli.cli.output import safe
from nofx_cli.domain.ids import JsonValue
from nofx_cli.wiring.plugins import PluginFound

_WORDS = {
    "asks": "asks a person",
    "writes": "writes files",
    "reconciles": "has effects, finds them after a crash",
    "rerun_safe": "runs again after a crash",
}


def rows(found: Sequence[PluginFound]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The cells of the table, and their colours."""
    cells: list[tuple[str, ...]] = [("PLUGIN", "HANDLER", "WHAT IT DOES BESIDES")]
    styles: list[tuple[str, ...]] = [("dim",) * 3]
    for one in found:
        where = f"{one.where}:{one.line}" if one.line else one.where
        words = f"cannot be loaded: {one.fault}" if one.fault else ", ".join(_WORDS[trait] for trait in one.traits)
        cells.append((safe(where), safe(one.handler), safe(words)))
        styles.append(("bold", "", "red" if one.fault else ""))
    return cells, styles


def as_json(found: Sequence[PluginFound]) -> list[JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return [
        {
            "where": one.where,
            "line": one.line or None,
            "handler": one.handler or None,
            "traits": list(one.traits),
            "fault": one.fault or None,
        }
        for one in found
    ]
