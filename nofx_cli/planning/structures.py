"""The kinds of fields of a plan that are made of others: lists, mappings with a table of fields, either-or."""

import re
from collections.abc import Mapping

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.planning.kinds import Later, Text
from nofx_cli.planning.nodes import BOOL, FLOAT, INT, MAP, NULL, SEQ, STR, Node
from nofx_cli.planning.reading import BAD, Bad, Found, Kind, Reading, Table, describe
from nofx_cli.planning.report import quoted


class ListOf:
    """A list; the items that are good are kept as a tuple."""

    def __init__(self, item: Kind, label: str, *, may_be_empty: bool = True) -> None:
        self.item, self.label, self.may_be_empty = item, label, may_be_empty

    def read(self, node: Node, reading: Reading) -> tuple[object, ...] | Bad:
        if node.id != "sequence" or node.tag != SEQ:
            return reading.wrong_kind(node, self.label, hint=_as_list(node))
        if not node.value and not self.may_be_empty:
            return reading.bad_value(node, f"{reading.what()} is empty")
        items = [self.item.read(item, reading) for item in node.value]
        return tuple(item for item in items if item is not BAD)

    def schema(self) -> JsonObject:
        return {"type": "array", "items": self.item.schema(), **({} if self.may_be_empty else {"minItems": 1})}


def _as_list(node: Node) -> str:
    if node.tag == NULL:
        return "write `[]` for none"
    return f"write it as a list: [{node.value}]" if node.id == "scalar" and len(node.value) < 40 else ""


class Variables:
    """Environment variables: names to text, numbers or booleans, all kept as text (numbers as they are written)."""

    label = "a mapping of names to text"

    def __init__(self, reserved: tuple[str, ...] = ()) -> None:
        self.reserved = reserved

    def read(self, node: Node, reading: Reading) -> Mapping[str, str] | Bad:
        if node.id != "mapping" or node.tag != MAP:
            return reading.wrong_kind(node, self.label)
        values: dict[str, str] = {}
        for key_node, value_node in node.value:
            name = reading.key(key_node)
            value = self._value(value_node, reading, name or "")
            if name is None or not self._is_name(key_node, name, reading):
                continue
            if name in values:
                reading.duplicate(key_node)
            elif not isinstance(value, Bad):
                values[name] = value
        return values

    def _is_name(self, node: Node, name: str, reading: Reading) -> bool:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            reading.bad_value(node, f"{quoted(name)} is no name of an environment variable", code="plan-bad-name")
            return False
        if name in self.reserved:
            reading.bad_value(node, f"{quoted(name)} is set by nofx itself", code="plan-bad-name")
            return False
        return True

    def _value(self, node: Node, reading: Reading, name: str) -> str | Bad:
        if node.id != "scalar" or node.tag not in (STR, INT, FLOAT, BOOL):
            message = f"{quoted(name)} in {reading.what()} takes text, not {describe(node)}"
            hint = 'write "" for an empty value' if node.id == "scalar" else ""
            return reading.bad_value(node, message, code="plan-bad-type", hint=hint)
        text: str = node.value
        if "\0" in text:
            return reading.bad_value(node, f"{quoted(name)} in {reading.what()} has a NUL character in it")
        if "{{" in text or "{%" in text:
            reading.saw_template = True
        return text.lower() if node.tag == BOOL else text

    def schema(self) -> JsonObject:
        return {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }


class JsonMapping:
    """A mapping of any values."""

    label = "a mapping"

    def read(self, node: Node, reading: Reading) -> JsonValue | Bad:
        if node.id != "mapping" or node.tag != MAP:
            return reading.wrong_kind(node, self.label)
        return reading.json(node)

    def schema(self) -> JsonObject:
        return {"type": "object"}


class Record:
    """A mapping with a table of fields; read as `Found`."""

    label = "a mapping"

    def __init__(self, fields: Table) -> None:
        self.table = fields

    def read(self, node: Node, reading: Reading) -> Found | Bad:
        outer = reading.what()
        found = reading.fields(node, self.table, lambda: outer)
        return BAD if found is None else found

    def schema(self) -> JsonObject:
        return record_schema(self.table)


