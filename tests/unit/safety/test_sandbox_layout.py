"""Which places a process that is shut in may write, worked out from what a plan names."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.policy import Sandbox
from nofx_cli.ports.processes import ProcessSpec
from nofx_cli.safety import process_table, sandbox_layout
from nofx_cli.safety.sandbox_layout import Kind, folder_of, layout_of

pytestmark = pytest.mark.skipif(not process_table.ON_LINUX, reason="there are no sandboxes but on Linux")


class Project:
    """A workspace below the test's folder, and the places of a process in it, named relative to that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / "ws"
        for name in ("ws/.git", "ws/docs", "ws/data/store/scratch"):
            (folder / name).mkdir(parents=True)
        (self.workspace / "nofx.yaml").touch()
        (self.workspace / "data" / "store" / "scratch" / "process.json").touch()

    def places(self, write: Iterable[str] | None = None, needed: Iterable[Path] = (), **changes: Any) -> dict[str, str]:
        store = self.workspace / "data" / "store"
        given: dict[str, Any] = {
            "argv": ["true"],
            "cwd": self.workspace,
            "env": {},
            "log": store / "log",
            "record": store / "scratch" / "process.json",
            "time_limit_ms": 1,
            "workspace": self.workspace,
            "writable": (store / "scratch",),
            "readonly": (store,),
        }
        spec = ProcessSpec(**(given | changes))
        sandbox = Sandbox(write=None if write is None else tuple(write))
        found = layout_of(spec, sandbox, map(str, needed)).places
        return {os.path.relpath(place.path, self.folder): place.kind.value for place in found}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(sandbox_layout, "_PRIVATE", (str(tmp_path / "tmp"),))
    monkeypatch.setattr(sandbox_layout, "_SHOWN", ())
    return Project(tmp_path)


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "folder"),
        [("**", "."), (".", "."), ("./**", "."), ("docs/**", "docs"), ("docs/", "docs"), ("a/b/**", "a/b")],
    )
    def test_a_folder_with_all_that_is_in_it(self, pattern: str, folder: str) -> None:
        assert folder_of(pattern) == folder

    @pytest.mark.parametrize("pattern", ["docs", "docs/page.md", "a**b".replace("*", "")])
    def test_a_single_path(self, pattern: str) -> None:
        assert folder_of(pattern) is None

    @pytest.mark.parametrize(
        ("pattern", "hint"),
        [
            ("docs/*", "write `docs/**`"),
            ("docs/*.md", "write `docs/**`"),
            ("docs/**/*.md", "write `docs/**`"),
            ("*.md", "name folders (`docs/**`) or files"),
            ("do?s/**", "name folders (`docs/**`) or files"),
            ("a/[b]/**", "write `a/**`"),
            ("a**", "name folders (`docs/**`) or files"),
        ],
    )
    def test_a_pattern_over_names_is_refused(self, pattern: str, hint: str) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            folder_of(pattern)

        assert (caught.value.code, caught.value.hint) == ("sandbox-write", hint)
        assert caught.value.message == f"`sandbox.write`: {pattern!r} is a pattern over names"


