"""What is written for a new handler: names that hold, and the texts of its files."""

import keyword
import re
from enum import StrEnum
from pathlib import Path, PurePosixPath
from string import Template

from nofx_cli import __version__, errors
from nofx_cli.domain.plan import GATE
from nofx_cli.domain.record import record
from nofx_cli.safety.never_written import HANDLERS

_TEXTS = Path(__file__).parent / "files"
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_TOOL = re.compile(r"[a-z][a-z0-9_-]*(:[a-z0-9][a-z0-9_.-]*)*(:\*)?")
_LONGEST = 40
_PREFIX = "nofx-"


class Kind(StrEnum):
    """What a handler is begun with."""

    PLAIN = "plain"
    EFFECT = "effect"
    GATE = "gate"


_INPUTS = {
    Kind.PLAIN: ", inputs: {text: hello}",
    Kind.EFFECT: ", inputs: {to: ../hello.txt, text: hello}",
    Kind.GATE: "",
}


_TESTED_WITH = {
    Kind.PLAIN: ("FakeContext", "check", "preview", "process_result"),
    Kind.EFFECT: ("FakeContext", "check", "preview", "reconcile"),
    Kind.GATE: ("FakeContext", "check"),
}
"""What each one's test takes from `nofx_cli.testing`."""


@record
class Draft:
    """Files that are to be written.

    Attributes:
        tool: the pattern of its tools. `example` is one of them.
        handler, test: where the two are, below the folder that all of it is written to.
        files: texts by path, in the order in which they are told. `shared` are those that may be there already.
        step: a step of a plan that uses it, in one line of YAML.
    """

    tool: str
    example: str
    handler: str
    test: str
    files: tuple[tuple[str, str], ...]
    shared: tuple[tuple[str, str], ...]
    step: str


def draft_handler(name: str, *, tool: str, kind: Kind, tests: str) -> Draft:
    """A handler of the project's own; its test goes to the folder `tests`. Raises as `draft_package`."""
    words = _words(name, tool, kind)
    handler, test = f"{HANDLERS}/{words['module']}.py", _below(tests, f"test_{words['module']}.py")
    testing = ", ".join(sorted([*_TESTED_WITH[kind], "load_handler"]))
    loaded = {"testing": testing, "own_import": "", "handler": "load_handler(TOOL, beside=__file__)"}
    files = ((handler, _text(kind.value, words)), (test, _text(f"{kind}_test", {**words, **loaded})))
    init = (f"{HANDLERS}/__init__.py", _text("handlers_init", words))
    return Draft(words["tool"], words["example"], handler, test, files, (init,), words["step"])


def draft_package(name: str, *, tool: str, kind: Kind) -> Draft:
    """A handler in a package that can be published and installed; all of it lies in one folder.

    Raises:
        errors.UsageError: `name` or `tool` is none (codes `plugin-name`, `tool-name`).
    """
    words = _words(name, tool, kind)
    folder, module = words["package"], words["package_module"]
    testing = ", ".join(_TESTED_WITH[kind])
    own = {"testing": testing, "own_import": f"\n\nfrom {module} import HANDLERS", "handler": "HANDLERS[0]"}
    source, test = f"{folder}/src/{module}", f"{folder}/tests/test_{words['module']}.py"
    files = (
        (f"{folder}/pyproject.toml", _text("package/pyproject", words, "toml")),
        (f"{folder}/README.md", _text("package/README", words, "md")),
        (f"{source}/__init__.py", _text("package/init", words)),
        (f"{source}/py.typed", ""),
        (f"{source}/handler.py", _text(kind.value, words)),
        (test, _text(f"{kind}_test", {**words, **own})),
    )
    return Draft(words["tool"], words["example"], f"{source}/handler.py", test, files, (), words["step"])


def _words(name: str, tool: str, kind: Kind) -> dict[str, str]:
    """What stands for the placeholders of every text."""
    _check_name(name)
    tool = tool or (GATE + name if kind is Kind.GATE else name)
    _check_tool(tool, kind)
    plain = name.removeprefix(_PREFIX)
    example = tool.replace("*", "example")
    match = f'tool.startswith("{tool[:-1]}")' if tool.endswith("*") else f'tool == "{tool}"'
    shown = f'"{example}"' if ":" in example else example
    module = name.replace("-", "_")
    return {
        "module": module,
        "name": "".join(part.capitalize() for part in re.split("[_-]", name)),
        "tool": tool,
        "example": example,
        "match": match,
        "entry": module,
        "package": _PREFIX + plain.replace("_", "-"),
        "package_module": (_PREFIX + plain).replace("-", "_"),
        "version": __version__,
        "step": f"{{name: {plain}, tool: {shown}{_INPUTS[kind]}}}",
    }


def _check_name(name: str) -> None:
    if keyword.iskeyword(name):
        fault = "it is a word of Python's own"
    elif len(name) > _LONGEST:
        fault = f"it is longer than {_LONGEST} characters"
    elif not _NAME.fullmatch(name):
        fault = "it names a file of Python: small letters and digits, with `_` or `-` between them"
    else:
        return
    raise errors.UsageError(
        f"{name!r} cannot be the name of a plugin: {fault}", code="plugin-name", hint=_remedy(name, "nofx plugin new ")
    )


def _check_tool(tool: str, kind: Kind) -> None:
    if not _TOOL.fullmatch(tool):
        raise errors.UsageError(
            f"{tool!r} cannot be a tool: a tool is `deploy` or `deploy:staging`, and `deploy:*` stands for a family",
            code="tool-name",
            hint="small letters, digits, `_`, `-` and `.`, parted by `:`",
        )
    if (kind is Kind.GATE) != tool.startswith(GATE):
        wanted = f"write --tool {GATE}{tool}" if kind is Kind.GATE else "add --gate"
        raise errors.UsageError(
            f"the tool {tool!r} is no gate" if kind is Kind.GATE else f"the tool {tool!r} is one of a gate",
            code="tool-name",
            hint=f"a gate's tool begins with `{GATE}`, and no other: {wanted}",
        )


def _remedy(name: str, typed: str) -> str:
    """What to type instead."""
    better = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")[:_LONGEST]
    good = _NAME.fullmatch(better) and not keyword.iskeyword(better)
    return f"{typed}{better}" if good else f"such as: {typed}greet"


def _below(folder: str, name: str) -> str:
    return (PurePosixPath(folder) / name).as_posix()


def _text(name: str, words: dict[str, str], suffix: str = "py") -> str:
    return Template((_TEXTS / f"{name}.{suffix}.txt").read_text("utf-8")).substitute(words)
