"""What goes into a backup, what is refused of one, and which are thrown away."""

import errno
import fcntl
import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.backup import packing, restoring
from nofx_cli.drivers.filesystem.backup.checking import Checked, check
from nofx_cli.drivers.filesystem.backup.creating import Created, CreateOrder, create_backup
from nofx_cli.drivers.filesystem.backup.manifest import KeptFile, Manifest, Summary, encode_manifest
from nofx_cli.drivers.filesystem.backup.seal import Seal, encode_seal
from nofx_cli.drivers.filesystem.backup.shelf import ListedBackup, PruneOrder, to_be_pruned
from nofx_cli.drivers.filesystem.backup.unpacking import BackupFile
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.safety.masking import Masker
from tests.cli.console import AT, RUN, STARTED, TWO_STEPS, Records, success

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "backups" / "v1" / "backup.tar.gz"
SECRET = "correct horse battery staple"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """A store with a run that has an artifact, a log, and an answer in the archive."""
    records = Records(tmp_path / "kept")
    records.add(TWO_STEPS, [STARTED, *success("build")])
    records.append(RUN, (records.artifact("out.txt", b"made", step="build"), "build", 1))
    records.log(b"said\n", step="build")
    return records


def backed_up(records: Records, *, masker: Masker | None = None, leave_out: bool = False) -> Created:
    return create_backup(records.layout, CreateOrder(AT, leave_out=leave_out), masker=masker)


def checked(path: Path) -> Checked:
    with BackupFile(path) as backup:
        return check(backup)


def names(path: Path) -> set[str]:
    """What is in a backup, by the paths below its folder and that of its one run."""
    with tarfile.open(path) as tar:
        below = (name.partition("/")[2] for name in tar.getnames())
        return {name.removeprefix(f"runs/2026-01-01/{RUN}/") for name in below}


def restored(path: Path, into: Path) -> Layout:
    layout = Layout(into, sync=False)
    with BackupFile(path) as backup:
        restoring.restore_backup(layout, backup, SystemClock(), masker=Masker())
    return layout