class Entry:
    """A mapping among others: where it stands, and what was found in it."""

    __slots__ = ("found", "name", "node")

    def __init__(self, node: Node, found: Found, name: str = "") -> None:
        self.node, self.found, self.name = node, found, name


class Steps:
    """A list of mappings that have a `name`; read as `Entry`s, those that are no mapping left out."""

    label = "a list of steps"

    def __init__(self, fields: Table) -> None:
        self.table = fields

    def read(self, node: Node, reading: Reading) -> list[Entry] | Bad:
        if node.id != "sequence" or node.tag != SEQ:
            return reading.wrong_kind(node, self.label)
        if not node.value:
            return reading.bad_value(node, "a plan has at least one step")
        entries: list[Entry] = []
        for place, item in enumerate(node.value, 1):
            found = self._read_one(item, place, reading)
            if found is not None:
                entries.append(Entry(item, found))
        return entries

    def _read_one(self, node: Node, place: int, reading: Reading) -> Found | None:
        if node.id != "mapping":
            message = f"step {place} is {describe(node)}, not a mapping with `name` and `tool`"
            reading.bad_value(node, message, code="plan-bad-type")
            return None
        return reading.fields(node, self.table, lambda: f"step {_name_in(node) or place}")

    def schema(self) -> JsonObject:
        return {"type": "array", "minItems": 1, "items": record_schema(self.table)}


class Declared:
    """A mapping of names to mappings with a table of fields; read as `Entry`s."""

    label = "a mapping"

    def __init__(self, fields: Table, name: Text, noun: str) -> None:
        self.table, self.name, self.noun = fields, name, noun

    def read(self, node: Node, reading: Reading) -> list[Entry] | Bad:
        if node.id != "mapping" or node.tag != MAP:
            return reading.wrong_kind(node, self.label)
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            name = reading.key(key_node)
            if name is None or not self._is_name(key_node, name, reading):
                continue
            if name in entries:
                reading.duplicate(key_node)
                continue
            found = self._read_one(value_node, name, reading)
            if found is not None:
                entries[name] = Entry(key_node, found, name)
        return list(entries.values())

    def _is_name(self, node: Node, name: str, reading: Reading) -> bool:
        if re.fullmatch(self.name.pattern, name):
            return True
        reading.bad_value(node, f"{quoted(name)} cannot be {self.name.label}", code=self.name.code, hint=self.name.form)
        return False

    def _read_one(self, node: Node, name: str, reading: Reading) -> Found | None:
        if node.id != "mapping":
            message = f"{self.noun} {quoted(name)} is {describe(node)}, not a mapping"
            hint = "write `{}` for the defaults" if node.tag == NULL else ""
            reading.bad_value(node, message, code="plan-bad-type", hint=hint)
            return None
        return reading.fields(node, self.table, lambda: f"{self.noun} {quoted(name)}")

    def schema(self) -> JsonObject:
        names = {"pattern": f"^{self.name.pattern}$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": record_schema(self.table)}


def _name_in(step: Node) -> str:
    for key, value in step.value:
        if key.value == "name" and value.id == "scalar" and value.value:
            return quoted(value.value)
    return ""


class Either:
    """One kind for mappings or lists, and a shorter way to write it as another."""

    def __init__(self, long: Kind, short: Kind) -> None:
        self.long, self.short = long, short
        self.label = f"{short.label} or {long.label}"

    def read(self, node: Node, reading: Reading) -> object:
        return (self.short if node.id == "scalar" else self.long).read(node, reading)

    def schema(self) -> JsonObject:
        return {"anyOf": [self.short.schema(), self.long.schema()]}


def record_schema(fields: Table) -> JsonObject:
    """The JSON Schema of a mapping with these fields; what is not supported yet is left out."""
    present = [entry for entry in fields.values() if not isinstance(entry.kind, Later)]
    properties: dict[str, JsonValue] = {}
    for entry in present:
        description = entry.description + (f" Default: {entry.default}." if entry.default else "")
        properties[entry.name] = {"description": description, **entry.kind.schema()}
    schema: dict[str, JsonValue] = {"type": "object", "properties": properties, "additionalProperties": False}
    required: list[JsonValue] = [entry.name for entry in present if entry.required]
    return {**schema, "required": required} if required else schema
