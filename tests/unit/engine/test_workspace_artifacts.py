from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nofx_cli.engine.workspace_artifacts import keep_declared


def claimed(workspace: Path, *globs: str) -> tuple[Any, list[str]]:
    kept: list[str] = []
    ctx = SimpleNamespace(
        workspace=workspace, store=workspace / "kept", put_artifact=lambda name, _path: kept.append(name)
    )
    return SimpleNamespace(ctx=ctx, step=SimpleNamespace(artifacts=globs)), kept


def test_what_git_keeps_for_itself_is_no_artifact(tmp_path: Path) -> None:
    for name in (".git/config", "sub/.git/x", "report", ".github/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    step, kept = claimed(tmp_path, "**/*", ".git/*", "none")

    assert keep_declared(step) == [".git/*", "none"]
    assert kept == [".github/x", "report"]


def test_nor_by_way_of_a_link_and_neither_is_the_store(tmp_path: Path) -> None:
    for name in (".git/config", "kept/journal", "sub/report", "nofx.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(".git/config")
    (tmp_path / "sub" / "folder").symlink_to("../.git")
    (tmp_path / "round").symlink_to("round")
    step, kept = claimed(tmp_path, "*", "sub/folder/*", "kept/*", "sub/*")

    assert keep_declared(step) == ["sub/folder/*", "kept/*"]
    assert kept == ["nofx.yaml", "sub/report"]
