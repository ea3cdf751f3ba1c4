"""Gates in a worktree see what they would see in the project: the run's files, the project's tools, nothing else.

The store lies in the project, as it does by default: the worktree lies below the project and below a `.gitignore` that
leaves everything out.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli.safety.sandbox import Unavailable, find_means
from tests.acceptance.checkouts import Checkout
from tests.acceptance.program import Program
from tests.node_tools import link_into

pytestmark = pytest.mark.acceptance

PYTHON = {
    "pyproject.toml": "[tool.ruff.lint]\nselect = ['F']\n[tool.mypy]\nstrict = true\n[tool.pytest.ini_options]\n",
    "src/own/__init__.py": "def one() -> int:\n    return 1\n",
    "tests/test_own.py": "from own import one\n\n\ndef test_one() -> None:\n    assert one() == 1\n",
    ".gitignore": ".venv/\nnode_modules/\n__pycache__/\n.mypy_cache/\n",
}
SCRIPTS = {
    "package.json": '{\n  "name": "own",\n  "type": "module",\n  "private": true\n}\n',
    "eslint.config.js": 'export default [{ rules: { "no-unused-vars": "error" } }];\n',
    ".prettierrc": "{}\n",
    "src/a.js": "export const a = 1;\n",
    ".gitignore": "node_modules\n",
}
GATES = ("lint", "format", "typecheck", "unit")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "project")


@pytest.fixture
def nofx(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.delenv("NOFX_HOME")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    program = Program(checkout.project, checkout.project / "local_data")
    yield program
    program.close()
    program.nothing_is_left()
    program.every_run_verifies()


def _begin(checkout: Checkout, files: dict[str, str]) -> None:
    checkout.git("init", "-q", "-b", "trunk")
    for name, text in {**files, "nofx.yaml": ""}.items():
        path = checkout.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    checkout.commit("first")


def _plan(nofx: Program, path: str, content: str, gates: tuple[str, ...], **more: object) -> str:
    write = {"name": "write", "tool": "workspace:write", "inputs": {"path": path, "content": content}}
    steps = [write, *({"name": gate, "tool": f"gate:{gate}", "needs": ["write"], **more} for gate in gates)]
    return _written(nofx, {"steps": steps})


def _written(nofx: Program, plan: object) -> str:
    path = nofx.folder.parent / "plan.yaml"
    path.write_text(json.dumps(plan))
    return str(path)


def _gates(nofx: Program, plan: str) -> dict[str, tuple[str, dict[str, int]]]:
    ran = nofx("run", plan, "--json", "--no-wait")
    told = json.loads(ran.out)
    assert "steps" in told, ran
    return {step["name"]: (step["gate"]["verdict"], step["gate"]["counts"]) for step in told["steps"] if step["gate"]}


@pytest.fixture
def editable(checkout: Checkout) -> None:
    """The project has an environment of its own, with itself in it as editable, and the tools of this one."""
    environment = checkout.project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    [tools] = Path(sys.prefix).glob("lib/python*/site-packages")
    (packages / "tools.pth").write_text(f"{tools}\n")
    (packages / "__editable__.own.pth").write_text(f"{checkout.project / 'src'}\n")
    for name in ("pytest", "mypy", "ruff"):
        program = environment / "bin" / name
        program.write_text(f"#!/bin/sh\nexec '{Path(sys.executable).parent / name}' \"$@\"\n")
        program.chmod(0o755)


@pytest.mark.usefixtures("editable")
def test_the_gates_of_python_judge_the_files_of_the_run(checkout: Checkout, nofx: Program) -> None:
    _begin(checkout, PYTHON)
    fine = _gates(nofx, _plan(nofx, "src/own/more.py", "TWO = 2\n", GATES))
    assert {gate: verdict for gate, (verdict, _) in fine.items()} == dict.fromkeys(GATES, "passed")
    assert fine["lint"][1]["files"] == fine["format"][1]["files"] == 3
    assert fine["unit"][1]["tests"] == 1

    broken = "import os\ndef one() -> int:\n    return 'x'\n"
    caught = _gates(nofx, _plan(nofx, "src/own/__init__.py", broken, GATES))
    assert {gate: verdict for gate, (verdict, _) in caught.items()} == dict.fromkeys(GATES, "failed")
    assert caught["lint"][1]["findings"] == 1

    assert checkout.git("status", "--short") == ""


@pytest.mark.usefixtures("editable")
def test_worktrees_in_the_project_do_not_show_in_its_own_checks(checkout: Checkout, nofx: Program) -> None:
    _begin(checkout, PYTHON)
    for number in range(2):
        _gates(nofx, _plan(nofx, f"src/own/more{number}.py", f"TWO = {number}\n", ("lint",)))
    assert len(list((checkout.project / "local_data" / ".worktrees").glob("*/pyproject.toml"))) == 2

    python = checkout.project / ".venv" / "bin" / "python"
    tests = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"], cwd=checkout.project,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 passed" in tests.stdout, tests
    types = subprocess.run(
        [python, "-m", "mypy", "."], cwd=checkout.project, capture_output=True, text=True, check=False
    )
    assert types.stdout == "Success: no issues found in 2 source files\n", types
    in_place = _written(nofx, {"steps": [{"name": g, "tool": f"gate:{g}", "needs": []} for g in GATES]})
    told = _gates(nofx, in_place)
    assert {gate: verdict for gate, (verdict, _) in told.items()} == dict.fromkeys(GATES, "passed")
    assert (told["lint"][1]["files"], told["unit"][1]["tests"]) == (2, 1)


def test_the_gates_of_javascript_find_the_projects_tools(checkout: Checkout, nofx: Program) -> None:
    link_into(checkout.project)
    _begin(checkout, SCRIPTS)
    fine = _gates(nofx, _plan(nofx, "src/b.js", "export const b = 1;\n", ("lint", "format")))
    assert {gate: verdict for gate, (verdict, _) in fine.items()} == {"lint": "passed", "format": "passed"}
    assert fine["lint"][1]["files"] == 2
    caught = _gates(nofx, _plan(nofx, "src/b.js", "const b  = 1\n", ("lint", "format")))
    assert {gate: verdict for gate, (verdict, _) in caught.items()} == {"lint": "failed", "format": "failed"}
    assert checkout.git("status", "--short") == ""


def test_what_makes_a_gate_weaker_is_found_in_the_worktree(checkout: Checkout, nofx: Program) -> None:
    _begin(checkout, PYTHON)
    told = _gates(nofx, _plan(nofx, "tests/test_own.py", "def test_one() -> None:\n    pass\n", ("unit",)))
    assert told == {}  # it waits for a person instead
    [asked] = [event for event in nofx.events() if event.type == "approval.requested"]
    assert asked.step == "unit"


def test_shut_in_a_step_has_git_and_writes_nothing_of_the_repository(checkout: Checkout, nofx: Program) -> None:
    if isinstance(find_means(), Unavailable):
        pytest.skip("this machine has no sandbox")
    _begin(checkout, PYTHON)
    before = checkout.state()
    script = "git status --short > seen.txt; git rev-parse HEAD >> seen.txt; git config user.name evil"
    shell = {"name": "s", "tool": "shell", "sandbox": {}, "inputs": {"command": ["sh", "-c", f"{script}; exit 0"]}}
    plan = _written(nofx, {"workspace": "worktree", "steps": [shell]})
    ran = nofx("run", plan)
    assert ran.code == 0, (ran, nofx.log("s"))
    head = checkout.git("rev-parse", "HEAD").strip()
    [run] = nofx.runs()
    assert (checkout.project / "local_data" / ".worktrees" / run / "seen.txt").read_text().split()[-1] == head
    assert checkout.state() == before
