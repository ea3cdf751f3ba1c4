"""What steps changed outside of the workspace, and what of that is not known."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from nofx_cli.cli.output import columns, safe, shorten
from nofx_cli.domain.effects import KnownEffect
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName

OPEN, DONE, UNCLEAR = "open", "done", "unclear"
_DIGEST, _DIGEST_SHOWN = re.compile("[0-9a-f]{40,64}"), 12
_WIDEST = 160
_STYLES = {OPEN: "yellow", DONE: "", UNCLEAR: "red"}


def effects_json(effects: Iterable[tuple[StepName, KnownEffect]]) -> list[JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return [
        {
            "step": step,
            "kind": effect.intent.kind,
            "target": effect.intent.target,
            "digest": effect.intent.digest,
            "attempt": effect.intent.attempt,
            "status": status_of(effect),
            "known": effect.unclear or None,
            "result": effect.done.result if effect.done else None,
        }
        for step, effect in effects
    ]


def effects_lines(effects: Iterable[tuple[StepName, KnownEffect]]) -> Iterator[str]:
    """A table for people, nothing where there are none."""
    rows = [(safe(step), *_cells(effect)) for step, effect in effects]
    if rows:
        head = ("STEP", "EFFECT", "ON", "STATUS", "")
        yield from columns([head, *rows], styles=[("dim",) * 5, *(("", "", "", _STYLES[row[3]], "") for row in rows)])


def result_words(result: JsonObject) -> str:
    """Where an effect can be seen, on one line; all of it is in `--json`."""
    told = (
        f"{name}={_value(value)}" for name, value in result.items() if not isinstance(value, Mapping | list | tuple)
    )
    return shorten(safe(" ".join(told)), _WIDEST)


def _value(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:_DIGEST_SHOWN] if _DIGEST.fullmatch(text) else text


def status_of(effect: KnownEffect) -> str:
    """`open`: it may have been made; `done`; `unclear`: a person was asked."""
    return DONE if effect.done else UNCLEAR if effect.unclear else OPEN


def _cells(effect: KnownEffect) -> tuple[str, str, str, str]:
    if effect.done is not None:
        return safe(effect.intent.kind), safe(effect.intent.target), DONE, result_words(effect.done.result)
    more = effect.unclear or "whether it was made is not known"
    return safe(effect.intent.kind), safe(effect.intent.target), status_of(effect), safe(more)
