"""Worktrees of runs: made once, recorded exactly, brought back, and never believed where a step could have lied."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.workspace import snapshots
from nofx_cli.workspace.places import place_of
from nofx_cli.workspace.worktrees import GitWorktrees
from tests.unit.workspace.repository import RUN, commit, git, make, put, tree_of

STEP = StepName("step")
FILES = {"a.txt": "a\n", "d/x.txt": "x\n", ".gitignore": "*.log\n.venv/\nnode_modules\n"}


class Bench:
    """A repository, its worktrees, and one of them."""

    def __init__(self, folder: Path) -> None:
        self.project, self.store = make(folder / "project", FILES), folder / "store"
        self.worktrees = GitWorktrees(self.project, self.store)
        self.commit = git(self.project, "rev-parse", "HEAD")
        self.base = git(self.project, "rev-parse", "HEAD^{tree}")
        self.tree = self.worktrees.ensure(RUN, self.commit)

    def snapshot(self, *, attempt: int = 1, before: str = "") -> str:
        taken = self.worktrees.snapshot(RUN, STEP, attempt, before=before or self.base)
        return taken.tree if taken else ""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_is_made_once(bench: Bench) -> None:
    put(bench.tree, {"a.txt": "changed\n"})
    assert bench.worktrees.ensure(RUN, bench.commit) == bench.tree == bench.store / ".worktrees" / RUN
    assert (bench.tree / "a.txt").read_text() == "changed\n"


def test_a_tree_that_was_only_looked_at_may_be_collected_before_it_is_kept(bench: Bench) -> None:
    put(bench.tree, {"d/by-hand.txt": "by hand\n"})
    seen = bench.worktrees.current_tree(RUN)
    git(bench.project, "gc", "--quiet", "--prune=now")
    assert bench.snapshot() == seen
    assert git(bench.project, "show", f"{seen}:d/by-hand.txt") == "by hand"


def test_what_did_not_change_has_no_snapshot(bench: Bench) -> None:
    assert bench.snapshot() == ""
    put(bench.tree, {"x.log": "ignored"})
    os.utime(bench.tree / "a.txt", (1, 1))
    assert bench.snapshot() == ""
    put(bench.tree, {"a.txt": "changed\n"})
    tree = bench.snapshot()
    assert bench.snapshot(before=tree) == ""


def test_a_snapshot_is_a_commit_that_is_always_the_same(bench: Bench, tmp_path: Path) -> None:
    put(bench.tree, {"a.txt": "changed\n", "new": "n"})
    bench.snapshot()
    ref = f"refs/nofx/{RUN}/step/1"
    first = git(bench.project, "rev-parse", ref)
    assert git(bench.project, "log", "-1", "--format=%an %ae %at %ct %P %s", ref) == (
        f"nofx nofx@localhost 0 0 {bench.commit} nofx: step of run {RUN}, attempt 1"
    )
    bench.snapshot()
    assert git(bench.project, "rev-parse", ref) == first


def test_restored_it_is_what_it_was_and_ignored_files_stay(bench: Bench) -> None:
    put(bench.tree, {"a.txt": "first\n", "new/n.txt": "n\n"})
    first = bench.snapshot()
    put(bench.tree, {"a.txt": "second\n", "new/n.txt": None, "more.txt": "m\n", "x.log": "kept", "d/x.txt": None})
    second = bench.snapshot(attempt=2, before=first)
    bench.worktrees.restore(RUN, first)
    assert (bench.tree / "a.txt").read_text() == "first\n"
    assert (bench.tree / "new/n.txt").exists()
    assert not (bench.tree / "more.txt").exists()
    assert (bench.tree / "x.log").read_text() == "kept"
    assert bench.worktrees.current_tree(RUN) == first
    bench.worktrees.restore(RUN, second)
    assert bench.worktrees.current_tree(RUN) == second
    bench.worktrees.restore(RUN, bench.base)
    assert git(bench.tree, "status", "--short") == ""


def test_what_was_not_kept_when_it_is_restored_is_gone(bench: Bench) -> None:
    put(bench.tree, {"a.txt": "never kept\n", "never.txt": "kept\n"})
    bench.worktrees.restore(RUN, bench.base)
    assert git(bench.tree, "status", "--short") == ""


def test_a_making_that_was_cut_off_is_done_again(bench: Bench) -> None:
    place = place_of(bench.store, RUN)
    place.making.touch()
    put(bench.tree, {"a.txt": None})
    bench.worktrees.ensure(RUN, bench.commit)
    assert git(bench.tree, "status", "--short") == ""
    assert not place.making.exists()


@pytest.mark.parametrize("at", ["_add", "_write_own_index"])
def test_cut_off_at_any_point_of_its_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    class Died(BaseException):
        pass

    project = make(tmp_path / "project", FILES)
    worktrees, head = GitWorktrees(project, tmp_path / "store"), git(project, "rev-parse", "HEAD")
    real = getattr(GitWorktrees, at)

    def dies(*args: object) -> None:
        real(*args)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(GitWorktrees, at, dies)
        with pytest.raises(Died):
            worktrees.ensure(RUN, head)
    tree = GitWorktrees(project, tmp_path / "store").ensure(RUN, head)
    assert git(tree, "status", "--short", "--branch") == f"## nofx/{RUN}"
    assert (tree / "d/x.txt").read_text() == "x\n"


def test_many_at_once_make_one(tmp_path: Path) -> None:
    project = make(tmp_path / "project", FILES)
    head = git(project, "rev-parse", "HEAD")
    made: list[object] = []

    def ensure() -> None:
        try:
            made.append(GitWorktrees(project, tmp_path / "store").ensure(RUN, head))
        except errors.NofxError as exc:
            made.append(exc)

    threads = [threading.Thread(target=ensure) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [tmp_path / "store" / ".worktrees" / RUN] * 6


def test_what_git_forgot_but_is_there_is_left_for_a_person(bench: Bench) -> None:
    (bench.tree / ".git").unlink()
    put(bench.tree, {"a.txt": "perhaps of worth\n"})
    with pytest.raises(errors.Unavailable) as caught:
        bench.worktrees.ensure(RUN, bench.commit)
    assert caught.value.message == (f"the folder {bench.tree} is there, and is no worktree of {bench.project / '.git'}")
    assert (bench.tree / "a.txt").read_text() == "perhaps of worth\n"


def test_a_git_file_that_a_step_wrote_is_not_believed(bench: Bench, tmp_path: Path) -> None:
    other = make(tmp_path / "other", {"o": "o"})
    mark, program = tmp_path / "it-ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    program.chmod(0o755)
    git(other, "config", "core.fsmonitor", str(program))
    git(other, "config", "filter.own.clean", str(program))
    (bench.tree / ".git").write_text(f"gitdir: {other / '.git'}\n")
    put(bench.tree, {"a.txt": "changed\n", ".gitattributes": "* filter=own\n"})
    tree = bench.snapshot()
    assert git(bench.project, "show", f"{tree}:a.txt") == "changed"
    bench.worktrees.restore(RUN, bench.base)
    assert not mark.exists()


def test_removed_it_leaves_its_snapshots_and_can_be_made_again(bench: Bench) -> None:
    put(bench.tree, {"a.txt": "changed\n"})
    tree = bench.snapshot()
    bench.worktrees.discard(RUN)
    assert os.listdir(bench.store / ".worktrees") == []
    assert len(git(bench.project, "worktree", "list").splitlines()) == 1
    assert git(bench.project, "for-each-ref", "--format=%(refname)").splitlines() == [
        *("refs/heads/trunk", f"refs/nofx/{RUN}/@base", f"refs/nofx/{RUN}/step/1")
    ]
    bench.worktrees.ensure(RUN, bench.commit, tree=tree)
    assert (bench.tree / "a.txt").read_text() == "changed\n"


def test_a_branch_with_commits_stays(bench: Bench) -> None:
    commit(bench.tree)
    bench.worktrees.discard(RUN)
    assert git(bench.project, "rev-parse", f"nofx/{RUN}") != bench.commit


def test_worktrees_of_the_user_are_left_alone(bench: Bench, tmp_path: Path) -> None:
    git(bench.project, "worktree", "add", "-q", "-b", "side", str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    other = RunId("20260101-120000-bbbbbb")
    bench.worktrees.ensure(other, bench.commit)
    bench.worktrees.discard(other)
    bench.worktrees.discard(RUN)
    assert (bench.project / ".git" / "worktrees" / "gone").is_dir()


def test_a_commit_that_is_gone(tmp_path: Path) -> None:
    project = make(tmp_path / "project", FILES)
    worktrees = GitWorktrees(project, tmp_path / "store")
    with pytest.raises(errors.Unavailable) as caught:
        worktrees.ensure(RUN, "1" * 40)
    assert caught.value.code == "worktree-failed"
    assert caught.value.message.startswith(f"the worktree of run {RUN} cannot be made: git worktree failed: ")


def test_a_repository_of_longer_digests(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q", "--object-format=sha256")
    put(project, FILES)
    commit(project)
    worktrees = GitWorktrees(project, tmp_path / "store")
    head, base = git(project, "rev-parse", "HEAD"), git(project, "rev-parse", "HEAD^{tree}")
    put(worktrees.ensure(RUN, head), {"a.txt": "changed\n"})
    taken = worktrees.snapshot(RUN, STEP, 1, before=base)
    assert taken is not None
    assert worktrees.changes(base, taken.tree) == {"a.txt": ("M", (1, 1))}


class TestPackages:
    """The project's installed packages are lent, and are no part of what is recorded."""

    def test_python_finds_them(self, tmp_path: Path) -> None:
        project = make(tmp_path / "project", {**FILES, "own.py": "WHERE = __file__\n"})
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
        [packages] = (project / ".venv").glob("lib/python*/site-packages")
        (packages / "lent.py").write_text("import sys\nprint(sys.prefix)\n")
        worktrees = GitWorktrees(project, tmp_path / "store")
        tree = worktrees.ensure(RUN, git(project, "rev-parse", "HEAD"))
        told = subprocess.run(
            [tree / ".venv/bin/python", "-c", "import lent"], check=True, capture_output=True, text=True
        )
        assert told.stdout.strip() == str(tree / ".venv")
        assert git(tree, "status", "--short") == ""
        assert worktrees.snapshot(RUN, STEP, 1, before=git(project, "rev-parse", "HEAD^{tree}")) is None
        assert worktrees.surroundings(RUN).lent == (project / ".venv",)

    def test_an_editable_installation_leads_to_the_worktree(self, tmp_path: Path) -> None:
        project = make(tmp_path / "project", {**FILES, "src/own/__init__.py": "", "lib/mapped/__init__.py": ""})
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
        [packages] = (project / ".venv").glob("lib/python*/site-packages")
        (packages / "__editable__.own-1.pth").write_text(f"{project / 'src'}\n/elsewhere\nimport sys\n")
        finder = f"MAPPING: dict[str, str] = {{'mapped': {str(project / 'lib/mapped')!r}}}\n"
        (packages / "__editable___mapped_1_finder.py").write_text(finder)
        worktrees = GitWorktrees(project, tmp_path / "store")
        tree = worktrees.ensure(RUN, git(project, "rev-parse", "HEAD"))
        env = dict(worktrees.surroundings(RUN).env)
        assert env == {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree / 'lib'}"}
        python = [
            str(tree / ".venv/bin/python"),
            "-c",
            "import own, mapped; print(own.__file__); print(mapped.__file__)",
        ]
        told = subprocess.run(python, check=True, capture_output=True, text=True, env=env, cwd=tmp_path)
        assert told.stdout.splitlines() == [*(str(tree / "src/own/__init__.py"), str(tree / "lib/mapped/__init__.py"))]

    def test_node_modules_without_caches(self, tmp_path: Path) -> None:
        project = make(tmp_path / "project", FILES)
        put(project, {"node_modules/one/index.js": "1", "node_modules/.bin/one": "1", "node_modules/.cache/x": "1"})
        worktrees = GitWorktrees(project, tmp_path / "store")
        tree = worktrees.ensure(RUN, git(project, "rev-parse", "HEAD"))
        assert sorted(os.listdir(tree / "node_modules")) == [".bin", ".gitignore", "one"]
        assert (tree / "node_modules/one/index.js").read_text() == "1"
        put(tree, {"node_modules/own/index.js": "of the step"})
        assert not (project / "node_modules/own").exists()
        assert git(tree, "status", "--short") == ""

    def test_what_git_has_or_would_take_is_not_lent(self, tmp_path: Path) -> None:
        project = make(tmp_path / "project", {"node_modules/one/index.js": "1"})
        put(project, {"venv/lib/x.py": "1"})
        tree = GitWorktrees(project, tmp_path / "store").ensure(RUN, git(project, "rev-parse", "HEAD"))
        assert not (tree / "node_modules/one").is_symlink()
        assert not (tree / "venv").exists()

    def test_one_that_ignores_itself_is_lent(self, tmp_path: Path) -> None:
        project = make(tmp_path / "project", {"a": "a"})
        put(project, {".venv/.gitignore": "*\n", ".venv/pyvenv.cfg": "home = /usr/bin\n"})
        tree = GitWorktrees(project, tmp_path / "store").ensure(RUN, git(project, "rev-parse", "HEAD"))
        assert (tree / ".venv/pyvenv.cfg").is_symlink()
        assert git(tree, "status", "--short") == ""

    def test_removed_with_the_worktree_the_projects_own_stay(self, tmp_path: Path) -> None:
        project = make(tmp_path / "project", FILES)
        put(project, {"node_modules/one/index.js": "1"})
        worktrees = GitWorktrees(project, tmp_path / "store")
        worktrees.ensure(RUN, git(project, "rev-parse", "HEAD"))
        worktrees.discard(RUN)
        assert (project / "node_modules/one/index.js").read_text() == "1"