class TestPlaces:
    def test_each_stands_behind_those_that_it_lies_in(self, project: Project) -> None:
        assert list(project.places().items()) == [
            ("tmp", "private"),
            ("ws", "open"),
            ("ws/.git", "shut"),
            ("ws/data", "open"),  # so that it cannot be moved away with the store in it
            ("ws/nofx.yaml", "shut"),
            ("ws/data/store", "shut"),
            ("ws/data/store/scratch", "open"),
            ("ws/data/store/scratch/process.json", "shut"),
        ]

    def test_what_is_read_only_anyway_is_not_shut_once_more(self, project: Project) -> None:
        own = {"ws/data/store/scratch": "open", "ws/data/store/scratch/process.json": "shut"}

        assert project.places([]) == {"tmp": "private"} | own
        assert project.places(["docs/**"]) == {"tmp": "private", "ws/docs": "open"} | own

    def test_a_folder_that_is_not_there_is_made(self, project: Project) -> None:
        assert project.places(["build/deep/**"])["ws/build/deep"] == "open"
        assert (project.workspace / "build" / "deep").is_dir()

    def test_a_link_within_the_workspace_means_what_it_leads_to(self, project: Project) -> None:
        (project.workspace / "link").symlink_to("docs")

        assert project.places(["link/**"])["ws/docs"] == "open"

    def test_what_is_needed_is_shown_in_a_private_folder(self, project: Project) -> None:
        needed = project.folder / "tmp" / "python"
        needed.mkdir()

        assert project.places([], [needed, project.folder / "tmp" / "none", project.workspace])["tmp/python"] == "shut"

    def test_a_workspace_in_a_private_folder_is_shown(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox_layout, "_PRIVATE", (str(tmp_path),))
        places = Project(tmp_path / "in").places(["docs/**"])

        assert {name: places[name] for name in ("..", "ws", "ws/docs")} == {
            "..": "private",
            "ws": "shut",
            "ws/docs": "open",
        }

    def test_the_folder_of_tmpdir_is_private_unless_it_can_be_written_anyway(self, project: Project) -> None:
        own = project.workspace / "own"
        own.mkdir()

        assert project.places([], env={"TMPDIR": str(own)})["ws/own"] == "private"
        assert "ws/own" not in project.places(env={"TMPDIR": str(own)})
        for useless in ("/", "own", "/none/such"):
            assert project.places([], env={"TMPDIR": useless}) == project.places([])

    def test_without_a_workspace_only_what_the_step_needs_is_open(self, project: Project) -> None:
        opened = [name for name, kind in project.places(workspace=None).items() if kind == Kind.OPEN.value]

        assert opened == ["ws/data/store/scratch"]


class TestRefused:
    @pytest.mark.parametrize(
        ("pattern", "code"),
        [
            ("../out/**", "path-escapes"),
            ("docs/../../out", "path-escapes"),
            ("/etc/**", "path-absolute"),
            ("out/**", "path-escapes"),
            (".git/**", "path-git"),
            ("docs/.GIT/**", "path-git"),
            ("link-to-git", "path-git"),
            ("", "path-empty"),
            ("a\0b", "path-nul"),
            ("nofx.yaml", "sandbox-write"),
            ("data/store/**", "sandbox-write"),
            ("data/store/scratch/x/**", "sandbox-write"),
            ("link-to-store/**", "sandbox-write"),
            ("none", "sandbox-write"),
            ("nofx.yaml/**", "sandbox-write"),
            ("page/**", "sandbox-write"),
        ],
    )
    def test_what_cannot_be_opened(self, project: Project, pattern: str, code: str) -> None:
        (project.workspace / "out").symlink_to(project.folder)
        (project.workspace / "link-to-git").symlink_to(".git")
        (project.workspace / "link-to-store").symlink_to("data/store")
        (project.workspace / "page").touch()

        with pytest.raises(errors.InvalidInput) as caught:
            project.places([pattern])

        assert caught.value.code == code
        assert caught.value.hint

    @pytest.mark.parametrize("name", [".git", "nofx.yaml"])
    def test_a_link_in_the_place_of_what_is_protected(self, project: Project, name: str) -> None:
        (project.workspace / name).rename(project.folder / "elsewhere")
        (project.workspace / name).symlink_to(project.folder / "elsewhere")

        with pytest.raises(errors.Denied) as caught:
            project.places()

        assert caught.value.code == "sandbox-unprotected"
        assert project.places(["docs/**"])  # there it cannot be replaced

    def test_a_workspace_within_the_store_is_no_part_of_it(self, project: Project) -> None:
        tree = project.workspace / "data" / "store" / "trees" / "run"
        (tree / "docs").mkdir(parents=True)

        assert project.places(["docs/**"], workspace=tree, cwd=tree)["ws/data/store/trees/run/docs"] == "open"
