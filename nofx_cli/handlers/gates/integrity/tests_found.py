"""Tests in source: their names, and how many assertions each of them makes.

A light scan instead of a parser, because it goes over every test file of a workspace: one regular expression knows
strings and comments, so that a test in either of them is none. What counts is only that a later scan of the same
text gives the same.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

PYTHON = frozenset({".py"})
SCRIPTS = frozenset({".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"})

_FOLDERS = frozenset({"tests", "test", "__tests__", "spec", "specs", "e2e"})
_PYTHON_NAME = re.compile(r"test_.*\.py|.*_test\.py|tests?\.py")
_SCRIPT_NAME = re.compile(r".*[.-](?:test|spec|cy|e2e)\.[cm]?[jt]sx?")

# No part begins with an assertion about what is before it: so the search goes by first letters, five times quicker.
_PYTHON = re.compile(
    rb'(?P<text>"""(?:[^\\"]|\\.|"(?!""))*+(?:""")?|\'\'\'(?:[^\\\']|\\.|\'(?!\'\'))*+(?:\'\'\')?'
    rb'|"(?:[^\\"\n]|\\.)*+"|\'(?:[^\\\'\n]|\\.)*+\'|\#[^\n]*)'
    rb"|(?P<scope>def[ \t]+\w+|class[ \t]+\w+)"
    rb"|(?P<check>assert(?<![\w.]assert)\b|\.assert\w*\(|pytest\.(?:raises|warns|fail)\b|self\.fail\b)",
    re.DOTALL,
)
_BEFORE_A_SCOPE = re.compile(rb"[ \t]*(?:async[ \t]+)?")
_SCRIPT = re.compile(
    rb"(?P<test>(?:it(?<![\w.]it)|test(?<![\w.]test)|specify)(?:\.\w+)*[ \t]*(?:\([^()\n]*\)[ \t]*)?\([ \t\n]*"
    rb"(?:'(?P<a>[^'\n]*)'|\"(?P<b>[^\"\n]*)\"|`(?P<c>[^`]*)`))"
    rb"|(?P<text>/\*.*?\*/|//[^\n]*|'(?:[^\\'\n]|\\.)*+'|\"(?:[^\\\"\n]|\\.)*+\"|`(?:[^\\`]|\\.)*+`)"
    rb"|(?P<check>\bexpect(?:\.\w+)?[ \t]*\(|\bassert(?:\.\w+)?[ \t]*\(|\.should\b)",
    re.DOTALL,
)


def suffix_of(path: str) -> str:
    """What a name ends in, with its dot; of a name that begins with its only dot, all of it."""
    name = path.rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""


def is_test_file(path: str) -> bool:
    """Whether a file holds tests, or what tests use: by its name, or because it lies among tests."""
    suffix = suffix_of(path)
    if suffix not in PYTHON and suffix not in SCRIPTS:
        return False
    return is_collected(path) or not _FOLDERS.isdisjoint(path.split("/")[:-1])


def is_collected(path: str) -> bool:
    """Whether a runner finds tests in it by the usual rules of names."""
    name = path.rpartition("/")[2]
    if suffix_of(path) in PYTHON:
        return _PYTHON_NAME.fullmatch(name) is not None
    return _SCRIPT_NAME.fullmatch(name) is not None or "__tests__" in path.split("/")[:-1]


def read_tests(path: str, data: bytes) -> dict[str, int]:
    """The assertions of each test; those outside of tests stand under the empty name, where there are any."""
    return _python_tests(data) if suffix_of(path) in PYTHON else _script_tests(data)


def _python_tests(data: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    scopes: list[_Scope] = []
    current = ""
    for match in _PYTHON.finditer(data):
        if match.lastgroup == "check":
            found[current] = found.get(current, 0) + 1
        elif match.lastgroup == "scope" and (scope := _scope(data, match)) is not None:
            while scopes and scopes[-1].indent >= scope.indent:
                scopes.pop()
            in_function = any(not outer.is_class for outer in scopes)
            scopes.append(scope)
            if not in_function:  # else its assertions are those of the outer one
                current = _name(scopes)
                if current:
                    current = _unlike(found, current)
                    found[current] = 0
    return found


class _Scope(NamedTuple):
    indent: int
    name: str
    is_class: bool


def _scope(data: bytes, match: re.Match[bytes]) -> _Scope | None:
    """None where something else than `async` stands before it on its line."""
    start = data.rfind(b"\n", 0, match.start()) + 1
    before = data[start : match.start()]
    if before and not _BEFORE_A_SCOPE.fullmatch(before):
        return None
    kind, name = match[0].split(None, 1)
    indent = len(before) - len(before.lstrip(b" \t"))
    return _Scope(indent, name.decode("utf-8", "replace"), kind == b"class")


def _name(scopes: Sequence[_Scope]) -> str:
    """`TestA::test_x`; empty for what is no test. One that a condition stands above is another one than before."""
    last = scopes[-1]
    if last.is_class or not last.name.startswith("test"):
        return ""
    name = "::".join(scope.name for scope in scopes)
    return f"{name} (under a condition)" if scopes[0].indent else name


def _script_tests(data: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    current = ""
    for match in _SCRIPT.finditer(data):
        if match.lastgroup == "check":
            found[current] = found.get(current, 0) + 1
        elif match["test"] is not None:
            title = next(text for text in (match["a"], match["b"], match["c"]) if text is not None)
            current = _unlike(found, title.decode("utf-8", "replace"))
            found[current] = 0
    return found


def _unlike(found: dict[str, int], name: str) -> str:
    """The name, with a number where it stands in the file already."""
    number, given = 2, name
    while name in found:
        name, number = f"{given} ({number})", number + 1
    return name
