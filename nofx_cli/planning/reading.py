"""Reads mappings of a plan by the table of their fields, and any value as JSON, and tells every fault on the way."""

from collections.abc import Callable, Mapping
from typing import Protocol

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.planning.nodes import BOOL, FLOAT, INT, MAP, NULL, SEQ, STR, Node
from nofx_cli.planning.report import Report, quoted

WORDS: Mapping[str, str] = {
    STR: "text",
    INT: "a whole number",
    FLOAT: "a number",
    BOOL: "a boolean",
    NULL: "nothing",
    SEQ: "a list",
    MAP: "a mapping",
}
_YES_AND_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


class Bad:
    """Stands for a value that has a fault, which was told."""


BAD = Bad()


class Kind(Protocol):
    """What a field takes: how it is read, what it is called, and its JSON Schema."""

    label: str
    """What is wanted, in words: `a duration such as 10s`."""

    def read(self, node: Node, reading: "Reading") -> object:
        """The value, or `BAD` after its faults were told."""
        ...

    def schema(self) -> JsonObject: ...


class Field:
    """One key of a mapping. `default` is told in the reference; `alias_of`: what this is another name of."""

    __slots__ = ("alias_of", "default", "description", "kind", "name", "required")

    def __init__(
        self,
        name: str,
        kind: Kind,
        description: str,
        *,
        required: bool = False,
        default: str = "",
        alias_of: str = "",
    ) -> None:
        self.name, self.kind, self.description = name, kind, description
        self.required, self.default, self.alias_of = required, default, alias_of


Table = Mapping[str, Field]


def table(*fields: Field) -> Table:
    """A table, by name."""
    return {entry.name: entry for entry in fields}


class Found:
    """What a mapping has: good values by field name, and the node of each key that is there, good or not."""

    __slots__ = ("nodes", "values")

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.nodes: dict[str, Node] = {}