class TestWhatGoesIn:
    def test_a_run_with_all_that_it_has(self, records: Records) -> None:
        (records.layout.root / "queue").mkdir()
        (records.layout.root / "queue" / "log.jsonl").write_text("jobs")
        (records.layout.root / "edits" / "x").mkdir(parents=True)
        (records.layout.root / "edits" / "x" / "old.1").write_text(SECRET)
        path = backed_up(records).path
        run = {"head", "journal.jsonl", "plan.yaml", "artifacts/build/1/out.txt", "logs/build.1.log"}
        assert names(path) == run | {"format", "manifest.json"}
        assert path.stat().st_mode & 0o777 == 0o600

    def test_what_is_torn_off_is_left_out_and_the_noted_head_is_that_of_the_copy(
        self, records: Records, tmp_path: Path
    ) -> None:
        head = records.store.head(RUN)
        with open(records.journal(), "ab") as journal:
            journal.write(b'{"v":1,"seq":9,"torn')
        store = restored(backed_up(records).path, tmp_path / "new")
        copied = Records(store.root)
        assert copied.store.head(RUN) == head == copied.store.noted_head(RUN)
        assert copied.journal().read_bytes().endswith(b"}\n")

    def test_files_of_an_attempt_that_began_after_the_copy_stay_out(self, records: Records) -> None:
        """Else the attempt that a run begins anew after a restore would take them for its own."""
        records.artifact("late.txt", b"late", step="check")
        records.log(b"late\n", step="check")
        records.log(b"late\n", step="build", attempt=2)
        assert not any(
            "late" in name or "check" in name or "build.2" in name for name in names(backed_up(records).path)
        )
        records.append(RUN, (ev.StepStarted("test:echo"), "check", 1))
        assert {"artifacts/check/1/late.txt", "logs/check.1.log"} <= names(backed_up(records).path)

    def test_a_lock_file_among_the_artifacts_is_kept_and_the_run_s_own_is_not(self, records: Records) -> None:
        records.append(RUN, (records.artifact("uv.lock", b"1", step="build"), "build", 1))
        records.append(RUN, (records.artifact("scratch/executor.lock", b"1", step="build"), "build", 1))
        (records.journal().parent / "scratch" / "4711").mkdir(parents=True)
        (records.journal().parent / "scratch" / "4711" / "half").touch()
        found = names(backed_up(records).path)
        assert {"artifacts/build/1/uv.lock", "artifacts/build/1/scratch/executor.lock"} <= found
        assert "executor.lock" not in found
        assert not any(name.startswith("scratch") for name in found)

    def test_a_batch_that_is_only_being_written_is_waited_for_and_may_be_taken_back(
        self, records: Records, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A writer whose disk fails takes its batch back under the lock; nobody may have copied it."""
        whole = records.journal().read_bytes()
        writer = os.open(records.journal(), os.O_RDWR | os.O_APPEND)
        fcntl.flock(writer, fcntl.LOCK_EX)
        records.journal().write_bytes(whole + b'{"v":1,"seq":9}\n')
        take = fcntl.flock

        def when_it_waits(fd: int, how: int) -> None:
            if how == fcntl.LOCK_SH:
                os.ftruncate(writer, len(whole))
                take(writer, fcntl.LOCK_UN)
            take(fd, how)

        monkeypatch.setattr(fcntl, "flock", when_it_waits)
        assert backed_up(records).faults == ()
        os.close(writer)

    def test_cursors_of_notices_come_before_the_journals_and_answers_behind(self, records: Records) -> None:
        """So an event may be told twice, never not at all; and no journal names an answer that is missing."""
        for folder, name in (("notify/hook-1", "cursor"), ("archive/ab", f"{'ab' * 32}.json")):
            (records.layout.root / folder).mkdir(parents=True)
            (records.layout.root / folder / name).write_text("1")
        with tarfile.open(backed_up(records).path) as tar:
            tops = [name.split("/")[1] for name in tar.getnames()]
        assert list(dict.fromkeys(tops)) == ["notify", "runs", "archive", "format", "manifest.json"]

    def test_modes_and_times_are_kept(self, records: Records, tmp_path: Path) -> None:
        log = records.artifacts.log_path(RUN, "build", 1)  # type: ignore[arg-type]
        log.chmod(0o640)
        os.utime(log, (999_999.2, 999_999.2))
        found = restored(backed_up(records).path, tmp_path / "new").run(RUN) / "logs" / "build.1.log"
        assert (found.stat().st_mode & 0o777, found.stat().st_mtime) == (0o640, 1_000_000)

    def test_what_is_wrong_in_the_store_is_told_and_is_no_fault_of_the_backup(self, records: Records) -> None:
        (records.journal().parent / "artifacts" / "build" / "1" / "out.txt").write_text("changed")
        (records.journal().parent / "plan.yaml").unlink()
        os.utime(records.journal(), (1_000_000, 1_000_000))
        made = backed_up(records)
        told = (f"run {RUN}: plan.yaml is gone", f"run {RUN}: artifacts/build/1/out.txt is not what was kept")
        assert made.faults == told
        assert checked(made.path) == Checked(made.digest, (), told)

    def test_a_damaged_journal_is_copied_as_it_is(self, records: Records) -> None:
        journal = records.journal()
        journal.write_bytes(journal.read_bytes().replace(b'"succeeded"', b'"failed"'))
        made = backed_up(records)
        assert [fault.partition(": ")[2][:6] for fault in made.faults] == ["event "]
        assert checked(made.path).ok

    @pytest.mark.parametrize("room", [0, 1, 5])
    def test_of_one_that_finds_no_room_nothing_is_left(
        self, records: Records, room: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[int] = []

        def full(fd: int, data: bytes) -> None:
            if len(written) == room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written.append(os.write(fd, data))

        monkeypatch.setattr(packing, "write_all", full)
        with pytest.raises(errors.StoreFailure, match="cannot be written: the disk is full"):
            backed_up(records)
        assert list((records.layout.root / "backups").iterdir()) == []

    def test_no_store(self, tmp_path: Path) -> None:
        with pytest.raises(errors.NotFound) as raised:
            backed_up(Records(tmp_path / "nothing"))
        assert raised.value.code == "store-not-found"


class TestSecrets:
    def test_no_backup_is_made_and_the_files_are_named(self, records: Records) -> None:
        records.log(f"the password is {SECRET}\n".encode(), step="build")
        with pytest.raises(errors.Denied) as raised:
            backed_up(records, masker=Masker([SECRET]))
        assert raised.value.code == "secret-in-backup"
        assert raised.value.context["files"] == (f"runs/2026-01-01/{RUN}/logs/build.1.log",)
        assert SECRET not in raised.value.message
        assert list((records.layout.root / "backups").iterdir()) == []

    def test_the_run_is_left_out_as_a_whole(self, records: Records) -> None:
        records.log(f"the password is {SECRET}\n".encode(), step="build")
        records.add(TWO_STEPS, [STARTED], run="20260102-120000-bbbbbb")
        made = backed_up(records, masker=Masker([SECRET]), leave_out=True)
        assert made.left_out == (f"runs/2026-01-01/{RUN}/logs/build.1.log",)
        assert (made.summary.runs, made.summary.left_out) == (1, 1)
        assert checked(made.path).ok
        assert SECRET.encode() not in gzip.decompress(made.path.read_bytes())

    def test_one_that_is_known_only_since_is_found_in_a_journal(self, records: Records) -> None:
        records.append(RUN, ev.RunCancelled(f"by {SECRET}"))
        with pytest.raises(errors.Denied):
            backed_up(records, masker=Masker([SECRET]))

    def test_the_name_of_a_step_is_none(self, records: Records) -> None:
        """`build12` is a poor password; what nofx finds steps by is never masked, so it does not count here."""
        plan, masker = TWO_STEPS.replace("build", "build12"), Masker(["build12"])
        records.store = FileRunStore(records.layout, mask=masker.text)
        records.add(plan, [STARTED, *success("build12"), ev.RunWaiting(("build12",))], run="20260102-120000-bbbbbb")
        assert backed_up(records, masker=masker).summary.runs == 2


class TestDamage:
    def test_whichever_byte_is_another_and_wherever_it_is_cut_off(self, records: Records, tmp_path: Path) -> None:
        data = backed_up(records).path.read_bytes()
        path = tmp_path / "damaged.tar.gz"
        for at in range(0, len(data), 11):
            path.write_bytes(data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :])
            assert not _is_taken(path), f"byte {at}"
            path.write_bytes(data[:at])
            assert not _is_taken(path), f"cut off at {at}"
        path.write_bytes(data + b"\0")
        assert not _is_taken(path)
        path.write_bytes(data)
        assert _is_taken(path)

    @pytest.mark.parametrize("at", [4, 700], ids=["in a header that nobody reads", "among the files"])
    def test_nothing_is_restored_of_it(self, records: Records, at: int) -> None:
        path = backed_up(records).path
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)
        before = sorted(records.layout.root.rglob("*"))
        with pytest.raises(errors.InvalidInput) as raised:
            restored(path, records.layout.root)
        assert raised.value.code == "backup-damaged"
        assert sorted(records.layout.root.rglob("*")) == before

    def test_what_was_written_by_the_first_version_is_read(self, tmp_path: Path) -> None:
        found = checked(FIXTURE)
        assert found == Checked("7a03529b78b277cf4f81e65b692512893744b929ca65d9a298bde1e09f13f3bf", (), ())
        with BackupFile(FIXTURE) as backup:
            assert (backup.summary.note, backup.summary.runs) == ("of the first format", 2)
        layout = restored(FIXTURE, tmp_path / "new")
        run = RunId("20260101-120000-aaaaaa")
        assert Records(layout.root).store.head(run).seq == 3
        assert (layout.run(run) / "artifacts" / "a" / "1" / "out.txt").read_text() == f"of {run}"
        assert (layout.root / "notify" / "hook.json").read_text() == "7"


def _is_taken(path: Path) -> bool:
    try:
        return checked(path).ok
    except errors.InvalidInput:
        return False


SUMMARY = Summary("20260101-120000-evilll", AT, "0.1.0", "here", "", automatic=False, runs=0, files=1, bytes=4)


def made_by_hand(path: Path, *members: tarfile.TarInfo, data: bytes = b"evil", summary: Summary = SUMMARY) -> Path:
    """A backup whose digests are all right, as somebody makes it who means harm."""
    manifest = encode_manifest(Manifest(summary, (), (KeptFile("format", 4, 0o644, hashlib.sha256(data).hexdigest()),)))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(data))
        last = tarfile.TarInfo(f"{summary.id}/manifest.json")
        last.size = len(manifest)
        tar.addfile(last, io.BytesIO(manifest))
    content = packed.getvalue()
    seal = Seal(summary, hashlib.sha256(manifest).hexdigest(), hashlib.sha256(content).hexdigest())
    path.write_bytes(content + encode_seal(seal))
    return path


def member(name: str, change: Callable[[tarfile.TarInfo], object] = lambda info: None) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"{SUMMARY.id}/{name}")
    info.size = 4
    change(info)
    return info


def link(kind: bytes, to: str) -> Callable[[tarfile.TarInfo], object]:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = kind, to, 0

    return change


class TestWhatIsMeantToHarm:
    @pytest.mark.parametrize(
        "evil",
        [
            member("runs/../../out"),
            member("runs/a/../../../out"),
            member("queue/log.jsonl"),
            member("runs"),
            member("runs/./x"),
            member("runs//x"),
            member("../out"),
            member("runs/a\nb"),
            member("runs/x", link(tarfile.SYMTYPE, "/etc/passwd")),
            member("runs/x", link(tarfile.LNKTYPE, "/etc/passwd")),
            member("runs/x", link(tarfile.FIFOTYPE, "")),
            member("runs/x", link(tarfile.CHRTYPE, "")),
            member("runs/x", link(tarfile.DIRTYPE, "")),
            tarfile.TarInfo("/etc/passwd"),
            tarfile.TarInfo("another/format"),
        ],
        ids=lambda info: f"{info.name[-12:]!r} {info.type!r}",
    )
    def test_a_member_that_has_no_place_in_a_store(self, evil: tarfile.TarInfo, tmp_path: Path) -> None:
        path = made_by_hand(tmp_path / "evil.tar.gz", evil)
        (fault,) = checked(path).faults
        assert "which is no place in a store" in fault or "is no plain file" in fault
        with pytest.raises(errors.InvalidInput):
            restored(path, tmp_path / "in" / "new")
        assert sorted(each.name for each in (tmp_path / "in").rglob("*")) == ["new"]
        assert not (tmp_path / "out").exists()

    def test_more_than_its_end_declares(self, tmp_path: Path) -> None:
        path = made_by_hand(tmp_path / "evil.tar.gz", member("format"), member("runs/x/y"))
        assert checked(path).faults == ("it holds more than its end says: runs/x/y",)

    def test_a_file_twice(self, tmp_path: Path) -> None:
        summary = replace(SUMMARY, files=9, bytes=999)
        path = made_by_hand(tmp_path / "evil.tar.gz", member("format"), member("format"), summary=summary)
        assert checked(path).faults == ("format does not belong where it stands",)

    def test_a_store_of_a_newer_nofx(self, tmp_path: Path) -> None:
        path = made_by_hand(tmp_path / "newer.tar.gz", member("format"), data=b"9999")
        assert checked(path).ok
        with pytest.raises(errors.InvalidInput) as raised:
            restored(path, tmp_path / "new")
        assert raised.value.code == "backup-newer"

    def test_no_room(self, tmp_path: Path) -> None:
        path = made_by_hand(tmp_path / "large.tar.gz", member("format"), summary=replace(SUMMARY, bytes=10**18))
        with pytest.raises(errors.StoreFailure, match=r"MB are free"):
            restored(path, tmp_path / "new")


class TestWhichGo:
    @staticmethod
    def listed(*days: str) -> list[ListedBackup]:
        """Backups of these days, newest first."""
        return [
            ListedBackup(Path(f"{number}"), 1, replace(SUMMARY, at=f"2026-{day}T12:00:00.000000Z"))
            for number, day in enumerate(days)
        ]

    @pytest.mark.parametrize(
        ("order", "gone"),
        [
            (PruneOrder(keep=2), [5, 4, 3, 2]),
            (PruneOrder(daily=2), [5, 4, 3, 1]),
            (PruneOrder(weekly=2), [5, 3, 2, 1]),
            (PruneOrder(keep=1, daily=3), [5, 4, 1]),
            (PruneOrder(before="2026-11-19T00:00:00.000000Z"), [5, 4]),
            (PruneOrder(before="2027-01-01T00:00:00.000000Z"), [5, 4, 3, 2, 1]),
            (PruneOrder(keep=5, before="2026-11-21T00:00:00.000000Z"), [5]),
            (PruneOrder(keep=9), []),
        ],
    )
    def test_what_nothing_keeps_oldest_first(self, order: PruneOrder, gone: list[int]) -> None:
        """The 22nd is a Sunday, the 15th too."""
        listed = self.listed("11-22", "11-22", "11-20", "11-19", "11-15", "11-01")
        assert [int(one.path.name) for one in to_be_pruned(listed, order)] == gone

    def test_what_cannot_be_read_is_left_alone(self) -> None:
        bad = ListedBackup(Path("9"), 1, fault="cut off")
        assert [one.path.name for one in to_be_pruned([*self.listed("11-22", "11-21"), bad], PruneOrder(keep=1))] == [
            "1"
        ]
