"""The events of a run that tell of models, without reading the others: most runs have none."""

from nofx_cli.domain.codec import DamagedLine, decode_line, whole_batches
from nofx_cli.domain.events import Event, LlmRequested, LlmResponded
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.journal import RunStore

_MARK = b'"type":"llm.'
_HEAD = 160
"""The type of an event stands among so many bytes of its line's beginning."""


def model_events(store: RunStore, run: RunId) -> list[Event]:
    """What a run asked and was answered. The chain is not checked: that is for `verify`.

    Raises:
        errors.NotFound: there is no such run.
        DamagedLine: one of these events cannot be read.
    """
    lines = list(store.lines(run))
    if not any(_MARK in line[:_HEAD] for line in lines):
        return []
    data = b"\n".join(lines) + b"\n"
    committed = data[: whole_batches(data)].split(b"\n")[:-1]
    events = [decode_line(line) for line in committed if _MARK in line[:_HEAD]]
    if any(not isinstance(event.payload, LlmRequested | LlmResponded) for event in events):
        raise DamagedLine("an event tells of a call in a way that is not known here")
    return events
