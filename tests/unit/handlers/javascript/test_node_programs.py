"""Which program of Node.js is run: the project's own first, searched no further up than the workspace."""

from pathlib import Path

import pytest

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.javascript.node_programs import major_version, node_program, npm


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    folder = tmp_path / "outer" / "workspace"
    folder.mkdir(parents=True)
    return folder


def install(folder: Path, name: str = "eslint") -> Path:
    program = folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch(mode=0o755)
    return program


def test_from_what_is_examined_up_to_the_workspace_then_path(workspace: Path, tmp_path: Path) -> None:
    on_path = install(tmp_path / "path")
    assert node_program(workspace, "eslint", paths=["web/app/src"]) == on_path
    own = install(workspace / "node_modules/.bin")
    assert node_program(workspace, "eslint", paths=["web/app/src"]) == own
    nearer = install(workspace / "web/node_modules/.bin")
    assert node_program(workspace, "eslint", paths=["web/app/src", "web/lib"]) == nearer
    assert node_program(workspace, "eslint", paths=["web/app", "other"]) == own
    assert node_program(workspace, "eslint") == own


def test_never_from_above_the_workspace(workspace: Path) -> None:
    install(workspace.parent / "node_modules/.bin")
    with pytest.raises(NoEvidence, match="eslint is not installed") as caught:
        node_program(workspace, "eslint")
    assert caught.value.evidence.hint.startswith("npm install")


def test_a_file_that_cannot_be_run_is_no_program(workspace: Path) -> None:
    install(workspace / "node_modules/.bin").chmod(0o644)
    with pytest.raises(NoEvidence):
        node_program(workspace, "eslint")


def test_the_remedy_names_the_package(workspace: Path) -> None:
    (workspace / "node_modules").mkdir()
    with pytest.raises(NoEvidence) as caught:
        node_program(workspace, "tsc", package="typescript")
    assert caught.value.evidence.hint == "npm install --save-dev typescript"


def test_npm_is_that_of_path(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(NoEvidence, match="npm is not installed"):
        npm()
    on_path = install(tmp_path / "path", "npm")
    assert npm() == on_path


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('{"name": "eslint", "version": "10.15.0"}', 10),
        ('{"name": "eslint", "version": "9.0.0-rc.1"}', 9),
        ('{"name": "another", "version": "9.0.0"}', 0),
        ('{"name": "eslint"}', 0),
        ("{", 0),
        ("[]", 0),
    ],
)
def test_the_version_of_a_program(workspace: Path, text: str, major: int) -> None:
    program = install(workspace / "node_modules/.bin")
    package = workspace / "node_modules/eslint/package.json"
    package.parent.mkdir()
    package.write_text(text)
    assert major_version(program, "eslint") == major


def test_the_version_of_a_program_that_is_linked_from_elsewhere(workspace: Path, tmp_path: Path) -> None:
    real = install(tmp_path / "lib/node_modules/eslint/bin", "eslint.js")
    (tmp_path / "lib/node_modules/eslint/package.json").write_text('{"name": "eslint", "version": "8.57.1"}')
    linked = tmp_path / "path" / "eslint"
    linked.parent.mkdir()
    linked.symlink_to(real)
    assert major_version(linked, "eslint") == 8
