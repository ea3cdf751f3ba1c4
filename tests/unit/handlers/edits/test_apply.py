"""Changes are made all together, under a lock, and only on what they were planned on."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits import apply, durable
from nofx_cli.handlers.edits.api import Refused, apply_changes, instructions, parse
from nofx_cli.handlers.edits.apply_record import MOST_KEPT, journal_of
from tests.unit.handlers.edits.conftest import Work
from tests.unit.handlers.edits.malformed import block, whole

WHOLE = EditFormat.WHOLE
TWO = whole("a.py", "a2\n") + "\n" + whole("new/b.py", "b2\n") + "\nDELETE: c.py\n"


@pytest.fixture
def three(work: Work) -> Work:
    work.put("a.py", "a1\n", mode=0o600)
    work.put("c.py", "c1\n")
    return work


def test_nothing_is_left_beside_and_all_of_it_is_there(three: Work) -> None:
    three.take(TWO, WHOLE)
    assert list(three.files()) == ["a.py", "new", "new/b.py"]
    assert (three.bytes_of("a.py"), three.bytes_of("new/b.py")) == (b"a2\n", b"b2\n")


def test_a_full_disk_leaves_everything_as_it_was(three: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    before, changes, put = three.files(), three.plan(TWO, WHOLE), durable.put_file

    def full(place: Path, data: bytes, mode: int | None, *, staging: Path) -> None:
        if place.name == "b.py":
            raise OSError(28, "No space left on device")
        put(place, data, mode, staging=staging)

    monkeypatch.setattr(apply, "put_file", full)
    with pytest.raises(errors.StoreFailure) as failed:
        apply_changes(changes, three.workspace, store=three.store)
    assert failed.value.code == "write-failed"
    assert failed.value.message == (
        "the changes could not be written: No space left on device; all files are as before"
    )
    assert three.files() == before


def test_what_cannot_be_put_back_is_told_and_tried_again(three: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    before, changes, put = three.files(), three.plan(TWO, WHOLE), durable.put_file

    def broken(place: Path, data: bytes, mode: int | None, *, staging: Path) -> None:
        if place.name == "b.py" or data == b"a1\n":
            raise OSError(5, "Input/output error")
        put(place, data, mode, staging=staging)

    with monkeypatch.context() as patched:
        patched.setattr(apply, "put_file", broken)
        with pytest.raises(errors.StoreFailure) as failed:
            apply_changes(changes, three.workspace, store=three.store)
    assert failed.value.code == "edit-unsettled"
    assert three.bytes_of("a.py") == b"a2\n"
    assert three.settle("any other work") == ("what was changed by an attempt that was cut off was taken back",)
    assert three.files() == before


def test_a_file_that_was_changed_since_it_was_planned_on_is_a_conflict(three: Work) -> None:
    changes = three.plan(TWO, WHOLE)
    three.put("c.py", "somebody else's\n")
    before = three.files()
    with pytest.raises(errors.Conflict) as conflict:
        apply_changes(changes, three.workspace, store=three.store)
    assert conflict.value.code == "workspace-changed"
    assert conflict.value.message == "c.py was changed while the answer was read; nothing was written"
    assert three.files() == before


def test_a_folder_that_became_a_link_is_a_conflict(three: Work, tmp_path: Path) -> None:
    three.put("sub/d.py", "d1\n")
    changes = three.plan(whole("sub/d.py", "d2\n"), WHOLE)
    (three.workspace / "sub").rename(tmp_path / "moved")
    (three.workspace / "sub").symlink_to(tmp_path / "moved")
    with pytest.raises(errors.Conflict):
        apply_changes(changes, three.workspace, store=three.store)
    assert (tmp_path / "moved/d.py").read_bytes() == b"d1\n"


def test_the_same_work_begins_from_where_it_began(three: Work) -> None:
    before = three.files()
    three.take(TWO, WHOLE, work="run/step/1")
    assert three.settle("run/step/2") == ()
    assert three.settle("run/step/1") == ("what was changed by an attempt that was cut off was taken back",)
    assert three.files() == before
    assert three.settle("run/step/1") == ()


def test_what_somebody_changed_since_is_left_to_them(three: Work) -> None:
    three.take(TWO, WHOLE, work="run/step/1")
    three.put("a.py", "mine\n")
    before = three.files()
    assert three.settle("run/step/1") == (
        "the changes of the attempt before stay as they are: files were changed since",
    )
    assert three.files() == before


def test_a_file_that_somebody_changed_in_what_is_half_done_stays(three: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = three.plan(TWO, WHOLE)

    class Killed(BaseException):
        pass

    def killed(place: Path) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(apply, "remove_file", killed)
        with pytest.raises(Killed):
            apply_changes(changes, three.workspace, store=three.store)
    three.put("a.py", "mine\n")
    assert three.settle() == (
        "what was changed by an attempt that was cut off was taken back",
        "a.py stays as it is: somebody changed it since",
    )
    assert three.bytes_of("a.py") == b"mine\n"
    assert sorted(three.files()) == ["a.py", "c.py"]


def test_two_who_apply_wait_for_each_other(three: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = three.plan(whole("a.py", "a2\n"), WHOLE), three.plan(whole("d.py", "d\n"), WHOLE)
    inside, go_on, put = threading.Event(), threading.Event(), durable.put_file

    def slow(place: Path, data: bytes, mode: int | None, *, staging: Path) -> None:
        if place.name == "a.py":
            inside.set()
            go_on.wait(30)
        put(place, data, mode, staging=staging)

    monkeypatch.setattr(apply, "put_file", slow)
    threads = [
        threading.Thread(target=apply_changes, args=(changes, three.workspace), kwargs={"store": three.store})
        for changes in (first, second)
    ]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    lock = os.open(journal_of(three.workspace, three.store).folder / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert (three.bytes_of("a.py"), three.bytes_of("d.py")) == (b"a2\n", b"d\n")


def test_on_another_filesystem_files_are_written_beside(three: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, refused = os.replace, []

    def across(source: Path, target: Path) -> None:
        if three.store in Path(source).parents and three.workspace in Path(target).parents:
            refused.append(target)
            raise OSError(18, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", across)
    three.take(TWO, WHOLE)
    assert len(refused) == 2
    assert list(three.files()) == ["a.py", "new", "new/b.py"]
    assert three.files()["a.py"][1] & 0o777 == 0o600


def test_no_more_is_remembered_than_is_of_use(work: Work, tmp_path: Path) -> None:
    for number in range(MOST_KEPT + 5):
        work.take(whole("a.py", f"x = {number}\n"), WHOLE, work=f"run/step/{number}")
    gone = tmp_path / "gone"
    gone.mkdir()
    other = Work(gone, work.store)
    other.take(whole("a.py"), WHOLE, work="x")
    (gone / "a.py").unlink()
    gone.rmdir()
    work.settle()
    journal = journal_of(work.workspace, work.store)
    assert len(journal.records()) == MOST_KEPT
    assert [path.name for path in journal.folder.parent.iterdir()] == [journal.folder.name]


def test_the_policy_is_asked_for_every_path_before_its_file_is_read(three: Work) -> None:
    (three.workspace / "link.py").symlink_to("a.py")
    three.plan("RENAME: c.py -> sub/e.py\n\n" + whole("link.py", "x\n"), WHOLE)
    assert three.asked == ["sub/e.py", "c.py", "link.py", "a.py"]


def test_what_the_policy_denies_passes_and_what_the_step_refuses_is_a_reason(three: Work) -> None:
    def deny(path: str) -> None:
        if path == "c.py":
            raise errors.PolicyDenied("no")
        raise Refused(f"{path} is not for this step")

    three.check_write, before = deny, three.files()
    with pytest.raises(errors.PolicyDenied):
        three.take(TWO, WHOLE)
    with pytest.raises(Refused) as refused:
        three.take(whole("a.py") + "\n" + whole("../x.py"), WHOLE)
    assert refused.value.reasons[0] == "a.py is not for this step"
    assert len(refused.value.reasons) == 2
    assert three.files() == before


def test_a_link_within_the_workspace_is_written_through(three: Work) -> None:
    (three.workspace / "link.py").symlink_to("a.py")
    three.take(whole("link.py", "a2\n"), WHOLE)
    assert (three.workspace / "link.py").is_symlink()
    assert three.bytes_of("a.py") == b"a2\n"


@pytest.mark.parametrize("form", EditFormat)
def test_the_example_of_the_instructions_is_what_is_read(form: EditFormat) -> None:
    paths = [edit.path for edit in parse(instructions(form).partition("\nDELETE")[0], form)]
    assert paths[0] == "src/example.py"


def test_instructions_name_what_may_not_be_written() -> None:
    for form in EditFormat:
        assert all(name in instructions(form) for name in (".git", "nofx_handlers", "local_data", "nofx.yaml"))


def test_a_block_and_a_whole_file_of_one_path_contradict_each_other(three: Work) -> None:
    with pytest.raises(Refused, match="more than one change of it, at lines 2 and 9"):
        three.take(block("a.py", "a1\n", "a2\n") + "\n" + block("a.py", "", "a3\n"), EditFormat.SEARCH_REPLACE)
