"""Answers that are to be JSON and fit a schema: read from what a model wrote, and checked here, whoever promised it."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.wording import shortened

_FENCE = re.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_LONGEST_REASON = 500


class Unfit(Exception):
    """The answer cannot be used; the text says why, for the model and for people."""


class AnswerSchema:
    """A schema, ready to check answers."""

    def __init__(self, schema: JsonObject) -> None:
        """Raises `errors.InvalidInput` (code `schema-not-valid`) where it is no JSON Schema."""
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for
        from referencing.jsonschema import EMPTY_REGISTRY

        plain = json.loads(json.dumps(schema, default=dict))
        kind = validator_for(plain, default=Draft202012Validator)
        try:
            kind.check_schema(plain)
        except SchemaError as exc:
            raise _not_valid(f"{exc.json_path}: {exc.message}") from exc
        # With a registry of its own it looks nothing up in the network.
        self._validator: Any = kind(plain, registry=EMPTY_REGISTRY)

    def read(self, text: str) -> JsonValue:
        """The answer as JSON, which fits. One code fence around it, and thoughts before it, are taken off.

        Raises:
            Unfit: it is no JSON, or does not fit.
            errors.InvalidInput: the schema refers to what it does not hold (code `schema-not-valid`).
        """
        value = _parsed(text)
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        try:
            fault = best_match(self._validator.iter_errors(value))
        except Unresolvable as exc:
            raise _not_valid(f"it refers to {exc.ref!r}, which it does not hold") from exc
        except RecursionError as exc:
            raise Unfit("it is nested too deeply") from exc
        if fault is not None:
            raise Unfit(shortened(f"at {fault.json_path}: {fault.message}", _LONGEST_REASON))
        return value


def _parsed(text: str) -> JsonValue:
    plain = _THOUGHT.sub("", text.removeprefix("\ufeff")).strip()
    fenced = _FENCE.match(plain)
    if fenced:
        plain = fenced[1].strip()
    if not plain:
        raise Unfit("it is empty")
    try:
        value: JsonValue = json.loads(plain, parse_constant=_no_number)
    except RecursionError as exc:
        raise Unfit("it is nested too deeply") from exc
    except ValueError as exc:
        raise Unfit(f"it is no JSON: {exc}") from exc
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _not_valid(why: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"the schema of the answer is no JSON Schema: {shortened(why, _LONGEST_REASON)}",
        code="schema-not-valid",
        hint="mend `schema` of the step; references must be to its own parts: https://json-schema.org",
    )


def why_again(reason: str, schema: Mapping[str, Any] | None) -> str:
    """What a model is told of an answer that cannot be used."""
    told = json.dumps(schema, ensure_ascii=False, default=dict)
    return (
        f"That answer cannot be used: {reason}.\nAnswer again, with one JSON value and nothing else. "
        f"It must fit this JSON Schema:\n{told}"
    )
