"""What a run changed is applied to the user's files whole, or not at all."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.workspace import writing
from nofx_cli.workspace.applying import Applied, apply_changes
from tests.unit.workspace.repository import Files, commit, git, make, put, tree_of

LINES = "one\ntwo\nthree\nfour\nfive\n"
BASE = {"a.txt": LINES, "b.txt": "b\n", "d/x.txt": "x\n", "run.sh": "#!/bin/sh\n"}


class Case:
    """A repository, the tree that it begins with, and what a run makes of a copy."""

    def __init__(self, folder: Path, base: Files = BASE) -> None:
        self.top = make(folder / "top", base)
        self.base = git(self.top, "rev-parse", "HEAD^{tree}")
        self._folder = folder

    def run_makes(self, change: Callable[[Path], object] | Files) -> str:
        """The tree of a copy that was changed."""
        copy = self._folder / "copy"
        git(self._folder, "clone", "-q", "--no-hardlinks", str(self.top), str(copy))
        if callable(change):
            change(copy)
        else:
            put(copy, change)
        tree = tree_of(copy, self._folder / "index")
        git(copy, "update-ref", "refs/copied", git(copy, "commit-tree", "-m", "x", tree))
        git(self.top, "fetch", "-q", str(copy), "+refs/copied:refs/nofx/copied")
        shutil.rmtree(copy)
        return tree

    def apply(self, tree: str, *, stage: bool = False) -> Applied:
        return apply_changes(self.top, self.base, tree, stage=stage)

    def refused(self, tree: str, *, stage: bool = False) -> object:
        """Why it was refused, by path; the user's files and index are what they were."""
        before = self.state()
        with pytest.raises(errors.Conflict) as caught:
            self.apply(tree, stage=stage)
        assert caught.value.code == "apply-conflict"
        assert self.state() == before
        return caught.value.context["paths"]

    def state(self) -> object:
        files = {
            str(path.relative_to(self.top)): (
                path.lstat().st_mode,
                os.readlink(path) if path.is_symlink() else path.read_bytes(),
            )
            for path in self.top.rglob("*")
            if ".git" not in path.parts and (path.is_symlink() or path.is_file())
        }
        return files, (self.top / ".git" / "index").read_bytes(), sorted(os.listdir(self.top / ".git"))

    def read(self, name: str) -> str:
        return (self.top / name).read_text()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_files_are_made_changed_and_removed_and_the_index_is_left_alone(case: Case) -> None:
    tree = case.run_makes({"new/n.txt": "n\n", "b.txt": "changed\n", "d/x.txt": None})
    index = (case.top / ".git" / "index").read_bytes()
    assert case.apply(tree) == Applied(("b.txt", "d/x.txt", "new/n.txt"), ())
    assert (case.read("new/n.txt"), case.read("b.txt")) == ("n\n", "changed\n")
    assert not (case.top / "d").exists()
    assert (case.top / ".git" / "index").read_bytes() == index
    assert "nofx-" not in " ".join(os.listdir(case.top / ".git"))


def test_applied_again_it_changes_nothing(case: Case) -> None:
    put(case.top, {"a.txt": LINES.replace("five", "FIVE")})
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE"), "b.txt": None})
    assert case.apply(tree).changed == ("a.txt", "b.txt")
    state = case.state()
    assert case.apply(tree) == Applied((), ("a.txt", "b.txt"))
    assert case.state() == state


def test_changes_to_other_lines_are_merged(case: Case) -> None:
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE")})
    put(case.top, {"a.txt": LINES.replace("five", "FIVE"), "own.txt": "mine\n"})
    case.apply(tree)
    assert case.read("a.txt") == "ONE\ntwo\nthree\nfour\nFIVE\n"
    assert case.read("own.txt") == "mine\n"


@pytest.mark.parametrize(
    ("theirs", "ours", "why"),
    [
        ({"a.txt": "theirs\n"}, {"a.txt": "ours\n"}, "both sides changed the same lines of it"),
        ({"a.txt": b"\0theirs"}, {"a.txt": b"\0ours"}, "both sides changed the same lines of it"),
        ({"a.txt": None}, {"a.txt": "ours\n"}, "you changed it, and the run removed it"),
        ({"a.txt": "theirs\n"}, {"a.txt": None}, "the run changed it, and you removed it"),
        ({"new.txt": "theirs\n"}, {"new.txt": "ours\n"}, "the run made it, and you have another one"),
        ({"a.txt": "theirs\n"}, {"a.txt": None, "a.txt/f": "f\n"}, "it is a folder with other files in yours"),
        ({"new/f": "theirs\n"}, {"new": "ours\n"}, "new is a file in your folder"),
    ],
)
def test_what_does_not_go_together_is_refused_whole(case: Case, theirs: Files, ours: Files, why: str) -> None:
    tree = case.run_makes({**theirs, "b.txt": "would be fine\n"})
    put(case.top, ours)
    assert list(case.refused(tree).values()) == [why]  # type: ignore[attr-defined]
    assert case.read("b.txt") == "b\n"


