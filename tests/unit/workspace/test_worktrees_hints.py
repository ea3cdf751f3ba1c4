"""What mends a worktree that cannot be made."""

import subprocess
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.safety.git_command import remedy_of
from nofx_cli.workspace.worktrees import GitWorktrees


def test_a_branch_that_is_in_the_way_is_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), (*who, "commit", "-q", "--allow-empty", "-m", "one"), ("branch", "nofx")):
        subprocess.run(["git", *words], cwd=project, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, check=True, capture_output=True, text=True)

    with pytest.raises(errors.Unavailable) as caught:
        GitWorktrees(project, tmp_path / "store").ensure(RunId("20261122-091530-7k3f9q"), commit.stdout.strip())

    assert caught.value.hint == (
        "branches of runs are called nofx/<run id>, so none can be called nofx: git branch -m nofx OTHER-NAME"
    )


def test_a_repository_of_somebody_else_says_how_to_trust_it() -> None:
    assert "safe.directory" in remedy_of("detected dubious ownership in repository at '/srv/project'")
    assert remedy_of("anything else") == ""
