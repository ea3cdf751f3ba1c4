"""The journal's bytes: one line of JSON an event, chained by `prev`, batches marked by `more`.

`{"v":1,"seq":n,"at":…,"type":…,"run":…,"step":…,"attempt":…,"actor":{…},"data":{…},"prev":…}`

- `prev` is the SHA-256 of the line before (without its newline); of the first line, 64 zeros.
- `more` stands only on lines of a batch that are not its last: how many lines of the batch follow. A journal
  whose last whole line says that more follow was cut off in the middle of a batch: that batch was never committed.
- `step` and `attempt` are absent on events of the run as a whole.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from nofx_cli.domain.events import EVENT_VERSION, Actor, Draft, Event, SkipReason, type_of
from nofx_cli.domain.ids import RunId, digest_of_bytes
from nofx_cli.domain.payload_data import data_of, payload_of
from nofx_cli.domain.record import record

GENESIS = "0" * 64

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=dict).encode


_RECORDS = frozenset({"error", "workspace"})
_FINDS_THINGS = frozenset(
    {"plan_digest", "inputs_digest", "digest", "shown", "found", "rules", "path", "step", "steps", "worker", "commit"}
)
"""What nofx finds runs, steps and files again by. It is made by nofx, or was held against the secrets beforehand; short
words in it that are also somebody's password (`postgres`) stay, for nothing would be found again without them."""

Mask: TypeAlias = Callable[[str], str]
"""Takes secrets out of a text; where a secret is in JSON text, it changes that text too."""


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
    """Give each draft its place after `head` and its line, its data masked. Returns the events and the new head."""
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
        data: Any = data_of(draft.payload)
        is_masked = mask is not None and data and mask(text := _dumps(data)) != text
        record["data"] = _without_secrets(data, mask) if mask is not None and is_masked else data
        record["prev"] = prev
        if left:
            record["more"] = left
        line = _dumps(record).encode("utf-8", "backslashreplace")
        if is_masked:
            events.append(decode_line(line))
        else:
            events.append(Event(seq, at, run, draft.step, draft.attempt, actor, draft.payload, prev, line))
        prev = digest_of_bytes(line)
    return events, Head(head.seq + len(drafts), prev)


def _without_secrets(data: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """The values of a payload's fields, masked; the names of its fields are ours, and those of an error."""
    kept = _FINDS_THINGS | ({"cause"} if data.get("reason") == SkipReason.NEED_FAILED else set())
    return {
        name: value
        if name in kept
        else _without_secrets(value, mask)
        if name in _RECORDS and isinstance(value, Mapping)
        else _masked(value, mask)
        for name, value in data.items()
    }


def holds_secrets(line: bytes, mask: Mask) -> bool:
    """Whether something stands in the data of a line that `encode_batch` would not have written with this mask."""
    try:
        data = json.loads(line)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = line.decode(errors="backslashreplace")
        return mask(text) != text
    return isinstance(data, Mapping) and _without_secrets(data, mask) != data


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {mask(str(key)): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, mask) for item in value]
    return value


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
