"""The kinds of values that fields of a plan take. Each reads a node, and gives the JSON Schema of what it reads."""

import re
from collections.abc import Mapping

from nofx_cli.domain.durations import parse_duration_ms
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.planning.nodes import BOOL, FLOAT, INT, STR, Node
from nofx_cli.planning.reading import FLAG_LABEL, Bad, Reading, describe
from nofx_cli.planning.report import quoted

_DURATION_HINT = "write it like 250ms, 10s, 5m or 1h"


class Text:
    """Text on which nothing is filled in. `pattern` is a regular expression of the whole, told as `form`."""

    def __init__(
        self,
        label: str = "text",
        *,
        pattern: str = "",
        form: str = "",
        code: str = "plan-bad-value",
        may_be_empty: bool = False,
    ) -> None:
        self.label, self.pattern, self.form, self.code, self.may_be_empty = label, pattern, form, code, may_be_empty

    def read(self, node: Node, reading: Reading) -> str | Bad:
        if node.tag != STR or node.id != "scalar":
            hint = "put it in quotes" if node.id == "scalar" and node.tag in (INT, FLOAT, BOOL) else ""
            return reading.wrong_kind(node, self.label, hint=hint)
        text: str = node.value
        if self.pattern and not re.fullmatch(self.pattern, text):
            return reading.bad_value(node, f"{quoted(text)} cannot be {self.label}", code=self.code, hint=self.form)
        if "{{" in text or "{%" in text:
            hint = "templates are for `inputs`, `env` and `when`"
            message = f"{reading.what()} takes no template"
            return reading.bad_value(node, message, code="plan-bad-template", hint=hint)
        if not text.strip() and not self.may_be_empty:
            return reading.bad_value(node, f"{reading.what()} is empty")
        return text

    def schema(self) -> JsonObject:
        return {"type": "string", **({"pattern": f"^{self.pattern}$"} if self.pattern else {})}


class Condition:
    """`success`, `failure`, `always`, or an expression."""

    label = "success, failure, always or an expression"

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


class Flag:
    label = FLAG_LABEL

    def read(self, node: Node, reading: Reading) -> bool | Bad:
        if node.tag != BOOL or node.id != "scalar":
            return reading.wrong_kind(node, self.label)
        return bool(node.value.lower() == "true")

    def schema(self) -> JsonObject:
        return {"type": "boolean"}


class Whole:
    """A whole number, from `least` to `most` where there is one."""

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least, self.most = least, most
        self.label = f"a whole number, {least} or more" if most is None else f"a whole number from {least} to {most}"

    def read(self, node: Node, reading: Reading) -> int | Bad:
        value = reading.scalar(node) if node.id == "scalar" and node.tag == INT else None
        if not isinstance(value, int):
            return value if isinstance(value, Bad) else reading.wrong_kind(node, self.label)
        if value < self.least or (self.most is not None and value > self.most):
            return reading.bad_value(node, f"{reading.what()} takes {self.label}, not {describe(node)}")
        return value

    def schema(self) -> JsonObject:
        return {"type": "integer", "minimum": self.least, **({} if self.most is None else {"maximum": self.most})}


class Duration:
    """A span of time, read as milliseconds; `0s` only where `may_be_zero`."""

    label = "a duration such as 10s"

    def __init__(self, *, may_be_zero: bool = False) -> None:
        self.may_be_zero = may_be_zero

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


class Choice:
    """One of a few words. `flags`: the words that `true` and `false` stand for."""

    def __init__(self, *words: str, flags: Mapping[str, str] | None = None) -> None:
        self.words, self.flags = words, flags
        self.label = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))

    def read(self, node: Node, reading: Reading) -> str | Bad:
        if node.id == "scalar" and node.tag == BOOL and self.flags:
            return self.flags[node.value.lower()]
        if node.id != "scalar" or node.tag != STR:
            return reading.wrong_kind(node, self.label)
        if node.value in self.words:
            return str(node.value)
        near = reading.report.near(node.value, self.words)
        return reading.bad_value(node, f"{reading.what()} takes {self.label}, not {describe(node)}", hint=near)

    def schema(self) -> JsonObject:
        return {"enum": [*self.words, *([True, False] if self.flags else [])]}


class Json:
    """Any value."""

    label = "any value"

    def read(self, node: Node, reading: Reading) -> JsonValue | Bad:
        return reading.json(node)

    def schema(self) -> JsonObject:
        return {}


class Later:
    """Part of the plan language that this version does not have; whatever stands there is refused."""

    label = "nothing yet"

    def __init__(self, hint: str = "") -> None:
        self.hint = hint

    def read(self, node: Node, reading: Reading) -> Bad:
        message = f"{reading.what()} is not supported yet"
        return reading.bad_value(node, message, code="plan-not-yet-supported", hint=self.hint)

    def schema(self) -> JsonObject:
        return {}
