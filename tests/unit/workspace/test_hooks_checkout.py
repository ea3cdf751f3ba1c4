"""The checkout that is kept for hooks has the files of the tree that is asked for, whatever was left in it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.wiring.hooks import without_git
from nofx_cli.workspace.checkout import find_repository
from nofx_cli.workspace.hooks_checkout import HookCheckout
from nofx_cli.workspace.hooks_subject import find_checkout, staged
from nofx_cli.workspace.places import place_of

RUNS = [RunId(f"20260101-12000{number}-aaaaaa") for number in range(5)]


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Bench:
    """A repository with two files and `.gitignore`, and a store beside it."""

    def __init__(self, tmp_path: Path) -> None:
        self.top, self.store = tmp_path / "top", tmp_path / "store"
        self.top.mkdir()
        git(self.top, "init", "-q", "-b", "trunk")
        self.write("a.txt", "one\n")
        self.write("deep/b.txt", "two\n")
        self.write(".gitignore", "*.log\n__pycache__/\n.venv/\n")
        git(self.top, "commit", "-q", "-m", "first")
        self.kept = self.store / ".worktrees" / "hooks"

    def write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        git(self.top, "add", name)

    def checkout(self) -> HookCheckout:
        subject = staged(find_checkout(self.top), "")
        repository = find_repository(self.top)
        return HookCheckout(self.top, self.store, repository, commit=subject.commit, tree=subject.tree)

    def take(self, run: RunId) -> Path:
        return self.checkout().ensure(run, git(self.top, "rev-parse", "HEAD"))

    def give_back(self, run: RunId) -> None:
        self.checkout().give_back(run)

    def age(self) -> None:
        """Let the kept checkout have been written a minute ago."""
        index = Path(f"{self.kept}.index")
        os.utime(index, (index.stat().st_mtime - 60,) * 2)

    def worktrees(self) -> int:
        return len(git(self.top, "worktree", "list").splitlines()) - 1


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def files(folder: Path) -> dict[str, str]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in found.items() if name != ".git"}


def test_it_is_kept_and_only_what_differs_is_written(bench: Bench) -> None:
    first = bench.take(RUNS[0])
    inode, written = (first / "a.txt").stat().st_ino, (first / "a.txt").stat().st_mtime_ns
    bench.give_back(RUNS[0])
    assert not first.exists()
    git(bench.top, "commit", "-q", "--allow-empty", "-m", "second")
    bench.write("deep/b.txt", "changed\n")
    bench.write("new.txt", "new\n")
    git(bench.top, "rm", "-q", ".gitignore")

    second = bench.take(RUNS[1])

    assert files(second) == {"a.txt": "one\n", "deep/b.txt": "changed\n", "new.txt": "new\n"}
    assert ((second / "a.txt").stat().st_ino, (second / "a.txt").stat().st_mtime_ns) == (inode, written)
    assert git(second, "status", "--porcelain") == "D  .gitignore\nM  deep/b.txt\nA  new.txt"
    assert git(second, "rev-parse", "HEAD") == git(bench.top, "rev-parse", "HEAD")
    assert bench.worktrees() == 1
    assert not bench.kept.exists()


def test_whatever_a_run_left_is_gone(bench: Bench) -> None:
    folder = bench.take(RUNS[0])
    (folder / "a.txt").write_text("ONE\n")
    os.utime(folder / "a.txt", (1, 1))
    (folder / "deep" / "b.txt").unlink()
    (folder / "deep" / "b.txt").symlink_to("/etc/passwd")
    (folder / "untracked").mkdir()
    (folder / "untracked" / "x").touch()
    (folder / "ignored.log").touch()
    subprocess.run(["git", "init", "-q", "inner"], cwd=folder, check=True)
    bench.give_back(RUNS[0])
    bench.age()
    assert files(bench.take(RUNS[1])) == files_of(bench)


def files_of(bench: Bench) -> dict[str, str]:
    return {"a.txt": "one\n", "deep/b.txt": "two\n", ".gitignore": (bench.top / ".gitignore").read_text()}


@pytest.mark.parametrize("aged", [True, False])
def test_caches_stay_where_no_file_can_have_the_time_that_they_know(bench: Bench, aged: bool) -> None:
    cache = bench.take(RUNS[0]) / "deep" / "__pycache__" / "b.pyc"
    cache.parent.mkdir()
    cache.touch()
    bench.give_back(RUNS[0])
    index = Path(f"{bench.kept}.index")
    if aged:
        bench.age()
    else:
        os.utime(index, (index.stat().st_mtime + 60,) * 2)
    assert (bench.take(RUNS[1]) / "deep" / "__pycache__" / "b.pyc").exists() is aged


def test_packages_are_lent_as_they_are_now(bench: Bench) -> None:
    packages = bench.top / ".venv"
    (packages / "lib").mkdir(parents=True)
    lent = bench.take(RUNS[0]) / ".venv"
    assert (lent / "lib").is_symlink()
    made = (lent / "lib").lstat().st_ino
    bench.give_back(RUNS[0])
    lent = bench.take(RUNS[1]) / ".venv"
    assert (lent / "lib").lstat().st_ino == made, "nothing has changed"
    (lent / "own").mkdir()
    bench.give_back(RUNS[1])
    lent = bench.take(RUNS[2]) / ".venv"
    assert sorted(path.name for path in lent.iterdir()) == [".gitignore", "lib"]
    bench.give_back(RUNS[2])
    (packages / "bin").mkdir()
    os.utime(packages, ns=((packages / "bin").stat().st_mtime_ns + 10**9,) * 2)
    lent = bench.take(RUNS[3]) / ".venv"
    assert sorted(path.name for path in lent.iterdir()) == [".gitignore", "bin", "lib"]


def _no_admin(bench: Bench) -> None:
    [admin] = (bench.top / ".git" / "worktrees").iterdir()
    shutil.rmtree(admin)


def _no_tree(bench: Bench) -> None:
    shutil.rmtree(bench.kept)


def _no_index(bench: Bench) -> None:
    Path(f"{bench.kept}.index").unlink()


def _broken_index(bench: Bench) -> None:
    Path(f"{bench.kept}.index").write_bytes(b"no index")


def _foreign_pointer(bench: Bench) -> None:
    (bench.kept / ".git").write_text("gitdir: /somewhere/else\n")


def _no_store(bench: Bench) -> None:
    shutil.rmtree(bench.store)


@pytest.mark.parametrize(
    "damage", [_no_admin, _no_tree, _no_index, _broken_index, _foreign_pointer, _no_store], ids=lambda d: d.__name__
)
def test_one_that_is_not_whole_is_made_anew(bench: Bench, damage: Callable[[Bench], None]) -> None:
    bench.take(RUNS[0])
    bench.give_back(RUNS[0])
    damage(bench)
    folder = bench.take(RUNS[1])
    assert files(folder) == files_of(bench)
    assert git(folder, "status", "--porcelain") == ""
    bench.give_back(RUNS[1])
    assert files(bench.take(RUNS[2])) == files_of(bench)
    assert bench.worktrees() == 1


def test_of_two_at_once_one_is_kept(bench: Bench) -> None:
    one, other = bench.take(RUNS[0]), bench.take(RUNS[1])
    assert files(one) == files(other) == files_of(bench)
    bench.give_back(RUNS[1])
    bench.give_back(RUNS[0])
    assert (one.exists(), other.exists(), bench.worktrees()) == (False, False, 1)
    assert bench.take(RUNS[2]).exists()


class TestOtherEncodings:
    """What `working-tree-encoding` would hide from whoever seeks it is there as it is committed."""

    TEXT = "a secret\n"

    @pytest.fixture
    def recoded(self, bench: Bench) -> Bench:
        bench.write(".gitattributes", "*.utf16 working-tree-encoding=UTF-16\n")
        for name in ("x.utf16", "deep/new\nline.utf16"):
            (bench.top / name).write_text(self.TEXT, "utf-16")
            git(bench.top, "add", name)
        return bench

    def files(self, folder: Path) -> set[str]:
        return {path.read_text() for path in folder.rglob("*.utf16")}

    def test_files_have_the_bytes_that_are_committed(self, recoded: Bench) -> None:
        folder = recoded.take(RUNS[0])
        assert self.files(folder) == {self.TEXT}
        assert git(folder, "diff", "--name-only") == ""

    def test_what_a_step_did_to_them_is_gone(self, recoded: Bench) -> None:
        folder = recoded.take(RUNS[0])
        (folder / "x.utf16").write_text("harmless\n")
        recoded.give_back(RUNS[0])
        assert self.files(recoded.take(RUNS[1])) == {self.TEXT}
        recoded.give_back(RUNS[1])
        recoded.write(".gitattributes", "\n")
        folder = recoded.take(RUNS[2])
        assert self.files(folder) == {self.TEXT}
        (folder / "x.utf16").write_text("harmless\n")
        recoded.give_back(RUNS[2])
        assert self.files(recoded.take(RUNS[3])) == {self.TEXT}

    def test_a_step_can_change_other_files(self, recoded: Bench) -> None:
        folder = recoded.take(RUNS[0])
        (folder / "a.txt").write_text("changed\n")
        tree = recoded.checkout().current_tree(RUNS[0])
        assert git(recoded.top, "diff-tree", "-r", "--name-only", git(recoded.top, "write-tree"), tree) == "a.txt"


def test_what_a_step_changed_is_kept_on_top_of_what_was_staged(bench: Bench) -> None:
    bench.write("a.txt", "staged\n")
    checkout = bench.checkout()
    folder = checkout.ensure(RUNS[0], git(bench.top, "rev-parse", "HEAD"))
    before = checkout.current_tree(RUNS[0])
    assert checkout.snapshot(RUNS[0], StepName("s"), 1, before=before) is None
    assert git(bench.top, "for-each-ref", "refs/nofx") == "", "nothing is written where nothing has changed"
    (folder / "a.txt").write_text("formatted\n")
    taken = checkout.snapshot(RUNS[0], StepName("s"), 1, before=before)
    assert taken is not None
    assert git(bench.top, "show", f"{taken.ref}~1:a.txt") == "staged"
    assert git(bench.top, "rev-parse", f"{taken.ref}~2") == git(bench.top, "rev-parse", "HEAD")


def test_a_run_that_goes_on_later_finds_its_place(bench: Bench) -> None:
    folder = bench.take(RUNS[0])
    (folder / "made.txt").touch()
    assert bench.take(RUNS[0]) == folder == place_of(bench.store, RUNS[0]).tree
    assert (folder / "made.txt").exists()


def test_the_users_index_is_only_read(bench: Bench) -> None:
    bench.write("a.txt", "staged\n")
    index = bench.top / ".git" / "index"
    before = index.read_bytes(), index.stat().st_mtime_ns
    staged(find_checkout(bench.top), "")
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
    assert sorted(path.name for path in (bench.top / ".git").glob("*index*")) == ["index"]


def test_what_git_says_to_hooks_does_not_go_on(bench: Bench) -> None:
    kept = {"PATH": "/bin", "GIT_CONFIG_GLOBAL": "/mine", "GITHUB_TOKEN": "x"}
    given = {"GIT_DIR": ".git", "GIT_INDEX_FILE": "x", "GIT_AUTHOR_DATE": "x", "GIT_CONFIG_PARAMETERS": "x"}
    assert without_git({**kept, **given}) == kept
