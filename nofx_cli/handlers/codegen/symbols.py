"""What a source file defines at its top, a line each: for Python by its syntax, for others by how lines begin."""

import ast
import re
from collections.abc import Iterable, Iterator

_PYTHON = (".py", ".pyi")
_LONGEST, _MOST = 120, 40
_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|open|async|unsafe"
    r"|pub(?:\([a-z]+\))?|data|inline)\s+)*"
)
_KEYWORDS = (
    r"(?:function\*?|class|interface|enum|struct|trait|impl|type|namespace|module|func|fn|fun|def|object|record"
    r"|protocol|extension|sub)"
)
_DEFINES = re.compile(rf"^{_MODIFIERS}{_KEYWORDS}\b.*|^export\s+(?:const|let|var)\s+\w.*|^CREATE\s+\w.*", re.IGNORECASE)
_SHELL_FUNCTION = re.compile(r"^[A-Za-z_][\w-]*\s*\(\)\s*\{?")
_NO_SOURCE = (".md", ".rst", ".txt", ".json", ".yaml", ".yml", ".toml", ".lock", ".csv", ".html", ".css", ".svg")


def symbols_of(path: str, text: str) -> list[str]:
    """The public definitions of a file, in their order; none where its language is not known or it is no source."""
    if path.endswith(_NO_SOURCE):
        return []
    found = list(_of_python(text) if path.endswith(_PYTHON) else _by_lines(text))
    more = len(found) - _MOST
    return [*found[:_MOST], f"… {more} more"] if more > 0 else found


def definition_of(names: Iterable[str]) -> re.Pattern[str]:
    """What finds a line that defines one of these names, in any language: quick, and not to be relied on."""
    any_name = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"^[^\n]{{0,60}}\b(?:{_KEYWORDS}|const|let|var)\s+(?:{any_name})\b", re.MULTILINE)


def _of_python(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("_"):
                yield _shortened(_signature(node))
        elif isinstance(node, ast.ClassDef):
            yield _shortened(_class(node))


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    start = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{start} {node.name}({ast.unparse(node.args)}){returns}"


def _class(node: ast.ClassDef) -> str:
    bases = ", ".join(map(ast.unparse, node.bases))
    inside = [child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
    methods = ", ".join(child.name for child in inside if not child.name.startswith("_"))
    return f"class {node.name}{f'({bases})' if bases else ''}{f': {methods}' if methods else ''}"


def _by_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line[:1].isspace() or len(line) > 4 * _LONGEST:
            continue
        if _DEFINES.match(line) or _SHELL_FUNCTION.match(line):
            yield _shortened(line.rstrip(" {:;\t"))


def _shortened(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
