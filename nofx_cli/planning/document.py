"""The text of a YAML file as nodes that know their place.

The core schema of YAML 1.2 holds: only `true` and `false` are booleans (`yes`, `on` and `off` are text), `1:30` and
`2026-01-01` are text, `0o17` is octal and `017` is seventeen. One document, no merge keys, no tags but those of the
core schema. Anchors and aliases are taken, as long as no alias contains itself and the whole stays of a sane size.
"""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nofx_cli import errors
from nofx_cli.planning.nodes import BOOL, FLOAT, INT, MAP, NULL, SEQ, STR, Node
from nofx_cli.planning.report import BYTE_ORDER_MARK, Report, quoted

if TYPE_CHECKING:
    from yaml.error import MarkedYAMLError

    from nofx_cli.planning.diagnostics import PlanInvalid

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 2_000_000
"""How many values the aliases of a file may expand to."""

_UNPRINTABLE = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), NULL),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), BOOL),
}
_FIRST_OF_NUMBERS = frozenset("0123456789+-.")
_INT = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_HOMELY = {
    "mapping values are not allowed in this context": (
        "`: ` cannot stand here",
        "if it is text, put the whole value in quotes; else see to the indentation",
    ),
    "block sequence entries are not allowed in this context": (
        "`- ` cannot stand here",
        "a list begins on a line of its own",
    ),
    "did not find expected key": ("this does not belong to the mapping above", "see to the indentation and the quotes"),
    "did not find expected '-' indicator": ("this does not belong to the list above", "see to the indentation"),
    "did not find expected ',' or ']'": ("a `[` is not closed before this", "write `,` or `]`"),
    "did not find expected ',' or '}'": ("a `{` is not closed before this", "write `,` or `}`"),
    "did not find expected node content": ("a value is expected here", "text that begins like this goes in quotes"),
    "did not find expected <document start>": ("the document has ended before this", ""),
    "found unknown escape character": ("no such escape in double quotes", "write `\\\\`, or use single quotes"),
    "found a tab character that violates indentation": ("a tab cannot indent YAML", "use spaces"),
    "found undefined tag handle": ("a tag that is not defined", ""),
}


def read_plan_text(path: Path) -> str:
    """The text of a plan's file, line ends as they are.

    Raises:
        PlanInvalid: it is not UTF-8, or too large.
        errors.NotFound: it cannot be read (code `plan-not-found`).
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        reason = exc.strerror or "it cannot be read"
        raise errors.NotFound(f"{path}: {reason}", code="plan-not-found", context={"path": str(path)}) from exc
    if len(data) > MAX_BYTES:
        _too_large(Report(str(path), ""))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise _not_utf_8(path, data, exc.start) from exc


def compose(text: str, report: Report) -> Node:
    """The one document of `text`.

    Raises:
        PlanInvalid: it is not YAML as described above; the syntax is told at its first fault.
    """
    if len(text) > MAX_BYTES:
        _too_large(report)
    text = text.removeprefix(BYTE_ORDER_MARK)
    _refuse_unprintable(text, report)
    import yaml

    try:
        root: Node | None = _loader()(text).get_single_node()
    except yaml.MarkedYAMLError as exc:
        _syntax_fault(exc, report)
    except (yaml.YAMLError, RecursionError) as exc:
        report.at("plan-syntax", 0, 0, f"this is no YAML: {exc}")
        report.stop_if_any()
        raise
    if root is None:
        report.at("plan-syntax", 0, 0, "the file is empty", hint="a plan begins with `steps:`")
        raise report.invalid()
    if "&" in text and "*" in text:
        _refuse_endless_aliases(root, report)
    return root


@cache
def _loader() -> type[Any]:
    """PyYAML's parser (the one in C where there is one) with the core schema of YAML 1.2 and a limit to nesting."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # one of two, known at run time
        depth = 0

        def resolve(self, kind: type, value: str, implicit: tuple[bool, bool]) -> str:
            if kind is yaml.ScalarNode:
                return _core_tag(value) if implicit[0] else STR
            return SEQ if kind is yaml.SequenceNode else MAP

        def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(
                    problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=parent.start_mark if parent else None
                )

        def ascend_resolver(self) -> None:
            self.depth -= 1

    return Loader


def _core_tag(value: str) -> str:
    """The tag of a plain scalar."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] in _FIRST_OF_NUMBERS:
        if re.fullmatch(_INT, value):
            return INT
        if re.fullmatch(_FLOAT, value):
            return FLOAT
    return STR


def _refuse_unprintable(text: str, report: Report) -> None:
    found = re.search(_UNPRINTABLE, text)
    if not found:
        return
    what = f"the character {quoted(found[0])} cannot stand in YAML"
    report.at(
        "plan-syntax", *report.place_of(found.start()), what, hint="inside double quotes it can be written as an escape"
    )
    report.stop_if_any()


def _syntax_fault(exc: "MarkedYAMLError", report: Report) -> NoReturn:
    mark = exc.problem_mark or exc.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem = exc.problem or str(exc)
    message, hint = _HOMELY.get(problem, (problem, ""))
    if problem == "found character that cannot start any token":
        message, hint = _bad_start(report.lines[line][column : column + 1])
    elif problem == "found unexpected end of stream" and exc.context_mark:
        line, column = exc.context_mark.line, exc.context_mark.column
        message, hint = "this quote is never closed", ""
    elif problem == "but found another document":
        message, hint = "a second document begins here; a plan is one document", "take the `---` out"
    elif problem.startswith("found undefined alias"):
        message, hint = "this alias names no anchor above it", "text that begins with `*` goes in quotes"
    elif exc.context in ("while scanning an alias", "while scanning an anchor"):
        char = report.lines[line][column - 1 : column]
        message, hint = f"the name of an anchor should follow {quoted(char)}", "text that begins so goes in quotes"
    elif problem == "second occurrence":
        message, hint = "this anchor is there already", "give it another name"
    report.at("plan-syntax", line, column, message, hint=hint)
    raise report.invalid() from exc


def _bad_start(char: str) -> tuple[str, str]:
    if char == "\t":
        return "a tab cannot indent YAML", "use spaces"
    return f"no value can begin with {quoted(char)}", "put the value in quotes"


def _refuse_endless_aliases(root: Node, report: Report) -> None:
    """Sizes of all nodes, children first; a node that is met again while it is open contains itself."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes.get(id(child), 0) for child in _children(node))
            if sizes[id(node)] > MAX_VALUES:
                report.at_node("plan-too-large", node, f"with its aliases this is more than {MAX_VALUES:,} values")
                break
        elif id(node) in open_nodes:
            report.at_node("plan-syntax", node, "an alias in here contains itself")
            break
        elif id(node) not in sizes:
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in _children(node))
    report.stop_if_any()


def _children(node: Node) -> list[Node]:
    if node.id == "mapping":
        return [part for pair in node.value for part in pair]
    return node.value if node.id == "sequence" else []


def _too_large(report: Report) -> NoReturn:
    report.at("plan-too-large", 0, 0, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    raise report.invalid()


def _not_utf_8(path: Path, data: bytes, start: int) -> "PlanInvalid":
    good = data[:start].decode("utf-8")
    report = Report(str(path), good)
    utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    hint = "it looks like UTF-16; save it as UTF-8" if utf_16 else "save it as UTF-8"
    line, column = report.place_of(len(good))
    report.at("plan-syntax", line, column, f"the byte 0x{data[start]:02x} is not UTF-8", hint=hint)
    return report.invalid()
