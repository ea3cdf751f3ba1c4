"""What steps really write, held against the policy after them."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance

WRITE = """\
policy: {write: {allow: ["docs/**"], deny: ["docs/api/**"]}}
"""


@pytest.fixture
def project(nofx: Program) -> Program:
    subprocess.run(["git", "init", "-q"], cwd=nofx.folder, check=True)
    (nofx.folder / "nofx.yaml").write_text(WRITE)
    for name in ("docs", "src"):
        (nofx.folder / name).mkdir()
    (nofx.folder / "src" / "a.py").write_text("x = 1\n")
    return nofx


def _run(nofx: Program, command: str, *, more: str = "") -> int:
    return nofx("run", nofx.plan(f"  - {{name: a, tool: shell, inputs: {{command: {command!r}}}}}\n{more}")).code


def _denied(nofx: Program) -> list[str]:
    return [str(event.payload.message) for event in nofx.events() if event.type == "policy.denied"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "command",
    [
        "echo > docs/x",
        "mkdir -p docs/a/b; echo > docs/a/b/c",
        "git status; git diff",
        "ln -s x docs/link",
        "echo > docs/x; rm docs/x",
        "cat src/a.py",
        "echo > docs/.hidden",
    ],
)
def test_what_may_be_written(project: Program, command: str) -> None:
    assert _run(project, command) == 0
    assert _denied(project) == []


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("echo >> src/a.py", "src/a.py"),
        ("echo 'x = 2' > src/a.py; touch -d 2020-01-01 src/a.py", "src/a.py"),
        ("cp -p src/a.py keep; echo 'x = 3' > src/a.py; touch -r keep src/a.py; rm keep", "src/a.py"),
        ("rm src/a.py", "src/a.py"),
        ("mv src/a.py docs/a.py", "src/a.py"),
        ("chmod +x src/a.py", "src/a.py"),
        ("echo > new", "new"),
        ("echo > docs/../new", "new"),
        ("mkdir -p docs/api; echo > docs/api/x", "docs/api/x"),
        ("ln -s ../src docs/link; echo >> docs/link/a.py", "src/a.py"),
        ("ln src/a.py docs/hard; echo >> docs/hard", "src/a.py"),
        ("ln -s /tmp docs/out", "docs/out"),
        ("ln -s ../src/a.py docs/in", "src/a.py"),
        ("echo > .git/hooks/pre-commit", ".git/hooks/pre-commit"),
        ("git config user.name x", ".git/config"),
        ("echo >> nofx.yaml", "nofx.yaml"),
        ("mv nofx.yaml docs/n; cp docs/n nofx.yaml", "nofx.yaml"),
        ("ln -s ../nofx.yaml docs/settings", "nofx.yaml"),
        ("sh -c 'sleep 0; echo > late' & wait", "late"),
    ],
)
def test_what_may_not_be_written(project: Program, command: str, path: str) -> None:
    assert _run(project, command) == 6
    assert any(path in message for message in _denied(project)), _denied(project)
    assert project.types()[-1] == "run.failed"


def test_a_denial_is_never_retried_and_later_steps_do_not_run(project: Program) -> None:
    plan = project.plan(
        "  - {name: a, tool: shell, retry: 3, inputs: {command: 'echo > new; exit 1'}}\n"
        "  - {name: b, tool: shell, inputs: {command: 'echo > docs/b'}}\n"
    )
    assert project("run", plan).code == 6
    assert project.types().count("step.started a") == 1
    assert not (project.folder / "docs" / "b").exists()


def test_a_denial_is_not_forgiven(project: Program) -> None:
    plan = project.plan(
        "  - {name: a, tool: shell, needs: [], continue_on_error: true, inputs: {command: 'echo > new'}}\n"
        "  - {name: b, tool: shell, needs: [a], inputs: {command: 'echo > docs/b'}}\n"
    )
    assert project("run", plan).code == 6
    assert not (project.folder / "docs" / "b").exists()


def test_settings_are_no_steps_to_write_also_where_no_rule_is_on_writing(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").write_text("grace: 100ms\n")
    assert _run(nofx, "echo > anywhere") == 0
    assert _run(nofx, "echo 'grace: 50ms' > nofx.yaml") == 6


def test_a_handler_asks_before_it_writes(project: Program) -> None:
    plan = project.plan("  - {name: a, tool: 'workspace:write', inputs: {path: src/b.py, content: x}}\n")
    assert project("run", plan).code == 6
    assert not (project.folder / "src" / "b.py").exists()


def test_what_another_step_may_write_is_not_laid_to_a_steps_charge(project: Program) -> None:
    """`watch` sees what `docs` writes meanwhile; `docs` may, so neither is denied."""
    both = project.plan(
        "policy: {}\nsteps:\n"
        "  - {name: watch, tool: shell, needs: [], policy: {write: {allow: [none]}},"
        " inputs: {command: 'until [ -e docs/x ]; do sleep 0.02; done'}}\n"
        "  - {name: docs, tool: shell, needs: [], inputs: {command: 'echo > docs/x'}}\n"
    )
    assert project("run", both).code == 0
    alone = project.plan(
        "steps:\n"
        "  - {name: watch, tool: shell, needs: [], policy: {write: {allow: [none]}},"
        " inputs: {command: 'echo > docs/y'}}\n"
        "  - {name: docs, tool: shell, needs: [watch], inputs: {command: 'echo > docs/x'}}\n"
    )
    assert project("run", alone).code == 6


def test_the_store_in_the_workspace_is_no_part_of_what_is_looked_at(nofx: Program, tmp_path: Path) -> None:
    (nofx.folder / "nofx.yaml").write_text("policy: {write: {allow: []}}\nstore: kept\n")
    plan = nofx.plan("  - {name: a, tool: shell, inputs: {command: 'echo hi'}}\n")
    environment = {name: value for name, value in os.environ.items() if name != "NOFX_HOME"}
    done = subprocess.run([*nofx.command, "run", plan], cwd=nofx.folder, env=environment, check=False)
    assert done.returncode == 0
    assert (nofx.folder / "kept" / "runs").is_dir()
