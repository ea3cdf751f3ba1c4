"""What a hook is to examine is what git is about to take, or nobody is told that it was examined."""

import subprocess
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.safety.git_command import Git
from nofx_cli.workspace.hooks_subject import find_checkout, message_of, pushed, staged

ZEROS = "0" * 40
CUT = "# ------------------------ >8 ------------------------"


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "top"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk")
    commit(folder, "a.txt", "one\n")
    return folder


def commit(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


class TestMessage:
    @pytest.mark.parametrize(
        ("cleanup", "edited", "taken"),
        [
            ("", True, ("# a\nx\n", "x")),
            ("", False, ("# a\nx\n", "# a\nx")),
            ("strip", False, ("# a\nx\n", "x")),
            ("scissors", True, (f"# a\nx\n{CUT}\ndiff\n", "# a\nx")),
            ("scissors", False, (f"# a\nx\n{CUT}\ny\n", f"# a\nx\n{CUT}\ny")),
            ("whitespace", True, (f"# a\nx  \n\n\n{CUT}\ny\n", f"# a\nx\n\n{CUT}\ny")),
            ("verbatim", True, ("\n# a  \n\n\nx\n", "\n# a  \n\n\nx")),
            ("default", True, (f"x\v{CUT}\ny\n", f"x\v{CUT}\ny")),
        ],
    )
    def test_it_is_what_git_will_take(self, top: Path, cleanup: str, edited: bool, taken: tuple[str, str]) -> None:
        (top / "MESSAGE").write_text(taken[0])
        if cleanup:
            git(top, "config", "commit.cleanup", cleanup)
        assert message_of(Git(top), top / "MESSAGE", editor="vi" if edited else ":") == taken[1]

    def test_a_setting_that_git_was_called_with(self, top: Path) -> None:
        (top / "MESSAGE").write_text("# a\nx\n")
        given = "'commit.cleanup'='whitespace'"
        assert message_of(Git(top), top / "MESSAGE", editor="vi", given=given) == "# a\nx"


class TestPushed:
    def test_what_git_does_not_have_is_not_passed_over(self, top: Path) -> None:
        unknown = "1" * 40
        with pytest.raises(errors.Unavailable):
            pushed(find_checkout(top), f"refs/heads/x {unknown} refs/heads/x {ZEROS}\n", remote="origin", url="")

    def test_what_is_deleted_and_what_is_no_commit_is_nothing_to_examine(self, top: Path) -> None:
        blob = git(top, "rev-parse", "HEAD:a.txt")
        lines = f"(delete) {ZEROS} refs/heads/x {blob}\nrefs/tags/b {blob} refs/tags/b {ZEROS}\n"
        assert pushed(find_checkout(top), lines, remote="origin", url="") == []

    def test_a_name_with_what_ends_a_line_elsewhere(self, top: Path) -> None:
        head = git(top, "rev-parse", "HEAD")
        [subject] = pushed(find_checkout(top), f"refs/heads/a\u2028b {head} refs/heads/x {ZEROS}\n", remote="o", url="")
        assert (subject.branch, subject.commit) == ("a\u2028b", head)


def test_conflicts_are_told_by_name(top: Path) -> None:
    git(top, "checkout", "-q", "-b", "other")
    commit(top, "a.txt", "two\n")
    git(top, "checkout", "-q", "trunk")
    commit(top, "a.txt", "three\n")
    subprocess.run(["git", "merge", "-q", "other"], cwd=top, check=False, capture_output=True)
    with pytest.raises(errors.Conflict) as raised:
        staged(find_checkout(top), "")
    assert raised.value.message == "there are conflicts in what is staged: a.txt"


class TestRepository:
    @pytest.mark.parametrize("inside", [True, False])
    def test_one_that_lies_apart_is_not_taken_for_another(self, top: Path, tmp_path: Path, inside: bool) -> None:
        git(tmp_path, "init", "-q", "--bare", "apart.git")
        folder = top / "files" if inside else tmp_path / "files"
        folder.mkdir()
        with pytest.raises(errors.InvalidInput) as raised:
            find_checkout(folder, git_dir=str(tmp_path / "apart.git"))
        assert raised.value.code == "repository-apart"
        assert str(tmp_path / "apart.git") in raised.value.message

    def test_the_same_by_another_name(self, top: Path, tmp_path: Path) -> None:
        git(top, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
        (tmp_path / "link").symlink_to(top)
        for folder, named in (
            (top, ".git"),
            (top, str(top / ".git")),
            (top, str(tmp_path / "link" / ".git")),
            (tmp_path / "linked", str(top / ".git" / "worktrees" / "linked")),
        ):
            assert find_checkout(folder, git_dir=named).top == folder
