"""Which files of the workspace a command names."""

import os
from pathlib import Path

import pytest

from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.handlers import named_files as module
from nofx_cli.handlers.named_files import NamedFiles, named_files


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.sh").write_bytes(b"a")
    (folder / "sub" / "b.sh").write_bytes(b"b")
    (tmp_path / "outside.sh").write_bytes(b"out")
    return folder


def test_names_are_relative_to_the_working_folder_and_told_relative_to_the_workspace(workspace: Path) -> None:
    found = named_files(["b.sh", "../a.sh", str(workspace / "a.sh")], cwd=workspace / "sub", workspace=workspace)
    assert found == NamedFiles({"a.sh": digest_of_bytes(b"a"), "sub/b.sh": digest_of_bytes(b"b")}, ())


def test_what_is_no_regular_file_of_the_workspace_is_left_alone(workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    (workspace / "link").symlink_to("../outside.sh")
    (workspace / "loop").symlink_to("loop")
    words = ["sub", "pipe", "link", "loop", "../outside.sh", "/etc/passwd", "none", "", "a\0b", "x" * 5000]
    assert named_files(words, cwd=workspace, workspace=workspace) == NamedFiles({}, ())


def test_a_link_within_the_workspace_counts_as_what_it_leads_to(workspace: Path) -> None:
    (workspace / "run").symlink_to("sub/b.sh")
    assert list(named_files(["./run"], cwd=workspace, workspace=workspace).digests) == ["sub/b.sh"]


def test_files_beyond_the_limits_are_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "big").write_bytes(b"x" * 100)
    monkeypatch.setattr(module, "MAX_BYTES", 50)
    assert named_files(["big", "a.sh", "big"], cwd=workspace, workspace=workspace).left_out == ("big",)
    monkeypatch.setattr(module, "MAX_FILES", 1)
    found = named_files(["a.sh", "sub/b.sh"], cwd=workspace, workspace=workspace)
    assert (list(found.digests), found.left_out) == (["a.sh"], ("sub/b.sh",))
