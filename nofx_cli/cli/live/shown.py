"""What a person decides on, made readable: the command, the difference, the inputs, and what else is bound.

The text that was kept for the approval is the only source, so that what is read here is what the digest is of.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nofx_cli.cli.output import safe

Kind: TypeAlias = Literal["plain", "added", "removed", "place"]

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_BOUND = ("inputs", "env", "preview", "artifacts")
_KNOWN_BY_THE_ROW = ("run", "step", "tool", "reason")


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line to show. `label` names what begins here, or is empty; both texts are neutralised."""

    label: str
    text: str
    kind: Kind = "plain"


def shown_lines(document: str, *, whole: bool = False) -> list[ShownLine]:
    """Lay out the text kept for an approval.

    Args:
        whole: every field under its own name, digests in full, else what matters first and nothing twice.
    """
    content = json.loads(document)
    if not isinstance(content, dict):
        return list(_flat("", content))
    if whole:
        return list(_flat("", content))
    own = {name: value for name, value in content.items() if name not in (*_BOUND, *_KNOWN_BY_THE_ROW)}
    lines = [*_essence(content), *_flat("", own)]
    return [ShownLine(line.label, _DIGEST.sub(r"\1…", line.text), line.kind) for line in lines]


def _essence(content: Mapping[str, Any]) -> Iterator[ShownLine]:
    preview, inputs = _mapping(content.get("preview")), _mapping(content.get("inputs"))
    inputs.pop("message", None)  # it is the question itself
    told = {"message"}
    if isinstance(inputs.get("command"), str):
        yield from _flat("command", inputs["command"])
        told |= {"command", "argv"}
    elif isinstance(preview.get("argv"), list):
        yield from _flat("command", _quoted(preview["argv"]))
        told |= {"command", "argv"}
    if isinstance(preview.get("diff"), str):
        yield from _diff(preview["diff"])
        told |= {"diff", "content", "path", "change", "digest", "replaces", "bytes"}
    yield from _files("file", _mapping(preview.pop("files", None)))
    for fields in (preview, inputs):
        yield from _flat("", {name: value for name, value in fields.items() if name not in told})
        told |= set(fields)
    yield from _flat("env", _mapping(content.get("env")))
    for step, kept in _mapping(content.get("artifacts")).items():
        yield from _files("artifact", {f"{step}/{name}": digest for name, digest in _mapping(kept).items()})


def _files(label: str, digests: Mapping[str, Any]) -> Iterator[ShownLine]:
    for name, digest in digests.items():
        yield ShownLine(label, safe(f"{name}  {digest}"))


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _quoted(argv: list[object]) -> str:
    import shlex

    return shlex.join(str(word) for word in argv)


def _diff(text: str) -> Iterator[ShownLine]:
    kinds: dict[str, Kind] = {"+": "added", "-": "removed", "@": "place"}
    label = "diff"
    for line in text.rstrip("\n").split("\n"):
        kind: Kind = "place" if line.startswith(("+++ ", "--- ")) else kinds.get(line[:1], "plain")
        yield ShownLine(label, safe(line), kind)
        label = ""


def _flat(label: str, value: object) -> Iterator[ShownLine]:
    """One line a scalar, under its path; texts of several lines below their label."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{label}.{name}" if label else str(name), item)
    elif isinstance(value, str) and "\n" in value:
        if label.rpartition(".")[2] == "diff":
            yield from _diff(value)
            return
        first, *rest = value.rstrip("\n").split("\n")
        yield ShownLine(safe(label), safe(first))
        yield from (ShownLine("", safe(line)) for line in rest)
    elif isinstance(value, str):
        yield ShownLine(safe(label), safe(value))
    elif value not in ([], None):
        yield ShownLine(safe(label), safe(json.dumps(value, ensure_ascii=False)))