NAMES = st.sampled_from(["a", "b", "d", "d/x", "d/e/y", "x.log", "ü ß", "ignored/z"])
CHANGES = st.one_of(
    st.tuples(st.just("write"), NAMES, st.sampled_from(["", "1", "22", "\0"])),
    st.tuples(st.just("remove"), NAMES, st.just("")),
    st.tuples(st.just("link"), NAMES, st.sampled_from(["a", "d", "nowhere", ".."])),
    st.tuples(st.just("program"), NAMES, st.just("")),
    st.tuples(st.just("snapshot"), st.just(""), st.just("")),
)


def _change(tree: Path, kind: str, name: str, what: str) -> None:
    """Do it as far as it can be done, clearing away what is in the way."""
    path = tree / name
    for above in [tree / part for part in Path(name).parents if part.parts]:
        if above.is_symlink() or above.is_file():
            above.unlink()
    if kind == "program" and path.is_file() and not path.is_symlink():
        path.chmod(0o755)
    if kind in ("write", "link", "remove"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    if kind in ("write", "link"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(what) if kind == "write" else path.symlink_to(what)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, max_size=12))
def test_a_snapshot_is_what_git_would_take(bench: Bench, changes: list[tuple[str, str, str]]) -> None:
    """Whatever steps do between snapshots, the tree is that of `git add -A` with an index of its own."""
    bench.worktrees.restore(RUN, bench.base)
    for kind, name, what in changes:
        if kind == "snapshot":
            bench.worktrees.current_tree(RUN)
        else:
            _change(bench.tree, kind, name, what)
    index = bench.store / "index-of-the-test"
    index.unlink(missing_ok=True)
    expected = tree_of(bench.tree, index)
    assert bench.worktrees.current_tree(RUN) == expected
    bench.worktrees.restore(RUN, bench.base)
    assert bench.worktrees.current_tree(RUN) == bench.base
    bench.worktrees.restore(RUN, expected)
    assert bench.worktrees.current_tree(RUN) == expected


def test_refs_are_such_as_git_takes() -> None:
    assert snapshots.ref_of(RUN, StepName("a_b-c"), 3) == f"refs/nofx/{RUN}/a_b-c/3"
