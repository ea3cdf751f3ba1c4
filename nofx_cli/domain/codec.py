"""The journal's bytes: one line of JSON an event, chained by `prev`, batches marked by `more`.

`{"v":1,"seq":n,"at":…,"type":…,"run":…,"step":…,"attempt":…,"actor":{…},"data":{…},"prev":…}`

- `prev` is the SHA-256 of the line before (without its newline); of the first line, 64 zeros.
- `more` stands only on lines of a batch that are not its last: how many lines of the batch follow. A journal
  whose last whole line says that more follow was cut off in the middle of a batch: that batch was never committed.
- `step` and `attempt` are absent on events of the run as a whole.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from nofx_cli.domain.events import EVENT_VERSION, Actor, Draft, Event, type_of
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.domain.payload_data import data_of, payload_of
from nofx_cli.domain.record import record

GENESIS = "0" * 64

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=dict).encode


Mask: TypeAlias = Callable[[str], str]
"""Takes secrets out of a text; works on JSON text too."""


class DamagedLine(ValueError):
    """A line that is no event."""


@record
class Head:
    """The end of a journal: the last sequence number and the digest of the last line (0 and zeros when empty)."""

    seq: int = 0
    digest: str = GENESIS


def encode_batch(
    drafts: Sequence[Draft], *, run: RunId, head: Head, at: str, actor: Actor, mask: Mask | None = None
) -> tuple[list[Event], Head]:
    """Give each draft its place after `head` and its line, masked. Returns the events and the new head."""
    events: list[Event] = []
    prev = head.digest
    who = {"kind": actor.kind, "id": actor.id}
    left = len(drafts)
    for seq, draft in enumerate(drafts, head.seq + 1):
        left -= 1
        record: dict[str, Any] = {"v": EVENT_VERSION, "seq": seq, "at": at, "type": type_of(draft.payload), "run": run}
        if draft.step is not None:
            record["step"] = draft.step
        if draft.attempt is not None:
            record["attempt"] = draft.attempt
        record["actor"] = who
        record["data"] = data_of(draft.payload)
        record["prev"] = prev
        if left:
            record["more"] = left
        text = _dumps(record)
        masked = text if mask is None else mask(text)
        line = masked.encode("utf-8", "backslashreplace")
        if masked == text:
            events.append(Event(seq, at, run, draft.step, draft.attempt, actor, draft.payload, prev, line))
        else:
            events.append(decode_line(line))
        prev = digest_of_bytes(line)
    return events, Head(head.seq + len(drafts), prev)


def decode_line(line: bytes) -> Event:
    """Read one line.

    Raises:
        DamagedLine: it is no JSON object with the fields of an event.
    """
    try:
        record = json.loads(line)
        _check_types(record)
        actor = record["actor"]
        return Event(
            seq=record["seq"],
            at=record["at"],
            run=record["run"],
            step=record.get("step"),
            attempt=record.get("attempt"),
            actor=Actor(actor["kind"], actor["id"]),
            payload=payload_of(record["type"], record["data"]),
            prev=record["prev"],
            line=line,
            v=record["v"],
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise DamagedLine(f"not an event: {exc}") from exc


def _check_types(record: Any) -> None:
    for name in ("at", "type", "run", "prev"):
        if not isinstance(record[name], str):
            raise TypeError(f"`{name}` is no text")
    if not isinstance(record.get("step"), str | None):
        raise TypeError("`step` is no text")
    if not isinstance(record["seq"], int) or not isinstance(record.get("attempt"), int | None):
        raise TypeError("`seq` or `attempt` is no number")


def lines_that_follow(line: bytes) -> int:
    """How many lines of the same batch come after this one."""
    if b'"more":' not in line:
        return 0
    try:
        more = json.loads(line).get("more", 0)
    except (ValueError, AttributeError):
        return 0
    return more if isinstance(more, int) else 0


def whole_batches(data: bytes) -> int:
    """How many bytes of `data`, which begins at a batch's start, are whole batches; the rest is a torn tail."""
    end = data.rfind(b"\n") + 1
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        line = data[start : end - 1]
        if _could_be_an_event(line) and not lines_that_follow(line):
            return end
        end = start
    return 0


def _could_be_an_event(line: bytes) -> bool:
    """Tell a line of JSON from what a power loss leaves: blocks of zeros, or of another file."""
    return line.startswith(b"{") and line.endswith(b"}") and b"\0" not in line
