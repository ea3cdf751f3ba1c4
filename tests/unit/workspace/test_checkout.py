"""What is noted of the folder that a run works on."""

import subprocess
from pathlib import Path

import pytest

from nofx_cli.workspace.checkout import describe_workspace


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "trunk")
    return folder


def _committed(folder: Path) -> str:
    (folder / "a").write_text("a")
    _git(folder, "add", "a")
    _git(folder, "commit", "-q", "-m", "first")
    return _git(folder, "rev-parse", "HEAD")


def test_a_folder_that_is_no_checkout(tmp_path: Path) -> None:
    assert describe_workspace(tmp_path) == {
        "path": str(tmp_path), "mode": "in_place", "commit": "", "branch": "", "dirty": False,
    }  # fmt: skip


def test_commit_and_branch(checkout: Path) -> None:
    commit = _committed(checkout)
    assert describe_workspace(checkout) == {
        "path": str(checkout), "mode": "in_place", "commit": commit, "branch": "trunk", "dirty": False,
    }  # fmt: skip


def test_a_folder_below(checkout: Path) -> None:
    commit = _committed(checkout)
    below = checkout / "below"
    below.mkdir()
    assert describe_workspace(below)["commit"] == commit


def test_a_tracked_file_that_differs_is_dirty_and_another_is_not(checkout: Path) -> None:
    _committed(checkout)
    (checkout / "new").write_text("new")
    assert describe_workspace(checkout)["dirty"] is False
    (checkout / "a").write_text("changed")
    assert describe_workspace(checkout)["dirty"] is True


def test_before_the_first_commit(checkout: Path) -> None:
    facts = describe_workspace(checkout)
    assert (facts["commit"], facts["branch"], facts["dirty"]) == ("", "trunk", False)


def test_a_detached_head_has_no_branch(checkout: Path) -> None:
    commit = _committed(checkout)
    _git(checkout, "checkout", "-q", "--detach")
    facts = describe_workspace(checkout)
    assert (facts["commit"], facts["branch"]) == (commit, "")


def test_looking_does_not_write_to_the_checkout(checkout: Path) -> None:
    _committed(checkout)
    (checkout / "a").touch()
    before = (checkout / ".git/index").read_bytes()
    describe_workspace(checkout)
    assert (checkout / ".git/index").read_bytes() == before


def test_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _committed(checkout)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert describe_workspace(checkout)["commit"] == ""


def test_a_git_that_breaks(checkout: Path) -> None:
    (checkout / ".git/HEAD").write_text("nonsense")
    assert describe_workspace(checkout)["commit"] == ""


@pytest.mark.parametrize("name", ["ev", "e.v", "required", "a=b"])
def test_nothing_runs_that_the_checkout_itself_names(checkout: Path, tmp_path: Path, name: str) -> None:
    _committed(checkout)
    program, mark = tmp_path / "program", tmp_path / "it-ran"
    program.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    program.chmod(0o755)
    (checkout / ".gitattributes").write_text("* filter=" + name + "\n")
    settings = {"core.fsmonitor": str(program)}
    settings |= {f"filter.{name}.{key}": str(program) for key in ("clean", "process", "smudge")}
    settings[f"filter.{name}.required"] = "true"
    for setting, value in settings.items():
        _git(checkout, "config", setting, value)
    (checkout / "a").write_text("b")
    (checkout / "a").touch()

    told = describe_workspace(checkout)

    assert not mark.exists()
    assert (told["dirty"], told["branch"]) == ((False, "") if "=" in name else (True, "trunk"))
