"""Hooks are installed and taken away: what was there is there again bit for bit, and what is not ours stays."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.workspace import hooks_install
from nofx_cli.workspace.hooks_install import HookState, install, look, uninstall
from nofx_cli.workspace.hooks_place import HooksPlace, find_hooks
from nofx_cli.workspace.hooks_script import HOOKS, HookScript

ONE = HookScript("pre-commit", "one", "/bin/nofx")
TWO = HookScript("pre-commit", "two", "/bin/nofx")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "top"
    folder.mkdir()
    git(folder, "init", "-q", "--template=")
    return folder


def _script(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\r\necho \xff\n")
    path.chmod(0o711)


def _link(path: Path) -> None:
    path.symlink_to("../somewhere/else")


def _not_executable(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o600)


def _state(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that can be told of the files in a folder, but for when they were looked at."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.iterdir()):
        stat = os.lstat(path)
        content = os.readlink(path) if path.is_symlink() else path.read_bytes()
        found[path.name] = (stat.st_mode, stat.st_ino, stat.st_mtime_ns, stat.st_nlink, content)
    return found


class TestInstalling:
    @pytest.mark.parametrize("write", [_script, _link, _not_executable], ids=lambda write: write.__name__)
    def test_what_was_there_is_kept_and_put_back(self, top: Path, write: Callable[[Path], None]) -> None:
        place = find_hooks(top)
        place.folder.mkdir()
        write(place.folder / "pre-commit")
        before = _state(place.folder)

        [first] = install(place, [ONE])
        [second] = install(place, [TWO])
        [again] = install(place, [TWO])

        assert (first.was, first.changed) == (HookState.FOREIGN, True)
        assert (second.was, second.changed) == (HookState.INSTALLED, True)
        assert (again.was, again.changed) == (HookState.INSTALLED, False)
        assert again.standing.script == TWO
        assert again.standing.kept == place.folder / "pre-commit.nofx-kept"
        assert [one.hook for one in uninstall(place, HOOKS)] == ["pre-commit"]
        assert _state(place.folder) == before
        assert uninstall(place, HOOKS) == []

    def test_a_folder_that_was_made_goes_again_unless_others_use_it(self, top: Path) -> None:
        place = find_hooks(top)
        install(place, [ONE, HookScript("pre-push", "one", "/bin/nofx")])
        install(place, [TWO, HookScript("pre-push", "two", "/bin/nofx")])
        uninstall(place, HOOKS)
        assert not place.folder.exists()
        install(place, [ONE])
        (place.folder / "post-merge").touch()
        uninstall(place, HOOKS)
        assert [path.name for path in place.folder.iterdir()] == ["post-merge"]

    def test_a_folder_that_was_empty_stays(self, top: Path) -> None:
        place = find_hooks(top)
        place.folder.mkdir()
        install(place, [ONE])
        uninstall(place, ["pre-commit"])
        assert list(place.folder.iterdir()) == []

    def test_an_installation_that_was_cut_off_goes_on(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def die(*_: object) -> None:
            raise KeyboardInterrupt

        place = find_hooks(top)
        place.folder.mkdir()
        _script(place.folder / "pre-commit")
        before = _state(place.folder)
        for go_on in (uninstall, install):
            with monkeypatch.context() as patch:
                patch.setattr(hooks_install, "_write", die)
                with pytest.raises(KeyboardInterrupt):
                    install(place, [ONE])
            assert look(place, "pre-commit").state is HookState.FOREIGN, "the hook never left its place"
            if go_on is install:
                assert install(place, [ONE])[0].changed
            uninstall(place, HOOKS)
            assert _state(place.folder) == before

    def test_where_no_file_has_two_names_it_is_moved(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        place = find_hooks(top)
        place.folder.mkdir()
        _script(place.folder / "pre-commit")
        before = _state(place.folder)
        monkeypatch.setattr(os, "link", refuse)
        install(place, [ONE])
        uninstall(place, HOOKS)
        assert _state(place.folder) == before

    def test_a_folder_that_cannot_be_written(self, top: Path) -> None:
        (top / ".git" / "hooks").write_text("")
        with pytest.raises(errors.Conflict, match="which is no folder"):
            find_hooks(top)


class TestNotOurs:
    def refused(self, place: HooksPlace, *, taking: bool = False) -> errors.Conflict:
        before = _state(place.folder)
        with pytest.raises(errors.Conflict) as caught:
            uninstall(place, HOOKS) if taking else install(place, [TWO])
        assert _state(place.folder) == before, "nothing was changed"
        return caught.value

    def test_an_edited_script_is_neither_overwritten_nor_removed(self, top: Path) -> None:
        place = find_hooks(top)
        place.folder.mkdir()
        _script(place.folder / "pre-commit")
        install(place, [ONE])
        hook = place.folder / "pre-commit"
        hook.write_text(hook.read_text() + "echo mine\n")
        for taking in (False, True):
            refused = self.refused(place, taking=taking)
            assert refused.code == "hook-changed"
            assert refused.message.startswith(f"{hook} was edited since nofx wrote it; the hook from before is kept in")
            assert refused.hint == f"keep your changes elsewhere, then: mv {hook}.nofx-kept {hook}"
        assert look(place, "pre-commit").state is HookState.EDITED

    def test_another_program_has_put_its_own_there(self, top: Path) -> None:
        place = find_hooks(top)
        place.folder.mkdir()
        _script(place.folder / "pre-commit")
        install(place, [ONE])
        hook = place.folder / "pre-commit"
        hook.unlink()
        _script(hook)
        assert "was put there by somebody else since" in self.refused(place, taking=True).message
        assert "is there from an earlier installation" in self.refused(place).message
        hook.unlink()
        assert f"{hook} is gone since" in self.refused(place, taking=True).message

    def test_a_folder_in_the_place_of_a_hook(self, top: Path) -> None:
        place = find_hooks(top)
        (place.folder / "pre-commit").mkdir(parents=True)
        with pytest.raises(errors.Conflict, match="is a folder"):
            install(place, [ONE])

    def test_one_of_several_that_cannot_be_there_leaves_all(self, top: Path) -> None:
        place = find_hooks(top)
        (place.folder / "pre-push").mkdir(parents=True)
        with pytest.raises(errors.Conflict):
            install(place, [ONE, HookScript("pre-push", "one")])
        assert [path.name for path in place.folder.iterdir()] == ["pre-push"]


class TestPlaces:
    def test_the_folder_of_git_itself(self, top: Path, tmp_path: Path) -> None:
        (top / "deep").mkdir()
        assert find_hooks(top / "deep") == HooksPlace(top, "deep", top / ".git" / "hooks")
        git(top, "-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", "x")
        git(top, "worktree", "add", "-q", str(tmp_path / "linked"))
        assert find_hooks(tmp_path / "linked").folder == top / ".git" / "hooks"

    def test_no_checkout(self, tmp_path: Path) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            find_hooks(tmp_path)
        assert caught.value.code == "no-repository"

    @pytest.mark.parametrize("setting", ["mine", "~/mine", "/tmp-mine"])
    def test_hooks_path(self, top: Path, setting: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        setting = setting.replace("/tmp-mine", str(tmp_path / "mine"))
        git(top, "config", "core.hooksPath", setting)
        (top / "deep").mkdir()
        place = find_hooks(top / "deep")
        assert place.folder == (top if setting == "mine" else tmp_path) / "mine"
        assert (place.scope, place.is_shared, place.path) == ("local", False, "mine" if setting == "mine" else "")

    def test_of_all_repositories_only_when_that_is_meant(self, top: Path, tmp_path: Path) -> None:
        git(top, "config", "--global", "core.hooksPath", str(tmp_path / "all"))
        place = find_hooks(top)
        assert (place.is_shared, place.folder) == (True, tmp_path / "all")
        with pytest.raises(errors.Conflict) as caught:
            install(place, [ONE])
        assert caught.value.code == "hooks-shared"
        assert "core.hooksPath is set in the global settings of git" in caught.value.message
        [installed] = install(place, [ONE], everywhere=True)
        assert installed.standing.script is not None
        assert installed.standing.script.everywhere
        git(top, "config", "core.hooksPath", ".git/hooks")
        assert not find_hooks(top).is_shared

    def test_a_folder_of_the_checkout_gets_no_path_of_this_machine(self, top: Path) -> None:
        git(top, "config", "core.hooksPath", ".githooks")
        [installed] = install(find_hooks(top), [ONE])
        text = (top / ".githooks" / "pre-commit").read_text()
        assert "/bin/nofx" not in text
        assert installed.standing.script == HookScript("pre-commit", "one", made_folder=True)

    def test_a_hook_of_the_checkout_is_not_touched(self, top: Path) -> None:
        git(top, "config", "core.hooksPath", ".githooks")
        (top / ".githooks").mkdir()
        _script(top / ".githooks" / "pre-commit")
        with pytest.raises(errors.Conflict) as caught:
            install(find_hooks(top), [ONE])
        line = 'nofx hooks run pre-commit --plan one -- "$@"'
        assert caught.value.hint == f"add this line to {top}/.githooks/pre-commit: {line}"
        assert len(list((top / ".githooks").iterdir())) == 1

    def test_husky_is_left_alone(self, top: Path) -> None:
        git(top, "config", "core.hooksPath", ".husky/_")
        (top / ".husky" / "_").mkdir(parents=True)
        (top / ".husky" / "_" / ".gitignore").write_text("*")
        with pytest.raises(errors.Conflict) as caught:
            install(find_hooks(top), [ONE])
        assert f"add this line to {top}/.husky/pre-commit: nofx hooks run" in caught.value.hint

    def test_hooks_that_are_switched_off(self, top: Path) -> None:
        git(top, "config", "core.hooksPath", "/dev/null")
        with pytest.raises(errors.Conflict) as caught:
            find_hooks(top)
        assert caught.value.hint == "git config --local --unset core.hooksPath"
