"""The map of a repository: what its files define, what matters first, within a bound, always the same."""

from collections.abc import Mapping
from random import Random

import pytest

from nofx_cli.handlers.codegen.blocks import tokens_of
from nofx_cli.handlers.codegen.repo_map import repo_map
from nofx_cli.handlers.codegen.symbols import symbols_of

FILES = {
    "README.md": "# x\n",
    "src/app.py": "class App(Base):\n def start(self): ...\n def _own(self): ...\ndef main(argv: list[str]): ...\n",
    "src/money.py": "def round_up(cents: int): ...\n",
    "web/cart.ts": "export function total(items: Item[]) {\n}\n",
}


def drawn(files: Mapping[str, str] = FILES, *, task: str = "", given: tuple[str, ...] = (), tokens: int = 500) -> str:
    return repo_map(list(files), task=task, given=given, tokens=tokens, read=lambda path: files[path])


def test_a_map_has_the_files_with_what_they_define() -> None:
    assert drawn() == (
        "README.md\n"
        "src/app.py\n"
        "  class App(Base): start\n"
        "  def main(argv: list[str])\n"
        "src/money.py\n"
        "  def round_up(cents: int)\n"
        "web/cart.ts\n"
        "  export function total(items: Item[])\n"
    )


@pytest.mark.parametrize(
    "task",
    ["mend web/cart.ts", "mend cart.ts", "mend `total`"],
    ids=["path", "name", "definition"],
)
def test_what_the_task_names_comes_first(task: str) -> None:
    assert drawn(task=task).startswith("web/cart.ts\n")


def test_a_name_in_the_task_is_looked_for_in_what_files_define() -> None:
    assert drawn(task="call round_up twice").startswith("src/money.py\n")
    assert drawn(task="call it twice").startswith("README.md\n")


def test_what_lies_near_the_given_files_comes_before_the_rest() -> None:
    assert [line for line in drawn(given=("web/index.ts",)).splitlines() if line[0] != " "] == [
        "web/cart.ts", "README.md", "src/app.py", "src/money.py"
    ]  # fmt: skip


def test_a_map_keeps_within_its_tokens_and_says_how_much_is_missing() -> None:
    many = {f"src/m{n:03}.py": f"def f{n}(): ...\n" for n in range(200)}
    text = drawn(many, tokens=100)
    assert tokens_of(text) <= 100
    lines = text.splitlines()
    assert lines[:2] == ["src/m000.py", "  def f0()"]
    shown = [line for line in lines if line.startswith("src/")]
    assert len(shown) > sum(line.startswith("  ") for line in lines) > 0
    assert lines[-1] == f"… and {200 - len(shown)} more files"
    assert drawn(many, tokens=1) == ""


def test_the_order_of_the_files_does_not_matter() -> None:
    paths = list(FILES)
    Random(7).shuffle(paths)
    assert drawn({path: FILES[path] for path in paths}, task="App", given=("web/x.ts",)) == drawn(
        task="App", given=("web/x.ts",)
    )


def test_only_files_that_are_shown_with_their_definitions_are_read_where_the_task_has_no_names() -> None:
    many = {f"m{n:03}.py": "def f(): ...\n" for n in range(500)}
    read: list[str] = []

    def noted(path: str) -> str:
        read.append(path)
        return many[path]

    repo_map(list(many), task="mend it", given=(), tokens=60, read=noted)
    assert 0 < len(read) < 20


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "async def f(x, *, y=1): ...\n", ["async def f(x, *, y=1)"]),
        ("a.py", "def broken(\n", []),
        ("a.go", "package a\n\nfunc Sum(a, b int) int {\n\treturn a + b\n}\n", ["func Sum(a, b int) int"]),
        ("a.rs", "pub(crate) struct S {\n    x: u8,\n}\nimpl S {\n", ["pub(crate) struct S", "impl S"]),
        ("A.java", "public final class A extends B {\n  int x;\n}\n", ["public final class A extends B"]),
        ("a.js", "export const sum = (a, b) => a + b;\nconst own = 1;\n", ["export const sum = (a, b) => a + b"]),
        ("a.sh", "build() {\n  make\n}\n", ["build()"]),
        ("a.sql", "create table t (\n  id int\n);\n", ["create table t ("]),
        ("a.md", "class is a word\n", []),
        ("a.min.js", "function f(){" + "x" * 1_000 + "}", []),
    ],
)
def test_what_files_define(path: str, text: str, expected: list[str]) -> None:
    assert symbols_of(path, text) == expected


def test_a_file_that_defines_much_is_cut() -> None:
    found = symbols_of("a.py", "".join(f"def f{n}(): ...\n" for n in range(50)))
    assert (len(found), found[-1]) == (41, "… 10 more")
