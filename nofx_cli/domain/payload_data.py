"""Payloads to and from the JSON under `data`, field by field; reading never fails on what another version wrote."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any

from nofx_cli.clock import parse_at
from nofx_cli.domain.events import (
    BY_TYPE,
    PAYLOADS,
    ApprovalRequested,
    AskReason,
    Payload,
    SkipReason,
    StepFinished,
    StepRetryScheduled,
    StepSkipped,
    Unknown,
)
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.outcome import StepError

_FIELDS = {payload: tuple(f.name for f in fields(payload)) for payload in PAYLOADS}
_ENUMS: Mapping[tuple[type[Payload], str], type[StrEnum]] = {
    (StepSkipped, "reason"): SkipReason,
    (ApprovalRequested, "reason"): AskReason,
}


def data_of(payload: Payload) -> dict[str, JsonValue]:
    """The payload as it stands under `data`: every field, nested errors as objects, None left out."""
    if isinstance(payload, Unknown):
        return dict(payload.data)
    data: dict[str, Any] = {}
    for name in _FIELDS[type(payload)]:
        value = getattr(payload, name)
        if isinstance(value, StepError):
            value = {"code": value.code, "message": value.message, "hint": value.hint}
        if value is not None:
            data[name] = value
    return data


def payload_of(type_name: str, data: Any) -> Payload:
    """Read a payload. What this version does not know, or cannot read, becomes `Unknown`; it never raises."""
    kind = BY_TYPE.get(type_name)
    if kind is None or not isinstance(data, dict):
        return Unknown(type_name, data if isinstance(data, dict) else {"value": data})
    known: dict[str, Any] = {}
    try:
        for name in _FIELDS[kind]:
            if name in data:
                known[name] = _value(kind, name, data[name])
        payload = kind(**known)
        _check_meaning(payload)
    except (TypeError, ValueError, KeyError):
        return Unknown(type_name, data)
    return payload


def _check_meaning(payload: Payload) -> None:
    """Refuse what the fold could not act on."""
    if isinstance(payload, StepFinished) and payload.status not in ("succeeded", "failed"):
        raise ValueError(payload.status)
    if isinstance(payload, StepRetryScheduled):
        parse_at(payload.due_at)


def _value(kind: type[Payload], name: str, value: Any) -> Any:
    expected = _DEFAULTS[kind].get(name)
    if name == "error" and expected is not str:  # of a call to a model it is a text
        return StepError(str(value["code"]), str(value["message"]), str(value.get("hint", "")))
    if (kind, name) in _ENUMS:
        return _ENUMS[kind, name](value)
    if expected is tuple and isinstance(value, list):
        return tuple(value)
    if expected is not None and not isinstance(value, expected):
        raise TypeError(name)
    return value


def _default_types(kind: type[Payload]) -> dict[str, type]:
    """The plain types of the fields that have one, so that damaged data is seen when it is read."""
    found: dict[str, type] = {}
    for item in fields(kind):
        default = item.default if item.default is not MISSING else None
        if isinstance(default, str | int | bool | tuple):
            found[item.name] = str if isinstance(default, str) else type(default)
        elif item.default_factory is dict:
            found[item.name] = dict
    return found


_DEFAULTS = {payload: _default_types(payload) for payload in PAYLOADS}
