"""Fills in single templates; see `sandbox` for what they can do. Imports Jinja."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jinja2 import Template, TemplateError, nodes
from jinja2.environment import TemplateExpression

from nofx_cli.domain.ids import JsonValue
from nofx_cli.planning import sandbox
from nofx_cli.planning.report import quoted
from nofx_cli.planning.shell_text import ShellScan
from nofx_cli.planning.template_values import as_text, plain, sh
from nofx_cli.ports.rendering import RenderFailed

T = TypeVar("T")

_MARK = "\0"
_TRUTH = {"true": True, "false": False, "": False}


class Filling:
    """Compiled templates of one plan. Each is compiled once; none is kept beyond this object."""

    def __init__(self) -> None:
        self._plain = sandbox.environment(as_text)
        self._shell = sandbox.environment(_marked)
        self._values: dict[str, Callable[[Mapping[str, Any]], JsonValue]] = {}
        self._texts: dict[str, Template] = {}
        self._commands: dict[str, Template] = {}
        self._conditions: dict[str, TemplateExpression] = {}

    def value(self, text: str, names: Mapping[str, Any]) -> JsonValue:
        """The text filled in; where it is one single expression, the value of that, whatever type it has.

        Raises:
            RenderFailed: it cannot be rendered.
        """
        return _guarded(text, lambda: self._valued(text)(names))

    def text(self, text: str, names: Mapping[str, Any]) -> str:
        """The text filled in. Raises `RenderFailed`."""
        return _guarded(text, lambda: _render(self._template(text), names))

    def command(self, text: str, names: Mapping[str, Any]) -> str:
        """The text of a shell command, every value in it quoted. Raises `RenderFailed`."""
        return _guarded(text, lambda: _checked(_render(self._command(text), names)))

    def holds(self, expression: str, names: Mapping[str, Any]) -> bool:
        """Whether an expression is true. Raises `RenderFailed`, also where it is neither true nor false."""
        return _guarded(expression, lambda: _truth(self._condition(expression)(_with_rounds(names))))

    def _valued(self, text: str) -> Callable[[Mapping[str, Any]], JsonValue]:
        found = self._values.get(text)
        if found is None:
            tree = sandbox.parse(self._plain, text)
            if sandbox.single_expression(tree, text):
                expression = self._plain.compile_expression(inner(text), undefined_to_none=False)
                found = self._values[text] = lambda names: _limited(plain(expression(_with_rounds(names))))
            else:
                template = self._plain.from_string(tree)
                found = self._values[text] = lambda names: _render(template, names)
        return found

    def _template(self, text: str) -> Template:
        if text not in self._texts:
            self._texts[text] = self._plain.from_string(sandbox.parse(self._plain, text))
        return self._texts[text]

    def _command(self, text: str) -> Template:
        if text not in self._commands:
            if _MARK in text:
                raise RenderFailed("a command cannot have a NUL character in it")
            self._commands[text] = self._shell.from_string(sandbox.parse(self._shell, text))
        return self._commands[text]

    def _condition(self, expression: str) -> TemplateExpression:
        if expression not in self._conditions:
            self._conditions[expression] = self._plain.compile_expression(inner(expression), undefined_to_none=False)
        return self._conditions[expression]


def inner(text: str) -> str:
    """The expression inside `{{ … }}`; a text that has no braces around it is one as it stands."""
    stripped = text.strip()
    if stripped.startswith("{{") and stripped.endswith("}}"):
        return stripped[2:-2].strip("-+").strip()
    return stripped


def spliced(tree: nodes.Template) -> list[tuple[nodes.Expr | None, str]]:
    """The pieces of a template in the order of its text: literal text, or an expression."""
    found: list[tuple[nodes.Expr | None, str]] = []
    for output in tree.find_all(nodes.Output):
        found += [(None, n.data) if isinstance(n, nodes.TemplateData) else (n, "") for n in output.nodes]
    return found


def _marked(value: Any) -> str:
    """A value quoted for the shell, between marks that text cannot have."""
    return f"{_MARK}{sh(value)}{_MARK}"


def _checked(marked: str) -> str:
    """The command without the marks.

    Raises:
        RenderFailed: a value stands where quotes do not protect.
    """
    scan = ShellScan()
    pieces = marked.split(_MARK)
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            scan.feed(piece)
        elif scan.obstacle:
            raise RenderFailed(f"{quoted(piece)} would stand {scan.obstacle}, where quoting does not protect")
        elif piece:
            scan.value()
    return "".join(pieces)


def _render(template: Template, names: Mapping[str, Any]) -> str:
    pieces: list[str] = []
    length = 0
    for piece in template.generate(_with_rounds(names)):
        length += len(piece)
        if length > sandbox.LIMIT:
            raise RenderFailed(f"the text becomes longer than {sandbox.LIMIT // 1024} KiB")
        pieces.append(piece)
    return "".join(pieces)


def _with_rounds(names: Mapping[str, Any]) -> dict[str, Any]:
    return {**names, sandbox.ROUNDS: [sandbox.MAX_ROUNDS]}


def _limited(value: JsonValue) -> JsonValue:
    if isinstance(value, str) and len(value) > sandbox.LIMIT:
        raise RenderFailed(f"the text becomes longer than {sandbox.LIMIT // 1024} KiB")
    return value


def _truth(value: Any) -> bool:
    if isinstance(value, sandbox.Missing):
        bool(value)
    if value is None or isinstance(value, bool | int | float):
        return bool(value)
    if isinstance(value, str) and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    raise RenderFailed(f"it gives {quoted(as_text(value))}, which is neither true nor false")


def _guarded(text: str, render: Callable[[], T]) -> T:
    try:
        return render()
    except RenderFailed as exc:
        raise RenderFailed(f"{quoted(text.strip())}: {exc}") from exc
    except TemplateError as exc:
        raise RenderFailed(f"{quoted(text.strip())}: {exc.message}") from exc
    except Exception as exc:
        raise RenderFailed(f"{quoted(text.strip())}: {str(exc) or type(exc).__name__}") from exc
