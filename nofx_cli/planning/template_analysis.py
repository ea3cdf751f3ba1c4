"""What can be told of a template from its text alone: its faults, and what it names. Imports Jinja."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jinja2 import TemplateSyntaxError, nodes

from nofx_cli.planning import sandbox
from nofx_cli.planning.filling import inner, spliced
from nofx_cli.planning.report import did_you_mean, quoted
from nofx_cli.planning.shell_text import ShellScan

_NAMES = ("params", "steps", "run", "env")
_MOST_NESTED = 3
_ALLOWED = (nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Expr, nodes.Helper)
_STATEMENTS = "a template has `{{ … }}`, `{% if %}` and `{% for %}`"
_STATEMENT_NAMES = {
    "assign": "set",
    "assignblock": "set",
    "filterblock": "filter",
    "callblock": "call",
    "fromimport": "from",
    "exprstmt": "do",
}
_RAW = "text that is no template goes between `{% raw %}` and `{% endraw %}`"


class Fault(NamedTuple):
    """A fault of a template text: `needles` are what to look for in it, the n-th of them is meant."""

    message: str
    needles: tuple[str, ...] = ()
    nth: int = 0
    hint: str = ""
    code: str = "plan-bad-template"


@dataclass(slots=True)
class Analysis:
    """What a template names, and its faults. Keys are names, values what to look for in the text to find the place."""

    faults: list[Fault] = field(default_factory=list)
    params: dict[str, tuple[str, ...]] = field(default_factory=dict)
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)


def analyse(env: sandbox.Environment, text: str, is_expression: bool, is_command: bool) -> Analysis:
    """Look at one text: a template, an expression, or the text of a shell command."""
    analysis = Analysis()
    try:
        if is_expression:
            tree = nodes.Template([nodes.Output([sandbox.parse_expression(env, inner(text))], lineno=1)], lineno=1)
        else:
            tree = env.parse(text)
    except TemplateSyntaxError as exc:
        message = f"this is no {'expression' if is_expression else 'template'}: {exc.message}"
        line = text.splitlines()[exc.lineno - 1].strip() if 0 < exc.lineno <= len(text.splitlines()) else ""
        analysis.faults.append(Fault(message, (line,) if line else (), hint="" if is_expression else _RAW))
        return analysis
    analysis.faults += _statement_faults(tree)
    if analysis.faults:
        return analysis
    analysis.faults += _filter_faults(env, tree)
    _collect_names(tree, analysis)
    if is_command:
        analysis.faults += _quoting_faults(tree)
    return analysis


def _statement_faults(tree: nodes.Template) -> Iterator[Fault]:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            name = type(node).__name__.lower()
            name = _STATEMENT_NAMES.get(name, name)
            yield Fault(f"templates have no `{{% {name} %}}`", (f"% {name}", f"%{name}", name), hint=_STATEMENTS)
            return
        if isinstance(node, nodes.For) and (node.recursive or _nesting(node) > _MOST_NESTED):
            yield Fault("loops are nested too deep, or recursive", ("for",))
            return


def _nesting(loop: nodes.For) -> int:
    return 1 + max((_nesting(child) for child in loop.find_all(nodes.For)), default=0)


def _filter_faults(env: sandbox.Environment, tree: nodes.Template) -> Iterator[Fault]:
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        known: Mapping[str, object] = env.filters if isinstance(node, nodes.Filter) else env.tests
        if node.name not in known:
            what = "filter" if isinstance(node, nodes.Filter) else "test"
            yield Fault(f"there is no {what} {quoted(node.name)}", (node.name,), hint=did_you_mean(node.name, known))


def _collect_names(tree: nodes.Template, analysis: Analysis) -> None:
    own = {name.name for loop in tree.find_all(nodes.For) for name in loop.target.find_all(nodes.Name)}
    own |= {loop.target.name for loop in tree.find_all(nodes.For) if isinstance(loop.target, nodes.Name)}
    own |= {"loop", "range"}
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in own and name.name not in _NAMES:
            hint = "a text goes in quotes; a template sees params, steps, run and env"
            analysis.faults.append(Fault(f"{quoted(name.name)} is not defined", (name.name,), hint=hint))
    for by_name in tree.find_all(nodes.Getattr):
        _collect_access(by_name, analysis)
    for by_key in tree.find_all(nodes.Getitem):
        _collect_access(by_key, analysis)


def _collect_access(node: nodes.Getattr | nodes.Getitem, analysis: Analysis) -> None:
    key = _key(node)
    if key is None:
        return
    if isinstance(node.node, nodes.Name):
        root = node.node.name
        needles = (f"{root}.{key}", f"{root}['{key}']", f'{root}["{key}"]', root)
        if root == "params":
            analysis.params.setdefault(key, needles)
        elif root == "steps":
            analysis.steps.setdefault(key, needles)
        elif root == "run" and key not in ("id", "goal"):
            analysis.faults.append(Fault(f"`run` has no {quoted(key)}", needles, hint="it has `id` and `goal`"))
    elif isinstance(node.node, nodes.Getattr | nodes.Getitem):
        parent = node.node
        is_step = isinstance(parent.node, nodes.Name) and parent.node.name == "steps" and _key(parent) is not None
        if is_step and key not in ("outputs", "status"):
            message = f"a step has no {quoted(key)}"
            analysis.faults.append(Fault(message, (f".{key}", key), hint="it has `outputs` and `status`"))


def _key(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """The name that is asked for; None where it is only known when the template is filled in."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None


def _quoting_faults(tree: nodes.Template) -> Iterator[Fault]:
    """Values inside quotes; each branch of an `if` and the body of a loop are read once, in the order of the text."""
    scan = ShellScan()
    number, before = 0, ""
    for expression, text in spliced(tree):
        if expression is None:
            before += text
            continue
        scan.feed(before)
        before = ""
        if scan.obstacle:
            hint = "nofx quotes the value itself: write it outside of quotes, or pass it in `env`"
            message = f"a value {scan.obstacle} of a command"
            yield Fault(message, ("{{",), number, hint, "plan-quoted-template")
        scan.value()
        number += 1
