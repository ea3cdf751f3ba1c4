"""What of a workspace counts as changed."""

import os
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.safety.changes import changed, take_traces, take_traces_of_steering


def test_a_folder_that_cannot_be_looked_into_counts_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    before = take_traces(tmp_path, store=tmp_path / "store")
    (tmp_path / "src" / "shut").mkdir()
    (tmp_path / "src" / "shut" / "evil").touch()
    scandir = os.scandir

    def denied(folder: str) -> Any:
        if folder.endswith("shut"):
            raise PermissionError(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", denied)
    assert changed(before, take_traces(tmp_path, store=tmp_path / "store")) == ["src/shut"]


def test_the_store_is_left_out_however_its_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "journal").touch()
    assert take_traces(tmp_path, store=tmp_path / "x" / ".." / "kept") == {}


def test_what_steers_nofx_is_seen_through_links_and_without_compiled_modules(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.py").touch()
    (tmp_path / "real" / "__pycache__").mkdir()
    (tmp_path / "real" / "__pycache__" / "a.pyc").touch()
    (tmp_path / "real" / "again").symlink_to(".")
    (tmp_path / "nofx_handlers").symlink_to("real")
    (tmp_path / "nofx.yaml").symlink_to("settings")
    (tmp_path / "settings").touch()
    before = take_traces_of_steering(tmp_path)
    assert sorted(before) == ["nofx.yaml", "nofx_handlers", "nofx_handlers/a.py", "nofx_handlers/again"]
    for name in ("settings", "real/a.py"):
        (tmp_path / name).write_text("x")
    assert changed(before, take_traces_of_steering(tmp_path)) == ["nofx.yaml", "nofx_handlers/a.py"]


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        (".git/index", False),
        (".git/objects/x", False),
        (".git/FETCH_HEAD", False),
        (".git/HEAD.lock", False),
        (".git/modules/sub/index", False),
        ("sub/.git/index", False),
        (".git/config", True),
        (".git/hooks/index", True),
        ("sub/.git/hooks/pre-push", True),
        ("index", True),
        ("x.lock", True),
    ],
)
def test_what_reading_commands_of_git_write_does_not_count(tmp_path: Path, path: str, *, counts: bool) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()
    assert list(take_traces(tmp_path, store=tmp_path / "store")) == ([path] if counts else [])