class Reading:
    """One pass over a text's nodes. `field` and `owner` say, for messages, what is being read."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.field = ""
        self.owner: Callable[[], str] = str
        self.saw_template = False

    def fields(self, node: Node, fields: Table, owner: Callable[[], str]) -> Found | None:
        """Read a mapping; None where it is none. `owner` names it in messages: ``step `build` ``."""
        if node.id != "mapping" or node.tag != MAP:
            self.wrong_kind(node, "a mapping")
            return None
        found = Found()
        outer = self.owner, self.field
        self.owner = owner
        for key, value in node.value:
            entry = fields.get(key.value) if key.id == "scalar" else None
            if entry is None:
                self._unknown_key(key, fields)
                continue
            name = entry.alias_of or entry.name
            if name in found.nodes:
                self._twice(key, entry)
                continue
            found.nodes[name] = value
            self.field = entry.name
            result = entry.kind.read(value, self)
            if result is not BAD:
                found.values[name] = result
        for entry in fields.values():
            if entry.required and entry.name not in found.nodes:
                self.report.at_node("plan-missing-key", node, f"{quoted(entry.name)} is missing{self._in()}")
        self.owner, self.field = outer
        return found

    def json(self, node: Node) -> JsonValue | Bad:
        """Any value of the core schema that JSON has too."""
        if node.id == "scalar":
            value = self.scalar(node)
            if isinstance(value, str) and ("{{" in value or "{%" in value):
                self.saw_template = True
            return value
        if node.tag == SEQ and node.id == "sequence":
            return self._json_list(node)
        if node.tag == MAP and node.id == "mapping":
            return self._json_mapping(node)
        return self._unknown_tag(node)

    def scalar(self, node: Node) -> JsonValue | Bad:
        """A text, number, boolean or null of a scalar node."""
        text: str = node.value
        tag = node.tag
        if tag == STR:
            return text
        if tag == NULL:
            return None
        if tag == BOOL and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return self._number(node) if tag in (INT, FLOAT) else self._unknown_tag(node)

    def wrong_kind(self, node: Node, wanted: str, *, hint: str = "") -> Bad:
        """Tell that a value is of another kind than wanted."""
        if not hint and wanted == FLAG_LABEL and node.id == "scalar":
            meant = _YES_AND_NO.get(node.value.lower())
            hint = f"did you mean `{meant}`?" if meant else ""
        self.report.at_node("plan-bad-type", node, f"{self.what()} takes {wanted}, not {describe(node)}", hint=hint)
        return BAD

    def bad_value(self, node: Node, message: str, *, code: str = "plan-bad-value", hint: str = "") -> Bad:
        """Tell a fault of a value."""
        self.report.at_node(code, node, message, hint=hint)
        return BAD

    def what(self) -> str:
        """The field that is being read, in words: `` `timeout` of step `build` ``."""
        owner = self.owner()
        name = quoted(self.field) if self.field else "this"
        return f"{name} of {owner}" if owner else name

    def key(self, node: Node) -> str | None:
        """A key of a mapping, as text; None after telling why it cannot be."""
        if node.id != "scalar":
            self.report.at_node("plan-bad-type", node, f"a key is text, not {describe(node)}")
            return None
        if node.value == "<<" and not node.style:  # plain: quoted, it is a key like any other
            self._merge_key(node)
            return None
        return str(node.value)

    def duplicate(self, key: Node) -> None:
        """Tell a key that is there already."""
        self.report.at_node("plan-duplicate-key", key, f"{quoted(key.value)} is there twice{self._in()}")

    def _json_list(self, node: Node) -> JsonValue | Bad:
        items: list[JsonValue] = []
        for item in node.value:
            value = self.json(item)
            if not isinstance(value, Bad):
                items.append(value)
        return items if len(items) == len(node.value) else BAD

    def _json_mapping(self, node: Node) -> JsonValue | Bad:
        values: dict[str, JsonValue | Bad] = {}
        good: dict[str, JsonValue] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            value = self.json(value_node)
            if key is None:
                continue
            if key in values:
                self.duplicate(key_node)
                continue
            values[key] = value
            if not isinstance(value, Bad):
                good[key] = value
        return good if len(good) == len(node.value) else BAD

    def _number(self, node: Node) -> JsonValue | Bad:
        try:
            if node.tag == INT:
                return _int(node.value)
            number = float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            return self.bad_value(node, f"{quoted(node.value)} cannot be read as a number")
        if number - number != 0:
            return self.bad_value(node, f"{quoted(node.value)} is a number that JSON does not have")
        return number

    def _unknown_tag(self, node: Node) -> Bad:
        return self.bad_value(
            node, f"the tag {quoted(_short_tag(node.tag))} cannot be used here", code="plan-unknown-tag"
        )

    def _unknown_key(self, node: Node, fields: Table) -> None:
        key = self.key(node)
        if key is not None:
            near = self.report.near(key, fields)
            self.report.at_node("plan-unknown-key", node, f"unknown key {quoted(key)}{self._in()}", hint=near)

    def _twice(self, key: Node, entry: Field) -> None:
        if entry.alias_of:
            message = (
                f"{quoted(entry.name)} is another name of {quoted(entry.alias_of)}, which is there too{self._in()}"
            )
            self.report.at_node("plan-duplicate-key", key, message)
        else:
            self.duplicate(key)

    def _merge_key(self, node: Node) -> None:
        hint = "write the keys out; an alias can stand for a whole value"
        self.report.at_node("plan-merge-key", node, "merge keys are not part of YAML 1.2", hint=hint)

    def _in(self) -> str:
        owner = self.owner()
        return f" in {owner}" if owner else ""


FLAG_LABEL = "true or false"


def describe(node: Node) -> str:
    """A value in words, for messages: ``the text `yes` ``, `a list`."""
    if node.id == "scalar" and node.tag == STR:
        return f"the text {quoted(node.value)}"
    if node.id == "scalar" and node.tag in (INT, FLOAT, BOOL):
        return quoted(node.value)
    return WORDS.get(node.tag, f"a value tagged {quoted(_short_tag(node.tag))}")


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)


def _int(text: str) -> int:
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
