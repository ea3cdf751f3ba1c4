"""Which program a gate runs: the project's own first."""

import sys
from pathlib import Path

import pytest

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.programs import program, python_module


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is found anywhere, until a test puts one there."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", f"relative:{tmp_path / 'path'}")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nofx" / "bin" / "python"))


def put(folder: Path, *names: str, venv: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("")
        (folder / name).chmod(0o755)
    if venv:
        (folder.parent / "pyvenv.cfg").write_text("")
    return folder


def test_the_order_is_project_active_environment_nofx_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    found = []
    for folder in ("path", "nofx/bin", "active/bin", "workspace/.venv/bin"):
        put(tmp_path / folder, "ruff")
        found.append(program(tmp_path / "workspace", "ruff"))
    assert found == [
        [str(tmp_path / folder / "ruff")] for folder in ("path", "nofx/bin", "active/bin", "workspace/.venv/bin")
    ]


def test_what_may_not_be_executed_is_no_program(tmp_path: Path) -> None:
    (put(tmp_path / "path") / "ruff").write_text("")
    (tmp_path / "workspace/.venv/bin/ruff").mkdir(parents=True)
    with pytest.raises(NoEvidence):
        program(tmp_path / "workspace", "ruff")


def test_a_missing_program_is_told_with_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(NoEvidence, match="ruff is not installed") as caught:
        program(tmp_path, "ruff")
    assert caught.value.evidence.verdict == "errored"
    assert (
        caught.value.evidence.hint == "pip install ruff, in the project's environment, or pip install 'nofx-cli[gates]'"
    )
    assert not caught.value.evidence.retryable


def test_a_python_tool_runs_under_the_python_of_its_environment(tmp_path: Path) -> None:
    own = put(tmp_path / "workspace/.venv/bin", "python", "pytest", venv=True)
    assert python_module(tmp_path / "workspace", "pytest") == [str(own / "python"), "-m", "pytest"]


def test_outside_an_environment_the_program_is_started_itself(tmp_path: Path) -> None:
    folder = put(tmp_path / "path", "python", "pytest")
    assert python_module(tmp_path / "workspace", "pytest") == [str(folder / "pytest")]


def test_a_project_with_an_environment_is_not_judged_in_another(tmp_path: Path) -> None:
    put(tmp_path / "workspace/.venv/bin", "python", venv=True)
    put(tmp_path / "nofx/bin", "python", "pytest", venv=True)
    with pytest.raises(NoEvidence, match=r"pytest is not installed in the project's environment \.venv") as caught:
        python_module(tmp_path / "workspace", "pytest")
    assert caught.value.evidence.hint == ".venv/bin/python -m pip install pytest"
