"""What is accepted as it is: `nofx-baseline.json`, and detect-secrets' `.secrets.baseline`. More of it is weaker."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from nofx_cli.domain.baseline import BASELINE_FILE
from nofx_cli.domain.ids import JsonValue, canonical_json, digest_of
from nofx_cli.handlers.gates.integrity.concerns import BUILT_IN, SECRETS, Concerns

BASELINES: Mapping[str, Concerns] = {BASELINE_FILE: BUILT_IN, ".secrets.baseline": SECRETS}
_PLACES = frozenset({"line", "line_number", "column", "generated_at", "version", "note", "count", "path", "rule"})
"""What an entry may differ in and still be the same one, where it has a digest of its own."""
_DIGESTS = frozenset({"fingerprint", "hashed_secret"})
_SETTINGS = frozenset({"plugins_used", "filters_used"})
_SHORT = 16


def accepted(data: bytes) -> dict[str, JsonValue] | None:
    """How often each entry is there, and a digest of all else; None for what is no JSON.

    An entry stands under `<gate>:<digest>`; the gate is empty where it names none.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, Mapping):
        content = {"results": content}
    settings = {name: item for name, item in content.items() if name in _SETTINGS}
    entries: dict[str, int] = {}
    for entry, count in _entries("", {name: item for name, item in content.items() if name not in _SETTINGS}):
        entries[entry] = entries.get(entry, 0) + count
    return {"entries": entries, "settings": digest_of(settings)[:_SHORT]}


def more_accepted(was: Mapping[str, JsonValue], now: Mapping[str, JsonValue], concerns: Callable[[str], bool]) -> str:
    """What to say where something is accepted now that was not before; `concerns` judges the gate of an entry."""
    before, after = was.get("entries"), now.get("entries")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return "was changed"
    gained = {entry: _count(count) - _count(before.get(entry)) for entry, count in after.items()}
    more = sum(gain for entry, gain in gained.items() if gain > 0 and concerns(entry.partition(":")[0]))
    if more:
        return f"accepts {more} more"
    return "was changed" if was.get("settings") != now.get("settings") else ""


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _entries(path: str, value: JsonValue) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name not in _PLACES:
                yield from _entries(f"{path}/{name}", item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield _entry(path, item)
    else:
        yield f":{digest_of([path, canonical_json(value)])[:_SHORT]}", 1


def _entry(path: str, item: JsonValue) -> tuple[str, int]:
    if not isinstance(item, Mapping):
        return f":{digest_of([path, canonical_json(item)])[:_SHORT]}", 1
    told_apart = not _DIGESTS.isdisjoint(item)
    kept = {name: part for name, part in item.items() if not (told_apart and name in _PLACES)}
    gate, count = item.get("gate"), item.get("count") if told_apart else 1
    name = gate.removeprefix("gate:") if isinstance(gate, str) else ""
    return f"{name}:{digest_of([path, canonical_json(kept)])[:_SHORT]}", _count(count) if count is not None else 1
