"""The nodes of a YAML document, as far as they are used here, and the tags of the core schema."""

from typing import Any, Protocol

STR, INT, FLOAT = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
BOOL, NULL = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"
SEQ, MAP = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"


class Mark(Protocol):
    """A place in the text; both count from 0."""

    line: int
    column: int


class Node(Protocol):
    """What PyYAML composes: `id` is scalar, sequence or mapping; `value` the text, the items, or pairs."""

    id: str
    tag: str
    value: Any
    start_mark: Mark
    end_mark: Mark
    style: str | None
    flow_style: bool | None
