"""What `nofx plugin new` writes works as it is: for its own test, for type checkers and linters, and in runs."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance

DIES = "os.kill(os.getpid(), 9)"


def checked(folder: Path, *paths: str) -> str:
    """Hold a project's files against ruff, mypy and pytest, as strictly as they go; gives what pytest printed."""
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MYPY_CACHE_DIR": str(folder.parent / "mypy")}
    commands = {
        "ruff check": ["ruff", "check", "--isolated", "--select", "E,F,I,UP,B,SIM,RET,PT", *paths],
        "ruff format": ["ruff", "format", "--isolated", "--check", *paths],
        "ruff format, wide": ["ruff", "format", "--isolated", "--line-length=120", "--check", *paths],
        "mypy": ["mypy", "--strict", *paths],
        "pytest": ["pytest", "-q", "-p", "no:cacheprovider", "--strict-config", "-W", "error"],
    }
    for name, (program, *words) in commands.items():
        argv = [str(Path(sys.executable).parent / program), *words]
        done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return done.stdout


def handler_that_dies(nofx: Program, before: str) -> None:
    """An effect's handler that kills its process once before a line."""
    assert nofx("plugin", "new", "post", "--effect").code == 0
    file = nofx.folder / "nofx_handlers/post.py"
    text = file.read_text()
    [line] = [line for line in text.splitlines() if before in line]
    indent = line[: len(line) - len(line.lstrip())]
    once = f"{indent}if ctx.attempt == 1:\n{indent}    import os\n{indent}    {DIES}\n"
    file.write_text(text.replace(line, once + line))


def test_every_kind_of_handler_passes_its_test_types_and_lint_at_once(nofx: Program) -> None:
    for words in (("greet",), ("push-it", "--tool", "push:*"), ("post", "--effect"), ("todo", "--gate")):
        told = nofx("plugin", "new", *words)
        assert told.code == 0, told
    assert "16 passed" in checked(nofx.folder, "nofx_handlers", "tests")


def test_what_it_says_to_use_runs(nofx: Program) -> None:
    for words in (("greet",), ("post", "--effect"), ("todo", "--gate")):
        step = json.loads(nofx("plugin", "new", *words, "--json").out)["step"]
        nofx.plan(f"  - {step}\n", f"{words[0]}.yaml")
    (nofx.folder / "app.py").write_text("x = 1  # FIXME\n")
    greeted = nofx("run", "greet.yaml", "--json")
    assert json.loads(greeted.out)["steps"][0]["outputs"] == {"printed": "hello"}
    asked = nofx("run", "post.yaml")
    assert (asked.code, "hello" in nofx("approve", "post").err) == (8, True)
    assert (nofx.folder.parent / "hello.txt").read_text() == "hello"
    [judged] = json.loads(nofx("run", "todo.yaml", "--json").out)["steps"]
    assert (judged["gate"]["verdict"], judged["error"]["code"]) == ("failed", "gate-failed")


@pytest.mark.parametrize("before", ["with target.open", "effect.done"])
def test_an_effect_is_made_once_wherever_its_handler_dies(nofx: Program, before: str) -> None:
    handler_that_dies(nofx, before)
    nofx.plan("  - {name: a, tool: post, inputs: {to: ../posted.txt, text: hello}}\n")
    assert nofx("run", "plan.yaml").code == 8
    assert nofx("approve", "a").code == -9
    told = nofx("resume")
    assert told.code == 0, told
    assert (nofx.folder.parent / "posted.txt").read_text() == "hello"
    made = nofx.types()
    assert made.count("effect.done a") == 1
    assert made.count("effect.intended a") == (2 if before == "with target.open" else 1)


def test_an_effect_that_nobody_can_tell_of_is_asked_about(nofx: Program) -> None:
    handler_that_dies(nofx, "effect.done")
    nofx.plan("  - {name: a, tool: post, inputs: {to: ../posted.txt, text: hello}}\n")
    nofx("run", "plan.yaml")
    assert nofx("approve", "a").code == -9
    (nofx.folder.parent / "posted.txt").write_text("hell")
    told = nofx("resume")
    assert told.code == 8, told
    assert "posted.txt is there, with another content" in nofx("approve", "a", "--no-resume").err


def test_a_package_passes_too_and_its_wheel_brings_the_tool(nofx: Program, tmp_path: Path) -> None:
    told = json.loads(nofx("plugin", "new", "post", "--package", "--effect", "--json").out)
    package = nofx.folder / "nofx-post"
    assert "6 passed" in checked(package, "src", "tests")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), "."]
    done = subprocess.run(build, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    nofx.plan(f"  - {told['step']}\n")
    assert nofx("run", "plan.yaml").code == 3, "it is not installed"
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    listed = nofx("plugin", "list", "--json", env={"PYTHONPATH": path})
    assert [one["where"] for one in json.loads(listed.out)] == ["entry point post = nofx_post:HANDLERS"]
    assert nofx("run", "plan.yaml", env={"PYTHONPATH": path}).code == 8
    assert nofx("approve", "post", env={"PYTHONPATH": path}).code == 0
    assert (nofx.folder.parent / "hello.txt").read_text() == "hello"
