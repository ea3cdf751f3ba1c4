"""What is looked at, and what is kept of it."""

import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli.domain.ids import canonical_json
from nofx_cli.domain.project import Weakened
from nofx_cli.handlers.gates.integrity import snapshot
from nofx_cli.handlers.gates.integrity.snapshot import take_snapshot
from tests.unit.handlers.integrity.conftest import Project


def paths(project: Project) -> list[str]:
    files = project.look()["files"]
    assert isinstance(files, dict)
    return sorted(files)


def test_text_is_never_kept(project: Project) -> None:
    text = "def test_a():\n    assert 'a canary' # noqa\n"
    project.begin({"tests/test_a.py": text, "conftest.py": "x = 'a canary'", "jest.config.js": "'a canary'"})
    assert len(paths(project)) == 3
    assert "canary" not in canonical_json(project.before)


def test_what_says_nothing_is_left_out(project: Project) -> None:
    project.begin({"a.py": "x = 1\n", "README.md": "x", "package.json": '{"version": "1"}', "data.bin": "# noqa"})
    assert paths(project) == []


@pytest.mark.parametrize("folder", [".git", "node_modules", ".venv", "local_data", "a/__pycache__", "build"])
def test_what_is_not_the_projects_own_is_left_out(project: Project, folder: str) -> None:
    project.begin({f"{folder}/test_a.py": "def test_a(): ...\n", "test_b.py": "def test_b(): ...\n"})
    assert paths(project) == ["test_b.py"]


def test_an_environment_is_left_out_whatever_its_name(project: Project) -> None:
    project.begin({"env/pyvenv.cfg": "", "env/lib/test_a.py": "def test_a(): ...\n"})
    assert paths(project) == []


def test_links_to_files_are_read_and_those_to_folders_are_not_followed(project: Project, tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("[tool.ruff]\nfix = true\n")
    (project.folder / "pyproject.toml").symlink_to(tmp_path / "real.toml")
    (project.folder / "round").symlink_to(project.folder)
    (project.folder / "gone.py").symlink_to(tmp_path / "nothing")
    assert paths(project) == ["pyproject.toml"]


def test_of_a_large_file_only_the_digest_is_taken_so_that_any_change_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "LARGEST", 10)
    project.begin({"test_a.py": "def test_a():\n    assert 1\n"})
    assert project.changed({"test_a.py": "def test_a():\n    assert 2\n"}) == ["test_a.py: changed"]


def test_too_many_files_to_compare_are_told_if_it_was_not_so_before(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MOST_FILES", 2)
    project.begin({"a.py": "x  # noqa\n"})
    assert project.changed({"b.py": "", "c.py": "", "d.py": ""}, "lint")[-1].startswith(".: has more than ")
    project.before = project.look()
    assert project.weaker("lint") == []


def test_names_that_are_no_utf_8_can_be_written(project: Project) -> None:
    (project.folder / "test_\udcff.py").write_text("def test_a(): ...\n")
    assert canonical_json(project.look()).encode("utf-8", "backslashreplace")
    project.before = project.look()
    assert project.weaker() == []


def test_what_is_to_be_done_about_a_weakening_is_kept_too(project: Project) -> None:
    assert project.look()["weakened"] == "ask"
    assert take_snapshot(project.folder, store=project.folder, weakened=Weakened.FAIL)["weakened"] == "fail"


def _in_place(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def _swapped(file: Path, data: bytes) -> None:
    beside = file.with_name("beside")
    beside.write_bytes(data)
    beside.replace(file)


def _mapped(file: Path, data: bytes) -> None:
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as pages:
        pages[:] = data


@pytest.mark.parametrize("change", [_in_place, _swapped, _mapped])
def test_a_change_is_seen_that_leaves_size_and_time_as_they_were(
    project: Project, change: Callable[[Path, bytes], None]
) -> None:
    project.begin({"a.py": "x  # no_a\n", "test_a.py": "def test_a():\n    assert x\n"})
    for name, data in (("a.py", b"x  # noqa\n"), ("test_a.py", b"def test_a():\n    pass # x\n")):
        file = project.folder / name
        before = file.stat()
        change(file, data)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert project.weaker("lint") == ['a.py: 1 more "# noqa"']
    assert project.weaker("unit") == ["test_a.py: test_a has no assertions instead of 1"]


def test_what_is_remembered_of_a_content_is_that_of_its_path(project: Project) -> None:
    text = "def test_a():\n    assert x\n"
    project.begin({"test_a.py": text, "a.py": text})
    assert paths(project) == ["test_a.py"]
    (project.folder / "a.py").replace(project.folder / "b_test.py")
    (project.folder / "test_a.py").replace(project.folder / "a.py")
    assert paths(project) == ["b_test.py"]


def test_memory_is_bounded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[str, object] = {}
    monkeypatch.setattr(snapshot, "_REMEMBERED", remembered)
    monkeypatch.setattr(snapshot, "MOST_FILES", 3)
    for number in range(5):
        project.begin({f"{number}.py": "x  # noqa\n"})
        (project.folder / f"{number}.py").unlink()
        assert len(remembered) <= 3
