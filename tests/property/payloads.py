"""Any payload that the events module knows, drawn from the types of its fields."""

import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st

from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import StepError

texts = st.text(st.characters(exclude_categories=()).filter(lambda char: not "\ud800" <= char <= "\udbff"), max_size=20)
"""Any text, with control characters and with bytes of file names that are no UTF-8 (surrogates U+DC80 and above)."""
instants = st.integers(0, 4_000_000_000_000_000).map(format_at)
_leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | texts
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
json_objects = st.dictionaries(texts, _values, max_size=3)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(2**70), 2**70),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    StepError: st.builds(StepError, texts, texts, texts),
    JsonObject: json_objects,
}


def payloads() -> st.SearchStrategy[ev.Payload]:
    return st.sampled_from(ev.PAYLOADS).flatmap(_payload)


@st.composite
def drafts(draw: st.DrawFn, *, steps: st.SearchStrategy[str]) -> ev.Draft:
    """Any payload, for a step or for the run as a whole."""
    payload = draw(payloads())
    if payload.type.startswith("run."):
        return ev.Draft(payload)
    return ev.Draft(payload, StepName(draw(steps)), draw(st.none() | st.integers(1, 5)))


def _payload(kind: type[ev.Payload]) -> st.SearchStrategy[ev.Payload]:
    values = {item.name: instants if item.name == "due_at" else _strategy(item.type) for item in fields(kind)}
    return st.builds(kind, **values)


def _strategy(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type):
        return st.sampled_from(hint)  # an enumeration
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of([_strategy(arg) for arg in args])
    if origin is tuple:
        return st.lists(_strategy(args[0]), max_size=3).map(tuple)
    assert origin is Mapping, hint
    return st.dictionaries(texts, _strategy(args[1]), max_size=3)
