"""The kinds of values that fields of a plan take. Each reads a node, and gives the JSON Schema of what it reads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nofx_cli.domain.durations import parse_duration_ms
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.planning.nodes import BOOL, FLOAT, INT, STR, Node
from nofx_cli.planning.reading import FLAG_LABEL, Bad, Reading, describe
from nofx_cli.planning.report import quoted

_DURATION_HINT = "write it like 250ms, 10s, 5m or 1h"


@dataclass(frozen=True, slots=True)
class Text:
    """Text on which nothing is filled in. `pattern` is a regular expression of the whole, told as `form`."""

    label: str = "text"
    pattern: str = ""
    form: str = ""
    code: str = "plan-bad-value"
    may_be_empty: bool = False

    def read(self, node: Node, reading: Reading) -> str | Bad:
        if node.tag != STR or node.id != "scalar":
            hint = "put it in quotes" if node.id == "scalar" and node.tag in (INT, FLOAT, BOOL) else ""
            return reading.wrong_kind(node, self.label, hint=hint)
        text: str = node.value
        if self.pattern and not re.fullmatch(self.pattern, text):
            return reading.bad_value(node, f"{quoted(text)} is no {self.label}", code=self.code, hint=self.form)
        if "{{" in text or "{%" in text:
            hint = "templates are for `inputs`, `env` and `when`"
            message = f"{reading.what()} takes no template"
            return reading.bad_value(node, message, code="plan-bad-template", hint=hint)
        if not text.strip() and not self.may_be_empty:
            return reading.bad_value(node, f"{reading.what()} is empty")
        return text

    def schema(self) -> JsonObject:
        return {"type": "string", **({"pattern": f"^{self.pattern}$"} if self.pattern else {})}


@dataclass(frozen=True, slots=True)
class Condition:
    """`success`, `failure`, `always`, or an expression."""

    label: str = "success, failure, always or an expression"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        if node.tag != STR or node.id != "scalar":
            return reading.wrong_kind(
                node, self.label, hint="an expression that is a number or a boolean never changes"
            )
        text: str = node.value.strip()
        if not text:
            return reading.bad_value(node, f"{reading.what()} is empty")
        if text not in ("success", "failure", "always"):
            reading.saw_template = True
        return text

    def schema(self) -> JsonObject:
        return {"anyOf": [{"enum": ["success", "failure", "always"]}, {"type": "string"}]}


@dataclass(frozen=True, slots=True)
class Flag:
    label: str = FLAG_LABEL

    def read(self, node: Node, reading: Reading) -> bool | Bad:
        if node.tag != BOOL or node.id != "scalar":
            return reading.wrong_kind(node, self.label)
        return bool(node.value.lower() == "true")

    def schema(self) -> JsonObject:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    @property
    def label(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def read(self, node: Node, reading: Reading) -> int | Bad:
        value = reading.scalar(node) if node.id == "scalar" and node.tag == INT else None
        if not isinstance(value, int):
            return value if isinstance(value, Bad) else reading.wrong_kind(node, self.label)
        if not self.least <= value <= self.most:
            return reading.bad_value(node, f"{reading.what()} takes {self.label}, not {describe(node)}")
        return value

    def schema(self) -> JsonObject:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time, read as milliseconds; `0s` only where `may_be_zero`."""

    label: str = "a duration such as 10s"
    may_be_zero: bool = False

    def read(self, node: Node, reading: Reading) -> int | Bad:
        if node.id != "scalar" or node.tag not in (STR, INT, FLOAT):
            return reading.wrong_kind(node, self.label)
        try:
            ms = parse_duration_ms(node.value)
        except ValueError as exc:
            said = f"{quoted(node.value)} is longer than 30 days" if "longer" in str(exc) else ""
            message = said or f"{reading.what()} takes {self.label}, not {describe(node)}"
            return reading.bad_value(node, message, code="plan-bad-duration", hint="" if said else _DURATION_HINT)
        if ms == 0 and not self.may_be_zero:
            return reading.bad_value(node, f"{reading.what()} cannot be zero", code="plan-bad-duration")
        return ms

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h)$"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words. `later`: words of a later version; `flags`: the words that `true` and `false` stand for."""

    words: tuple[str, ...]
    later: tuple[str, ...] = ()
    flags: Mapping[str, str] | None = None

    @property
    def label(self) -> str:
        return " or ".join(filter(None, (", ".join(self.words[:-1]), self.words[-1])))

    def read(self, node: Node, reading: Reading) -> str | Bad:
        if node.id == "scalar" and node.tag == BOOL and self.flags:
            return self.flags[node.value.lower()]
        if node.id != "scalar" or node.tag != STR:
            return reading.wrong_kind(node, self.label)
        if node.value in self.later:
            return reading.bad_value(
                node, f"{reading.what()}: {quoted(node.value)} is not supported yet", code="plan-not-yet-supported"
            )
        if node.value in self.words:
            return str(node.value)
        near = reading.report.near(node.value, self.words)
        return reading.bad_value(node, f"{reading.what()} takes {self.label}, not {describe(node)}", hint=near)

    def schema(self) -> JsonObject:
        return {"enum": [*self.words, *([True, False] if self.flags else [])]}


@dataclass(frozen=True, slots=True)
class Json:
    """Any value."""

    label: str = "any value"

    def read(self, node: Node, reading: Reading) -> JsonValue | Bad:
        return reading.json(node)

    def schema(self) -> JsonObject:
        return {}


@dataclass(frozen=True, slots=True)
class Later:
    """Part of the plan language that this version does not have; whatever stands there is refused."""

    hint: str = ""
    label: str = "nothing yet"

    def read(self, node: Node, reading: Reading) -> Bad:
        message = f"{reading.what()} is not supported yet"
        return reading.bad_value(node, message, code="plan-not-yet-supported", hint=self.hint)

    def schema(self) -> JsonObject:
        return {}
