"""Jinja, shut in: what templates of a plan can do, and how what they give becomes text.

A template computes something small from the values that it sees. It has expressions, `if` and `for`; a few safe
filters; the methods of values that change and grow nothing. It cannot reach Python's attributes, cannot loop or
grow without bound, and what is not defined is an error. This module imports Jinja, so it is imported only where a
plan has a template.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from nofx_cli.planning.report import quoted
from nofx_cli.planning.template_values import as_text, kind_of, sh, to_json

LIMIT = 1024 * 1024
"""How long a text may become, in characters."""
MAX_ROUNDS = 100_000
"""How many rounds the loops of one template may take, all together."""
ROUNDS = "rounds left of this rendering"

_FILTERS = (
    *("abs", "capitalize", "default", "d", "dictsort", "first", "float", "int", "items", "last", "length", "count"),
    *("list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort"),
    *("string", "title", "trim", "unique", "upper", "urlencode", "wordcount"),
)
_TEXT_METHODS = (
    *("lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "count"),
    *("startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "find", "rfind", "index"),
    *("isdigit", "isalpha", "isalnum", "isspace", "islower", "isupper"),
)
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(_TEXT_METHODS),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("index", "count")),
    tuple: frozenset(("index", "count")),
    LoopContext: frozenset(
        ("index", "index0", "first", "last", "length", "revindex", "revindex0", "previtem", "nextitem", "cycle")
    ),
}


class Scope(Mapping[str, Any]):
    """Named values that a template sees. `label` is how it writes them, `note` says why one is missing."""

    def __init__(self, label: str, values: Mapping[str, Any], note: str = "") -> None:
        self.label = label
        self.note = note
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Missing(StrictUndefined):
    """What is not defined; using it in any way says what there is instead."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, found = self._undefined_name, self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        if found is missing:
            return f"{quoted(str(name))} is not defined"
        if not isinstance(found, Mapping):
            return f"{kind_of(found)} has no {quoted(str(name))}"
        label = found.label if isinstance(found, Scope) else ""
        full = quoted(f"{label}.{name}" if label else str(name))
        note = found.note if isinstance(found, Scope) else ""
        return f"{full} is not defined ({note or _there_is(found)})"


class Environment(ImmutableSandboxedEnvironment):
    """Keys come before methods, so that a step or an output may be called `items`; methods are those listed above."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Undefined):
            return obj._fail_with_undefined_error()
        kind = (
            dict if isinstance(obj, Mapping) else next((kind for kind in type(obj).__mro__ if kind in _METHODS), None)
        )
        if kind is not None and attribute in _METHODS[kind]:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj._fail_with_undefined_error()
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise SecurityError("`%` does not format text here; join it with `~`")
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, str | list | tuple) and isinstance(times, int) and len(text) * times > LIMIT:
                    raise SecurityError("the product is too long")
        if operator == "**" and isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > 4096:
            raise SecurityError("the power is too large")
        return super().call_binop(context, operator, left, right)


def environment(finalize: Callable[[Any], str]) -> Environment:
    """Jinja with nothing but what plans have; `finalize` makes text of what an expression gives."""
    made = Environment(
        undefined=Missing,
        finalize=finalize,
        keep_trailing_newline=True,
        comment_start_string="\0#",  # `${#name}` is shell, not a comment
        comment_end_string="#\0",
    )
    made.globals = {"range": _range}
    made.filters = {
        **{name: FILTERS[name] for name in _FILTERS},
        "sh": sh,
        "json": to_json,
        "tojson": to_json,
        "join": _join,
        "replace": _replace,
        "bounded": _bounded,
    }
    return made


def parse(env: Environment, text: str) -> nodes.Template:
    """A template's syntax tree, its loops bounded.

    Raises:
        TemplateSyntaxError: it is no template.
    """
    tree = env.parse(text)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "bounded", [], [], None, None, lineno=loop.lineno, environment=env)
    return tree


def parse_expression(env: Environment, text: str) -> nodes.Expr:
    """The syntax tree of an expression that stands by itself.

    Raises:
        TemplateSyntaxError: it is no expression.
    """
    parser = Parser(env, text, state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        parser.fail(f"{quoted(str(parser.stream.current))} does not belong here")
    expression.set_environment(env)
    return expression


def single_expression(tree: nodes.Template, text: str) -> bool:
    """Whether the text is one `{{ … }}` and nothing else."""
    if not (text.startswith("{{") and text.endswith("}}") and len(tree.body) == 1):
        return False
    only = tree.body[0]
    return isinstance(only, nodes.Output) and len(only.nodes) == 1 and not isinstance(only.nodes[0], nodes.TemplateData)


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > MAX_ROUNDS:
        raise SecurityError(f"a range of more than {MAX_ROUNDS:,}")
    return found


@pass_context
def _bounded(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    left = context.get(ROUNDS, [0])
    for value in values:
        left[0] -= 1
        if left[0] < 0:
            raise SecurityError(f"its loops take more than {MAX_ROUNDS:,} rounds")
        yield value


def _join(values: Iterable[Any], separator: str = "") -> str:
    texts = [as_text(value) for value in values]
    if sum(map(len, texts)) + len(separator) * len(texts) > LIMIT:
        raise SecurityError("the text is too long")
    return separator.join(texts)


def _replace(text: Any, old: str, new: str) -> str:
    whole = as_text(text)
    if len(whole) + (whole.count(old) * len(new)) > LIMIT:
        raise SecurityError("the text is too long")
    return whole.replace(old, new)


def _there_is(found: Mapping[str, Any]) -> str:
    names = [quoted(str(name)) for name in list(found)[:8]]
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return f"there is {', '.join(names)}{more}" if names else "there is none"
