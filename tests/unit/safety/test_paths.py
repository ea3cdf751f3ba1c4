import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.safety.paths import contained, replace_file


class TestContained:
    @pytest.mark.parametrize(
        "name", ["a", "a/b.txt", ".", "./a", "a/../b", "..a", "a b", "git", ".github/x", "inside/x"]
    )
    def test_a_path_below_is_given_back(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "inside").symlink_to("a")

        path = contained(tmp_path, name)

        assert path == (tmp_path / name).resolve()
        assert path.is_relative_to(tmp_path)

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("", "path-empty"),
            (" ", "path-empty"),
            ("a\0b", "path-nul"),
            ("/etc/passwd", "path-absolute"),
            ("..", "path-escapes"),
            ("a/../../b", "path-escapes"),
            ("link", "path-escapes"),
            ("link/below", "path-escapes"),
            ("chain/x", "path-escapes"),
            (".git", "path-git"),
            ("a/.GIT/hooks/x", "path-git"),
            (".git./config", "path-git"),
            (".git /config", "path-git"),
            ("GIT~1/config", "path-git"),
            (".g\u200cit/config", "path-git"),
            ("disguised/config", "path-git"),
            (".git:stream/config", "path-git"),
            ("a\nb", "path-control"),
            ("a/\x1b[2J", "path-control"),
            ("a\x7f", "path-control"),
            ("\x85b", "path-control"),
            ("ROOT.md/x", "path-case-clash"),
            ("root.MD", "path-case-clash"),
            ("sub/FILE", "path-case-clash"),
            ("Sub/new", "path-case-clash"),
            ("to-sub/FILE", "path-case-clash"),
        ],
    )
    def test_what_leads_elsewhere_is_refused(self, tmp_path: Path, name: str, code: str) -> None:
        root = tmp_path / "root"
        (root / ".git").mkdir(parents=True)
        (root / "link").symlink_to(tmp_path)
        (root / "chain").symlink_to("link")
        (root / "disguised").symlink_to(".git")
        (root / "sub").mkdir()
        (root / "to-sub").symlink_to("sub")
        (root / "root.md").touch()
        (root / "sub" / "file").touch()

        with pytest.raises(errors.InvalidInput) as caught:
            contained(root, name)

        assert caught.value.code == code
        assert repr(name) in caught.value.message
        assert caught.value.hint

    def test_where_both_are_there_each_can_be_named(self, tmp_path: Path) -> None:
        for name in ("file", "FILE"):
            (tmp_path / name).touch()

        assert contained(tmp_path, "FILE") == tmp_path / "FILE"
        assert contained(tmp_path, "missing/FILE") == tmp_path / "missing" / "FILE"

    def test_a_root_that_is_itself_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")

        assert contained(tmp_path / "link", "x") == tmp_path / "real" / "x"

    def test_a_loop_of_links_is_no_way_out_nor_a_crash(self, tmp_path: Path) -> None:
        (tmp_path / "one").symlink_to("two")
        (tmp_path / "two").symlink_to("one")

        with suppress(errors.InvalidInput):
            assert contained(tmp_path, "one/x").is_relative_to(tmp_path)


class TestReplaceFile:
    def test_folders_are_made_and_nothing_else_is_left(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "file"

        replace_file(path, b"new")

        assert path.read_bytes() == b"new"
        assert list(path.parent.iterdir()) == [path]

    def test_the_mode_stays_or_is_the_one_given(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.touch()
        path.chmod(0o755)

        replace_file(path, b"one")
        kept = stat.S_IMODE(path.stat().st_mode)
        replace_file(path, b"two", 0o640)

        assert (kept, stat.S_IMODE(path.stat().st_mode)) == (0o755, 0o640)

    def test_a_reader_sees_the_old_file_or_the_new_one(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")
        with path.open("rb") as reader:
            replace_file(path, b"new")

            assert reader.read() == b"old"
        assert path.read_bytes() == b"new"

    def test_a_link_is_replaced_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "target").write_bytes(b"target")
        (tmp_path / "link").symlink_to("target")

        replace_file(tmp_path / "link", b"new")

        assert (tmp_path / "target").read_bytes() == b"target"
        assert not (tmp_path / "link").is_symlink()

    def test_a_folder_is_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()

        with pytest.raises(errors.InvalidInput) as caught:
            replace_file(tmp_path / "folder", b"new")

        assert caught.value.code == "path-is-folder"
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".nofx")] == []

    def test_what_failed_leaves_the_old_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(errors.StoreFailure, match="file could not be written: No space left") as caught:
            replace_file(path, b"new")

        assert caught.value.code == "write-failed"
        assert path.read_bytes() == b"old"
        assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".nofx")] == []

    @pytest.mark.parametrize(("sync", "synced"), [("off", 0), ("on", 2)])
    def test_file_and_folder_are_synced_unless_that_is_off(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: str, synced: int
    ) -> None:
        calls: list[int] = []
        monkeypatch.setattr(os, "fsync", calls.append)
        monkeypatch.setenv("NOFX_SYNC", sync)

        replace_file(tmp_path / "file", b"new")

        assert len(calls) == synced
