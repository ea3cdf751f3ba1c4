"""What changed in a workspace, by git and by files."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.handlers.agents.changes import changed as bounds
from nofx_cli.handlers.agents.changes import files, trees
from nofx_cli.handlers.agents.changes.changed import Changes, Watch, bounded
from nofx_cli.handlers.agents.changes.watching import watch
from nofx_cli.testing.context import FakeContext


class Place:
    """A workspace that is watched."""

    def __init__(self, folder: Path, *, in_git: bool, own: tuple[str, ...] = ()) -> None:
        self.ctx = FakeContext(folder)
        self.folder, self.own = self.ctx.workspace, own
        self.write("a.txt", "one\n")
        if in_git:
            self.git("init", "-q")
            self.write(".gitignore", "ignored\n")
            self.commit()

    def git(self, *words: str, cwd: str = ".") -> str:
        done = subprocess.run(["git", *words], cwd=self.folder / cwd, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", "one")
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def watch(self) -> Watch:
        return watch(self.ctx, own=self.own)


@pytest.fixture(params=[True, False], ids=["git", "files"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, in_git=request.param)


@pytest.fixture
def repo(tmp_path: Path) -> Place:
    return Place(tmp_path, in_git=True)


class TestEitherWay:
    def test_nothing(self, place: Place) -> None:
        changes = place.watch().changes()

        assert (changes.paths, changes.insertions, changes.deletions, changes.diff) == ((), 0, 0, b"")
        assert changes.steering == ()
        assert not changes.moved

    def test_files_that_were_made_changed_and_removed(self, place: Place) -> None:
        place.write("gone.txt", "x\ny\n")
        watched = place.watch()
        place.write("a.txt", "one\ntwo\n")
        place.write("docs/new.txt", "a\nb\nc\n")
        (place.folder / "gone.txt").unlink()

        changes = watched.changes()

        assert changes.paths == ("a.txt", "docs/new.txt", "gone.txt")
        assert (changes.insertions, changes.deletions) == (4, 2)
        text = changes.diff.decode()
        assert "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1,2 @@\n one\n+two\n" in text
        assert "--- /dev/null\n+++ b/docs/new.txt\n" in text
        assert "--- a/gone.txt\n+++ /dev/null\n" in text

    def test_what_was_unsaved_before_is_no_change(self, place: Place) -> None:
        place.write("a.txt", "mine\n")
        place.write("mine.txt", "mine\n")
        watched = place.watch()
        place.write("b.txt", "b\n")

        assert watched.changes().paths == ("b.txt",)

    def test_the_same_content_anew_is_no_change(self, place: Place) -> None:
        watched = place.watch()
        (place.folder / "a.txt").unlink()
        place.write("a.txt", "one\n")

        assert watched.changes().paths == ()

    def test_a_mode_and_a_link_are_changes(self, place: Place) -> None:
        watched = place.watch()
        (place.folder / "a.txt").chmod(0o755)
        (place.folder / "link").symlink_to("a.txt")

        assert watched.changes().paths == ("a.txt", "link")

    def test_what_is_no_text_is_named_and_not_counted(self, place: Place) -> None:
        watched = place.watch()
        place.write("x.bin", bytes(range(256)) * 10)

        changes = watched.changes()

        assert (changes.paths, changes.insertions) == (("x.bin",), 0)
        assert b"x.bin" in changes.diff
        assert len(changes.diff) < 500

    def test_names_of_all_kinds(self, place: Place) -> None:
        names = ("-f", "a b", "ä\u202e", "new\nline", 'quote"', "b'c", ":(exclude)x", "*")
        watched = place.watch()
        for name in names:
            place.write(name, "x\n")

        assert watched.changes().paths == tuple(sorted(names))

    def test_a_name_that_is_no_unicode(self, place: Place) -> None:
        watched = place.watch()
        (place.folder / os.fsdecode(b"\xff.txt")).write_text("x\n")

        assert len(watched.changes().paths) == 1

    def test_the_store_is_no_part_of_it(self, place: Place) -> None:
        watched = place.watch()
        place.write("local_data/runs/x", "x")

        assert watched.changes().paths == ()

    @pytest.mark.parametrize("in_git", [True, False])
    def test_what_the_agent_leaves_for_itself_is_none(self, tmp_path: Path, in_git: bool) -> None:
        place = Place(tmp_path, in_git=in_git, own=(".aider*",))
        watched = place.watch()
        place.write(".aider.tags.cache.v4/cache.db", "x")
        place.write("docs/.aider.notes", "x")

        assert watched.changes().paths == ("docs/.aider.notes",)

    def test_a_large_difference_is_cut(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (bounds, trees, files):
            monkeypatch.setattr(module, "LARGEST_DIFF", 10_000)
        watched = place.watch()
        for number in range(200):
            place.write(f"{number:03}.txt", "line\n" * 100)

        changes = watched.changes()

        assert changes.insertions == 20_000
        assert len(changes.paths) == 200
        assert len(changes.diff) < 10_200
        assert changes.diff.endswith(b"\n... the rest is left out: the difference is larger than 0 MiB\n")


class TestGit:
    def test_what_git_ignores_is_no_change(self, repo: Place) -> None:
        watched = repo.watch()
        repo.write("ignored", "x")

        assert watched.changes().paths == ()

    def test_what_the_user_excludes_is_none_either(self, repo: Place) -> None:
        repo.write(".git/info/exclude", "mine\n")
        watched = repo.watch()
        repo.write("mine", "x")

        assert watched.changes().paths == ()

    def test_commits_are_told_and_their_content_is_changed(self, repo: Place) -> None:
        before = repo.git("rev-parse", "HEAD")
        watched = repo.watch()
        repo.write("a.txt", "two\n")
        first = repo.commit()
        repo.write("b.txt", "b\n")
        second = repo.commit()

        changes = watched.changes()

        assert changes.commits == (second, first)
        assert (changes.head_before, changes.head_after, changes.moved) == (before, second, True)
        assert changes.paths == ("a.txt", "b.txt")

    def test_that_another_commit_is_checked_out(self, repo: Place) -> None:
        first = repo.git("rev-parse", "HEAD")
        repo.write("a.txt", "two\n")
        second = repo.commit()
        watched = repo.watch()
        repo.git("checkout", "-q", first)

        changes = watched.changes()

        assert (changes.commits, changes.head_before, changes.head_after) == ((), second, first)
        assert changes.paths == ("a.txt",)

    def test_a_repository_without_a_commit(self, tmp_path: Path) -> None:
        place = Place(tmp_path, in_git=False)
        place.git("init", "-q")
        watched = place.watch()
        place.write("b.txt", "b\n")
        commit = place.commit()

        changes = watched.changes()

        assert changes.paths == ("b.txt",)
        assert (changes.head_before, changes.commits) == ("", (commit,))

    def test_nothing_is_written_to_the_repository(self, repo: Place) -> None:
        repo.write("b.txt", "not committed\n")

        def state() -> dict[str, bytes]:
            found = (path for path in (repo.folder / ".git").rglob("*") if path.is_file())
            return {str(path): path.read_bytes() for path in found}

        before = state()
        watched = repo.watch()
        repo.write("c.txt", "c\n")
        watched.changes()

        assert state() == before

    def test_a_workspace_below_the_top_is_looked_at_alone(self, repo: Place) -> None:
        repo.write("pkg/x.txt", "x\n")
        repo.commit()
        repo.ctx.workspace = repo.folder / "pkg"
        watched = repo.watch()
        repo.write("pkg/x.txt", "y\n")
        repo.write("a.txt", "y\n")

        changes = watched.changes()

        assert changes.paths == ("x.txt",)
        assert b"+++ b/x.txt\n" in changes.diff

    def test_a_worktree(self, repo: Place) -> None:
        repo.git("worktree", "add", "-q", "../tree")
        repo.ctx.workspace = repo.folder.parent / "tree"
        watched = repo.watch()
        (repo.ctx.workspace / "a.txt").write_text("two\n")

        assert watched.changes().paths == ("a.txt",)

    def test_a_worktree_in_the_store_itself(self, repo: Place) -> None:
        repo.git("worktree", "add", "-q", "local_data/.worktrees/run")
        repo.ctx.workspace = repo.folder / "local_data/.worktrees/run"
        watched = repo.watch()
        (repo.ctx.workspace / "a.txt").write_text("two\n")

        assert watched.changes().paths == ("a.txt",)

    def test_line_ends_are_read_as_the_repository_says(self, repo: Place) -> None:
        repo.git("config", "core.autocrlf", "true")
        path = repo.write("a.txt", "one\r\nand\r\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))  # older than the index: git need not read it to know it
        repo.commit()
        watched = repo.watch()
        repo.write("a.txt", "one\r\nand\r\ntwo\r\n")

        changes = watched.changes()

        assert (changes.insertions, changes.deletions) == (1, 0)

    def test_an_index_that_does_not_stand_alone(self, repo: Place) -> None:
        repo.git("update-index", "--split-index")
        watched = repo.watch()
        assert isinstance(watched, trees.TreeWatch)
        repo.write("b.txt", "b\n")

        assert watched.changes().paths == ("b.txt",)

    def test_a_repository_of_the_newer_kind(self, tmp_path: Path) -> None:
        place = Place(tmp_path, in_git=False)
        place.git("init", "-q", "--object-format=sha256")
        place.commit()
        watched = place.watch()
        place.write("a.txt", "two\n")

        assert watched.changes().paths == ("a.txt",)

    def test_a_file_that_is_too_large_is_told_by_its_path(self, repo: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trees, "LARGEST_FILE", 1_000)
        repo.write("old.bin", "x" * 2_000)
        repo.write("same.bin", "x" * 2_000)
        watched = repo.watch()
        repo.write("old.bin", "y" * 3_000)
        repo.write("new.bin", "y" * 3_000)

        changes = watched.changes()

        assert changes.paths == ("new.bin", "old.bin")
        assert changes.diff.decode().splitlines() == [
            "new.bin: changed, in a repository of its own or too large to compare",
            "old.bin: changed, in a repository of its own or too large to compare",
        ]

    @pytest.mark.parametrize("is_submodule", [True, False])
    def test_a_repository_within_is_told_by_paths(self, repo: Place, is_submodule: bool) -> None:
        repo.write("sub/x.txt", "x\n")
        repo.git("init", "-q", cwd="sub")
        repo.git("add", "x.txt", cwd="sub")
        repo.git("commit", "-qm", "x", cwd="sub")
        if is_submodule:
            repo.commit()
        watched = repo.watch()
        repo.write("sub/x.txt", "y\n")

        assert watched.changes().paths == ("sub/x.txt",)

    def test_without_git_the_files_are_compared(self, repo: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        watched = repo.watch()
        repo.write("a.txt", "two\n")

        assert isinstance(watched, files.FileWatch)
        assert watched.changes().paths == ("a.txt",)

    def test_where_git_fails_afterwards_that_is_told(self, repo: Place) -> None:
        watched = repo.watch()
        (repo.ctx.scratch / "changes" / "HEAD").unlink()

        with pytest.raises(errors.StoreFailure) as caught:
            watched.changes()

        assert caught.value.code == "git-failed"
        assert caught.value.message.startswith("what the agent changed cannot be found out: git ls-files failed: ")


class TestSteering:
    @pytest.mark.parametrize(
        ("change", "path"),
        [
            (lambda place: place.git("config", "core.pager", "less"), ".git/config"),
            (lambda place: place.git("config", "remote.x.uploadpack", "evil"), ".git/config"),
            (lambda place: place.git("config", "--unset", "core.filemode"), ".git/config"),
            (lambda place: place.write(".git/hooks/pre-push", "x"), ".git/hooks/pre-push"),
            (lambda place: place.write(".git/info/attributes", "* filter=x"), ".git/info/attributes"),
            (lambda place: place.write(".git/config.worktree", "[core]\npager=x"), ".git/config.worktree"),
            (lambda place: place.write(".git/modules/a/b/config", "[core]\npager=x"), ".git/modules/a/b/config"),
            (lambda place: place.write(".git/modules/a/hooks/x", ""), ".git/modules/a/hooks/x"),
            (lambda place: place.write(".git/config", "no [ settings"), ".git/config"),
        ],
    )
    def test_what_decides_what_git_runs(self, repo: Place, change: Callable[[Place], object], path: str) -> None:
        watched = repo.watch()
        change(repo)

        assert watched.changes().steering == (path,)

    def test_what_does_not(self, repo: Place) -> None:
        watched = repo.watch()
        repo.git("config", "branch.x.merge", "refs/heads/x")
        repo.git("config", "remote.x.url", "https://example.org/x")
        repo.git("branch", "other")
        repo.write(".git/objects/hooks/x", "")
        repo.write("hooks/x", "")

        assert watched.changes().steering == ()

    def test_of_a_repository_that_was_there(self, repo: Place) -> None:
        repo.git("init", "-q", "sub")
        watched = repo.watch()
        repo.git("config", "core.pager", "less", cwd="sub")

        assert watched.changes().steering == ("sub/.git/config",)

    def test_not_of_one_that_was_made(self, repo: Place) -> None:
        watched = repo.watch()
        repo.git("init", "-q", "sub")

        assert watched.changes().steering == ()


def test_a_difference_is_cut_at_the_end_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LARGEST_DIFF", 10)

    assert bounded(b"one\ntwo\nthree\n").startswith(b"one\ntwo\n... the rest")
    assert bounded(b"one\ntwo\n") == b"one\ntwo\n"


def test_nothing_moved_where_nothing_is_known() -> None:
    assert not Changes().moved
