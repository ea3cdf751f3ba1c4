"""The page of events, from the docstrings and fields of the payloads."""

import inspect
import types
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.outcome import StepError

_HEAD = """\
# Events

A run is one journal: the file `journal.jsonl` in the run's folder, one line of JSON for each event, only ever added to.
`nofx timeline` shows it, `nofx timeline --json` gives its lines, `nofx verify` proves that nobody touched it.

```json
{example}
```

| field | what it is |
|---|---|
| `v` | the version of the format, {version} |
| `seq` | the place in the journal: 1, 2, 3, …, without gaps |
| `at` | when it was appended, RFC 3339 in UTC with microseconds |
| `type` | what happened; the types are below |
| `run` | the run's id |
| `step`, `attempt` | which step and which try at it; left out where it is about the run as a whole |
| `actor` | who: `kind` is {kinds}; `id` names the person, the process or the job |
| `data` | what belongs to the type; a field that is null is left out |
| `prev` | the SHA-256 of the line before, without its newline; 64 zeros in the first line |
| `more` | only in a batch of several events, on all but its last: how many of the batch follow |

Events that were appended together are one batch: all of it counts or none. A journal whose last line says that more
follow was cut off while it was written; that batch never happened.

Fields may be added later, and types; none is renamed or given another meaning. A reader passes over what it does not
know. Logs, prompts and files are never in events: a digest and a path are.
"""


def events_page() -> str:
    """The envelope, and every type with its fields."""
    head = _HEAD.format(example=_example(), version=ev.EVENT_VERSION, kinds=_text_of(ev.ActorKind))
    groups: dict[str, list[str]] = {}
    for payload in ev.PAYLOADS:
        groups.setdefault(payload.type.partition(".")[0], []).append(_event_section(payload))
    return "\n".join([head, *(f"## {group}\n\n" + "\n".join(sections) for group, sections in groups.items())])


def _example() -> str:
    draft = ev.Draft(ev.StepFinished("failed", error=StepError("timeout", "ran longer than 2m")), StepName("tests"), 1)
    actor = ev.Actor("worker", "4711@host")
    at, run = "2026-11-22T09:15:30.000123Z", RunId("20261122-091528-7k3f9q")
    events, _ = encode_batch([draft], run=run, head=Head(seq=6), at=at, actor=actor)
    return events[0].line.decode().replace("0" * 64, "9f86d081…")


def _event_section(payload: type[ev.Payload]) -> str:
    said = inspect.cleandoc(payload.__doc__ or "")
    rows = [f"| `{item.name}` | {_text_of(item.type)} | {_default(item)} |" for item in fields(payload)]
    table = ["", "| field of `data` | type | when it is absent |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"### `{payload.type}`", "", said, *table, ""])


def _text_of(hint: Any) -> str:
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null"}
    if hint in plain:
        return plain[hint]
    if hint == JsonObject:
        return "object"
    if hint is StepError:
        return "object with `code`, `message`, `hint`"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choices(hint)
    return _text_of_generic(get_origin(hint), get_args(hint))


def _text_of_generic(origin: Any, args: tuple[Any, ...]) -> str:
    if origin is Literal:
        return _choices(args)
    if origin in (Union, types.UnionType):
        return " or ".join(_text_of(arg) for arg in args)
    if origin is tuple:
        return f"list of {_text_of(args[0])}"
    return f"object of {_text_of(args[1])}"


def _choices(values: Any) -> str:
    *others, last = (f"`{value}`" for value in values)
    return f"{', '.join(others)} or {last}"


def _default(item: "Field[Any]") -> str:
    if item.default_factory is not MISSING:
        return "empty"
    if item.default is None:
        return "null"
    if item.default in ("", ()) or isinstance(item.default, StepError):
        return "empty"
    text = str(item.default).lower() if isinstance(item.default, bool) else str(item.default)
    return f"`{text}`"
