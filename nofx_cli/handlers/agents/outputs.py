"""What later steps see of an agent's work: paths and counts that nofx found out, and what the agent told of itself."""

from collections.abc import Iterator, Sequence

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.agents.changes.changed import Changes
from nofx_cli.handlers.agents.streams.told import Told

MOST_PATHS = 500
MOST_BYTES = 24 * 1024
"""Of the paths together; all outputs of a step have room for 64 KiB."""


def outputs_of(agent: str, told: Told, changes: Changes) -> JsonObject:
    """The outputs of a step. `changed_count` counts also the paths that are too many to be listed."""
    outputs: dict[str, JsonValue] = {
        "changed": tuple(_listed(changes.paths)),
        "changed_count": len(changes.paths),
        "insertions": changes.insertions,
        "deletions": changes.deletions,
        "usage": told.usage.as_json(told_by=agent),
    }
    if told.said:
        outputs["said"] = told.said
    if changes.moved:
        outputs |= {"commits": changes.commits, "head_before": changes.head_before, "head_after": changes.head_after}
    return outputs


def _listed(paths: Sequence[str]) -> Iterator[str]:
    room = MOST_BYTES
    for path in paths[:MOST_PATHS]:
        written = path.encode("utf-8", "backslashreplace").decode()
        room -= len(written.encode()) + 3
        if room < 0:
            return
        yield written