def test_the_message_names_the_paths(case: Case) -> None:
    tree = case.run_makes({"a.txt": "theirs\n", "b.txt": "theirs\n"})
    put(case.top, {"a.txt": "ours\n", "b.txt": "ours\n"})
    with pytest.raises(errors.Conflict) as caught:
        case.apply(tree)
    assert caught.value.message == (
        "nothing was applied: 2 files do not go together with yours (a.txt: both sides changed the same lines of it; "
        "b.txt: both sides changed the same lines of it)"
    )


def test_nothing_is_written_through_a_link(case: Case, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = case.run_makes({"d/x.txt": "theirs\n", "d/y.txt": "y\n"})
    shutil.rmtree(case.top / "d")
    (case.top / "d").symlink_to(outside)
    assert case.refused(tree) == dict.fromkeys(("d/x.txt", "d/y.txt"), "d is a link in your folder")
    assert os.listdir(outside) == []


def test_a_file_in_the_middle_of_a_merge_is_refused_and_others_are_not_touched_by_it(case: Case) -> None:
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE")})
    other = case.run_makes({"b.txt": "fine\n"})
    git(case.top, "checkout", "-q", "-b", "side")
    put(case.top, {"a.txt": "side\n"})
    commit(case.top)
    git(case.top, "checkout", "-q", "trunk")
    put(case.top, {"a.txt": "trunk\n"})
    commit(case.top)
    with pytest.raises(Exception, match="merge"):
        git(case.top, "merge", "-q", "side")
    put(case.top, {"a.txt": LINES})
    assert case.refused(tree) == {"a.txt": "it is in the middle of a merge"}
    assert case.apply(other).changed == ("b.txt",)


def test_modes_and_links(case: Case) -> None:
    def change(copy: Path) -> None:
        (copy / "run.sh").chmod(0o755)
        (copy / "b.txt").unlink()
        (copy / "b.txt").symlink_to("a.txt")

    case.apply(case.run_makes(change))
    assert (case.top / "run.sh").stat().st_mode & stat.S_IXUSR
    assert os.readlink(case.top / "b.txt") == "a.txt"


def test_a_mode_and_a_content_of_two_sides_come_together(case: Case) -> None:
    tree = case.run_makes(lambda copy: (copy / "run.sh").chmod(0o755))
    put(case.top, {"run.sh": "#!/bin/sh\necho mine\n"})
    case.apply(tree)
    assert (case.top / "run.sh").stat().st_mode & stat.S_IXUSR
    assert case.read("run.sh") == "#!/bin/sh\necho mine\n"


def test_a_file_becomes_a_folder_and_a_folder_a_file(case: Case) -> None:
    tree = case.run_makes({"b.txt": None, "b.txt/in": "in\n", "d/x.txt": None, "d2": "x\n"})
    case.apply(tree)
    assert case.read("b.txt/in") == "in\n"
    again = Case(case.top.parent / "again")

    def change(copy: Path) -> None:
        shutil.rmtree(copy / "d")
        (copy / "d").write_text("a file\n")

    folder = again.run_makes(change)
    again.apply(folder)
    assert again.read("d") == "a file\n"


def test_line_ends_are_those_of_the_checkout(tmp_path: Path) -> None:
    case = Case(tmp_path, {".gitattributes": "*.txt text\n", "a.txt": LINES, "b.txt": "b\n"})
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE"), "c.txt": "c\n"})
    git(case.top, "config", "core.autocrlf", "true")
    (case.top / "a.txt").write_bytes(LINES.replace("five", "FIVE").replace("\n", "\r\n").encode())
    case.apply(tree)
    assert (case.top / "a.txt").read_bytes() == b"ONE\r\ntwo\r\nthree\r\nfour\r\nFIVE\r\n"
    assert (case.top / "c.txt").read_bytes() == b"c\r\n"


def test_where_git_does_not_heed_modes_they_do_not_count(case: Case) -> None:
    tree = case.run_makes({"run.sh": "#!/bin/sh\necho\n"})
    git(case.top, "config", "core.fileMode", "false")
    (case.top / "run.sh").chmod(0o755)
    assert case.apply(tree).changed == ("run.sh",)
    assert case.apply(tree).already == ("run.sh",)


def test_no_program_of_the_checkout_runs(case: Case, tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    program.chmod(0o755)
    tree = case.run_makes({".gitattributes": "*.txt filter=own merge=own\n", "a.txt": LINES.replace("one", "ONE")})
    for name in ("filter.own.clean", "filter.own.smudge", "merge.own.driver", "core.fsmonitor"):
        git(case.top, "config", name, str(program))
    put(case.top, {"a.txt": LINES.replace("five", "FIVE")})
    case.apply(tree)
    assert case.read("a.txt").splitlines()[::4] == ["ONE", "FIVE"]
    assert not mark.exists()


def test_odd_names(case: Case) -> None:
    names = ['with "quotes".txt', "with\nnewline", " blank ", "ü\t.txt", "-dash", ":(top)x", '"begins']
    tree = case.run_makes(dict.fromkeys(names, "theirs\n"))
    assert case.apply(tree).changed == tuple(sorted(names))
    assert case.apply(tree).already == tuple(sorted(names))
    put(case.top, dict.fromkeys(names, "ours\n"))
    assert sorted(case.refused(tree)) == sorted(names)  # type: ignore[call-overload]


def test_staged_where_that_is_asked_for(case: Case) -> None:
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE"), "d/x.txt": None, "new.txt": "n\n"})
    case.apply(tree, stage=True)
    assert git(case.top, "status", "--short").splitlines() == ["M  a.txt", "D  d/x.txt", "A  new.txt"]


def test_what_was_applied_before_can_still_be_staged(case: Case) -> None:
    tree = case.run_makes({"new.txt": "n\n"})
    case.apply(tree)
    assert case.apply(tree, stage=True) == Applied((), ("new.txt",))
    assert git(case.top, "status", "--short") == "A  new.txt"


def test_what_the_user_staged_is_not_lost(case: Case) -> None:
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE")})
    put(case.top, {"a.txt": LINES.replace("five", "staged")})
    git(case.top, "add", "a.txt")
    put(case.top, {"a.txt": LINES})
    assert case.refused(tree, stage=True) == {"a.txt": "you staged something else for it"}
    case.apply(tree)
    assert "+staged" in git(case.top, "diff", "--cached")


@pytest.mark.parametrize("stage", [False, True])
def test_where_one_file_cannot_be_written_the_others_are_what_they_were(
    case: Case, monkeypatch: pytest.MonkeyPatch, stage: bool
) -> None:
    tree = case.run_makes({"a.txt": "1\n", "b.txt": None, "d/x.txt": "2\n", "new/deep/n.txt": "3\n", "z.txt": "4\n"})
    before, status = case.state(), git(case.top, "status", "--short")
    real = writing._move

    def move(source: Path, target: Path) -> None:
        if target.name == "z.txt":
            raise OSError(28, "No space left on device", str(target))
        real(source, target)

    monkeypatch.setattr(writing, "_move", move)
    with pytest.raises(errors.Unavailable) as caught:
        case.apply(tree, stage=stage)
    assert caught.value.message == (
        f"{case.top / 'z.txt'} cannot be written: no space left on device; nothing was applied"
    )
    assert git(case.top, "status", "--short") == status
    assert case.state()[0] == before[0]  # type: ignore[index]
    assert not (case.top / "new").exists()


def test_a_file_that_changes_meanwhile_is_not_written_over(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = case.run_makes({"a.txt": "1\n", "b.txt": "2\n"})
    real = writing._move

    def move(source: Path, target: Path) -> None:
        real(source, target)
        if target.name == "a.txt":
            put(case.top, {"b.txt": "the user's, just now\n"})

    monkeypatch.setattr(writing, "_move", move)
    with pytest.raises(errors.Conflict) as caught:
        case.apply(tree)
    assert caught.value.message == "b.txt was changed while the run was being applied; nothing was applied"
    assert (case.read("a.txt"), case.read("b.txt")) == (LINES, "the user's, just now\n")


def test_cut_off_in_the_middle_the_rest_is_done_the_next_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = case.run_makes({"a.txt": LINES.replace("one", "ONE"), "b.txt": "2\n", "d/x.txt": None})
    put(case.top, {"a.txt": LINES.replace("five", "FIVE")})
    with monkeypatch.context() as patch:
        patch.setattr(writing.FileWriter, "_roll_back", lambda _writer: None)
        real = writing._move

        def move(source: Path, target: Path) -> None:
            if target.name == "b.txt":
                raise KeyboardInterrupt
            real(source, target)

        patch.setattr(writing, "_move", move)
        with pytest.raises(KeyboardInterrupt):
            case.apply(tree)
    applied = case.apply(tree)
    assert applied == Applied(("b.txt",), ("a.txt", "d/x.txt"))
    assert case.read("a.txt") == "ONE\ntwo\nthree\nfour\nFIVE\n"


def test_a_submodule_is_not_applied(case: Case, tmp_path: Path) -> None:
    inner = make(tmp_path / "inner", {"i": "i"})

    def change(copy: Path) -> None:
        git(copy, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")

    assert case.refused(case.run_makes(change)) == {"sub": "it is a submodule"}
