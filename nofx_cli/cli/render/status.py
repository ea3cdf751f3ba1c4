"""How statuses and verdicts are coloured, the same in every view."""

from collections.abc import Mapping

from nofx_cli.engine.list_runs import INTERRUPTED

STYLES: Mapping[str, str] = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "red",
    "waiting": "yellow",
    INTERRUPTED: "magenta",
    "running": "cyan",
    "queued": "cyan",
    "damaged": "red",
    "skipped": "dim",
    "pending": "dim",
    "passed": "green",
    "errored": "red",
    "timed_out": "red",
    "vacuous": "yellow",
}


def style_of(status: str) -> str:
    """The colour of a status or verdict; empty where it has none."""
    return STYLES.get(status, "")
