"""Trees of worktrees in another clone: taken in only where they are what the journal says, and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.ports.carrying import TreePack
from nofx_cli.workspace.carrying import GitTreeCarrier
from nofx_cli.workspace.worktrees import GitWorktrees

RUN = RunId("20261122-091530-7k3f9q")
REF = f"refs/nofx/{RUN}/notes/1"
STEP = StepName("notes")


AT_NOON = {"GIT_AUTHOR_DATE": "2026-01-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T12:00:00Z"}


def git(folder: Path, *words: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> str:
    surroundings = {**os.environ, **(env or {})}
    done = subprocess.run(["git", *words], cwd=folder, input=stdin, env=surroundings, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TreePack, dict[str, str]]:
    """A repository with a run whose step left something, its pack, and what its journal says of it."""
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.invalid")
        folder = tmp_path_factory.mktemp("made") / "origin"
        folder.mkdir()
        git(folder, "init", "-q", "-b", "trunk")
        (folder / "a.txt").write_text("a\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "one")
        trees = GitWorktrees(folder, folder.parent / "store")
        commit = git(folder, "rev-parse", "HEAD")
        place = trees.ensure(RUN, commit)
        (place / "NOTES.md").write_text("notes\n")
        kept = trees.snapshot(RUN, STEP, 1, before=trees.base_tree(commit))
        assert kept is not None
        return folder, GitTreeCarrier(folder).pack(RUN, commit), {kept.ref: kept.tree}


@pytest.fixture
def clone(made: tuple[Path, TreePack, dict[str, str]], tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", "--no-local", str(made[0]), "clone")  # a local one has all objects
    return tmp_path / "clone"


def test_what_is_packed_is_what_the_run_added(made: tuple[Path, TreePack, dict[str, str]]) -> None:
    folder, pack, _ = made
    assert (pack.base, list(pack.refs)) == (git(folder, "rev-parse", "HEAD"), [REF])
    assert dict(GitTreeCarrier(folder).texts(pack)) == {"NOTES.md": b"notes\n"}


def test_the_clone_can_make_the_worktree(made: tuple[Path, TreePack, dict[str, str]], clone: Path) -> None:
    _, pack, trees = made
    carrier = GitTreeCarrier(clone)
    carrier.check(RUN, pack, trees)
    assert git(clone, "for-each-ref", "refs/nofx") == ""
    assert subprocess.run(["git", "cat-file", "-e", pack.refs[REF]], cwd=clone, check=False).returncode != 0
    carrier.unpack(RUN, pack)
    place = GitWorktrees(clone, clone.parent / "store").ensure(RUN, pack.base, tree=trees[REF])
    assert (place / "NOTES.md").read_text() == "notes\n"


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/trunk", "refs/heads/nofx/20261122-091530-aaaaaa", "refs/nofx/20261122-091530-aaaaaa/notes/1",
        f"refs/nofx/{RUN}/@base/1", f"refs/nofx/{RUN}/notes/1\nupdate refs/heads/trunk",
        f"refs/nofx/{RUN}/../../heads/x/1", "HEAD", f"refs/nofx/{RUN}/notes/x",
    ],
)  # fmt: skip
def test_a_reference_that_is_not_the_runs_is_refused(
    made: tuple[Path, TreePack, dict[str, str]], clone: Path, ref: str
) -> None:
    _, pack, trees = made
    with pytest.raises(errors.InvalidInput, match="is no reference of run"):
        GitTreeCarrier(clone).check(RUN, TreePack(pack.base, {**pack.refs, ref: pack.base}, pack.data), trees)


def test_another_tree_than_the_journal_tells_is_refused(
    made: tuple[Path, TreePack, dict[str, str]], clone: Path
) -> None:
    _, pack, _ = made
    with pytest.raises(errors.InvalidInput, match="does not keep the tree that the journal tells"):
        GitTreeCarrier(clone).check(RUN, pack, {REF: "12" * 20})


@pytest.mark.parametrize("damage", ["changed", "cut", "empty", "none"])
def test_a_pack_that_is_not_whole_is_refused(
    made: tuple[Path, TreePack, dict[str, str]], clone: Path, damage: str
) -> None:
    folder, pack, trees = made
    data = {
        "changed": pack.data[:40] + b"\0" + pack.data[41:],
        "cut": pack.data[:-5],
        "empty": b"",
        "none": subprocess.run(
            ["git", "pack-objects", "--stdout", "--quiet"], cwd=folder, input=b"", capture_output=True, check=True
        ).stdout,
    }[damage]
    with pytest.raises(errors.InvalidInput, match="git does not take the objects of its worktree"):
        GitTreeCarrier(clone).check(RUN, TreePack(pack.base, pack.refs, data), trees)
    assert git(clone, "for-each-ref", "refs/nofx") == ""


def test_a_tree_that_would_write_into_git_is_refused(made: tuple[Path, TreePack, dict[str, str]], clone: Path) -> None:
    """Git checks the objects of a pack: a tree with `.git` in it is none."""
    folder, pack, _ = made
    blob = git(folder, "hash-object", "-w", "--stdin", stdin=b"evil\n")
    make_tree = ("hash-object", "-w", "-t", "tree", "--literally", "--stdin")
    inner = git(folder, *make_tree, stdin=b"100644 config\0" + bytes.fromhex(blob))
    tree = git(folder, *make_tree, stdin=b"40000 .git\0" + bytes.fromhex(inner))
    commit = git(folder, "-c", "user.name=t", "-c", "user.email=t@e", "commit-tree", "-p", pack.base, "-m", "x", tree)
    words = ["git", "pack-objects", "--revs", "--stdout", "--quiet"]
    wanted = f"{commit}\n^{pack.base}\n".encode()
    data = subprocess.run(words, cwd=folder, input=wanted, capture_output=True, check=True).stdout
    with pytest.raises(errors.InvalidInput, match="git does not take the objects of its worktree"):
        GitTreeCarrier(clone).check(RUN, TreePack(pack.base, {REF: commit}, data), {REF: tree})


def test_without_the_commit_it_is_told_which_one_is_missing(
    made: tuple[Path, TreePack, dict[str, str]], tmp_path: Path
) -> None:
    _, pack, trees = made
    git(tmp_path, "init", "-q", "other")
    with pytest.raises(errors.Conflict, match="which this clone does not have") as told:
        GitTreeCarrier(tmp_path / "other").check(RUN, pack, trees)
    assert told.value.code == "commit-missing"
    assert pack.base in told.value.hint


def test_a_run_that_began_from_what_no_clone_has_brings_it_along(tmp_path: Path) -> None:
    """The run of a hook begins from what is staged."""
    for name in ("here", "there"):
        git(tmp_path, "init", "-q", "-b", "trunk", name)
        git(tmp_path / name, "commit", "-q", "--allow-empty", "-m", "one", env=AT_NOON)
    here, there = tmp_path / "here", tmp_path / "there"
    commit = git(here, "rev-parse", "HEAD")
    assert git(there, "rev-parse", "HEAD") == commit
    (here / "staged.txt").write_text("staged\n")
    git(here, "add", "-A")
    staged = git(here, "commit-tree", "-p", commit, "-m", "staged", git(here, "write-tree"))
    git(here, "update-ref", f"refs/nofx/{RUN}/@base", staged)
    pack = GitTreeCarrier(here).pack(RUN, commit)
    GitTreeCarrier(there).check(RUN, pack, {})
    GitTreeCarrier(there).unpack(RUN, pack)
    assert git(there, "show", f"refs/nofx/{RUN}/@base:staged.txt") == "staged"


def test_a_run_in_a_repository_without_a_commit(tmp_path: Path) -> None:
    for name in ("here", "there"):
        git(tmp_path, "init", "-q", "-b", "trunk", name)
    trees = GitWorktrees(tmp_path / "here", tmp_path / "store")
    (trees.ensure(RUN, "") / "a.txt").write_text("a\n")
    kept = trees.snapshot(RUN, STEP, 1, before=trees.base_tree(""))
    assert kept is not None
    pack = GitTreeCarrier(tmp_path / "here").pack(RUN, "")
    there = GitTreeCarrier(tmp_path / "there")
    there.check(RUN, pack, {kept.ref: kept.tree})
    there.unpack(RUN, pack)
    place = GitWorktrees(tmp_path / "there", tmp_path / "store of there").ensure(RUN, "", tree=kept.tree)
    assert (place / "a.txt").read_text() == "a\n"


def test_what_stood_there_before_a_rollback_goes_with_it(
    made: tuple[Path, TreePack, dict[str, str]], clone: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", str(made[0]), "copy")
    git(tmp_path / "copy", "fetch", "-q", "origin", "+refs/nofx/*:refs/nofx/*")
    ref = f"refs/nofx/{RUN}/@rollback/7"
    git(tmp_path / "copy", "update-ref", ref, made[1].refs[REF])
    pack = GitTreeCarrier(tmp_path / "copy").pack(RUN, made[1].base)
    assert sorted(pack.refs) == [ref, REF]
    GitTreeCarrier(clone).check(RUN, pack, {ref: made[2][REF], **made[2]})
