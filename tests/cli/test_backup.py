"""`nofx backup`: made, listed, proved, put back and thrown away."""

import os
import shutil
from pathlib import Path

import pytest

from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.gate import Gate
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.workers import FileWorkers
from tests.cli.console import EVIL, harmless
from tests.cli.runner import ASK, ECHO, FAIL, LAST, Runner

SUMMARY = {"id", "at", "nofx", "host", "note", "automatic", "runs", "files", "bytes"}


def spoil(path: Path) -> None:
    """Change one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def folder(nofx: Runner) -> Path:
    return nofx.records.layout.root / "backups"


class TestCreate:
    def test_what_is_told(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        made = nofx("backup", "create", "-m", "before the upgrade")
        (path,) = folder(nofx).iterdir()
        first, second = made.stdout.splitlines()
        assert first.startswith(f"backup {path.name.removesuffix('.tar.gz')}: 1 run, ")
        assert first.endswith(f" in {path}")
        assert second == f"digest {nofx.json('backup', 'list')[0]['digest']}"
        assert made.stderr == ""

    def test_the_fields_are_pinned(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        told = nofx.json("backup", "create", "--note", "why")
        assert set(told) == SUMMARY | {"path", "size", "digest", "faults", "left_out"}
        assert (told["note"], told["automatic"], told["runs"]) == ("why", False, 1)
        assert (told["faults"], told["left_out"]) == ([], [])
        assert told["size"] == Path(told["path"]).stat().st_size

    def test_into_a_folder_and_a_file(self, nofx: Runner, tmp_path: Path) -> None:
        nofx.run(ECHO)
        (tmp_path / "out").mkdir()
        made = nofx.json("backup", "create", "--to", str(tmp_path / "out"))
        assert made["path"] == str(tmp_path / "out" / f"{made['id']}.tar.gz")
        file = str(tmp_path / "out" / "mine.tar.gz")
        assert nofx.json("backup", "create", "--to", file)["path"] == file
        error = nofx.error("backup", "create", "--to", file, code=5)
        assert error["message"] == f"{file} is there already"
        assert "--force" in error["hint"]
        nofx("backup", "create", "--to", file, "--force")
        nofx("backup", "verify", file)
        error = nofx.error("backup", "create", "--to", str(tmp_path / "no" / "such.tar.gz"), code=2)
        assert error["code"] == "output-unwritable"
        assert not folder(nofx).exists()

    def test_a_secret_in_the_store(self, nofx: Runner) -> None:
        run = nofx.run(ECHO)
        nofx.records.log(b"it is swordfish-12345\n", step="build", run=run)
        result = nofx("backup", "create", code=6, env={"MY_TOKEN": "swordfish-12345"})
        assert "secrets stand in 1 file of the store: runs/" in result.stderr
        assert "logs/build.1.log" in result.stderr
        assert "swordfish" not in result.output
        made = nofx("backup", "create", "--leave-out-secrets", env={"MY_TOKEN": "swordfish-12345"})
        assert ": no runs, " in made.stdout
        assert "left out with all that belongs to it, for a secret stands in it: runs/" in made.stderr

    def test_a_secret_in_the_note(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        made = nofx("backup", "create", "-m", "now swordfish-12345", "--json", env={"MY_TOKEN": "swordfish-12345"})
        assert '"note": "now ***"' in made.stdout

    def test_a_note_that_is_too_long(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        assert nofx.error("backup", "create", "-m", "x" * 501, code=2)["message"].startswith("the note has 501 char")

    def test_without_a_store(self, nofx: Runner) -> None:
        assert nofx.error("backup", "create", code=4)["code"] == "store-not-found"
        assert not nofx.records.layout.root.exists()


class TestList:
    def test_none(self, nofx: Runner) -> None:
        result = nofx("backup", "list")
        assert (result.stdout, result.stderr) == ("", "there is no backup in the store yet: nofx backup create\n")
        assert nofx.json("backup", "list") == []

    def test_newest_first_and_what_is_damaged_hides_nothing(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        ids = [nofx.json("backup", "create", "-m", f"{number}{EVIL}")["id"] for number in range(3)]
        (folder(nofx) / f"{ids[1]}.tar.gz").write_bytes(b"cut off")
        result = nofx("backup", "list")
        head, newest, oldest = result.stdout.splitlines()
        assert head.split() == ["BACKUP", "MADE", "RUNS", "SIZE", "DIGEST", "NOTE"]
        assert (newest.split()[0], oldest.split()[0]) == (ids[2], ids[0])
        assert harmless(result.stdout)
        assert "cannot be used: it is no backup of nofx, or its end was cut off" in result.stderr
        told = nofx.json("backup", "list")
        assert [one["id"] for one in told] == [ids[2], ids[0], ids[1]]
        assert set(told[0]) == SUMMARY | {"path", "size", "digest", "fault"}
        assert (told[0]["fault"], told[2]["digest"]) == (None, None)


class TestVerify:
    def test_a_sound_one_by_id_part_file_and_as_the_latest(self, nofx: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        nofx.run(ECHO)
        made = nofx.json("backup", "create")
        monkeypatch.chdir(folder(nofx))
        for text in (made["id"], made["id"][-6:], "latest", made["path"], Path(made["path"]).name):
            told = nofx.json("backup", "verify", text, "--expect", made["digest"])
            assert set(told) == SUMMARY | {"ok", "path", "digest", "faults", "of_the_store"}
            assert (told["ok"], told["digest"]) == (True, made["digest"])
        words = nofx("backup", "verify").stdout
        assert words == f"ok    {made['id']}  1 run, {made['files']} files  {made['digest']}\n"

    def test_another_than_the_expected_one(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        made = nofx.json("backup", "create")
        told = nofx("backup", "verify", "--expect", "ab" * 32, code=1).stdout
        assert f"its digest is {made['digest']}, and not the one that was expected" in told

    def test_a_changed_byte(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        spoil(Path(nofx.json("backup", "create")["path"]))
        told = nofx("backup", "verify", code=1).stdout.splitlines()
        assert told[0].startswith("fault ")
        assert told[1] == "  its content is not what the digest at its end says"
        assert len(told) > 2, "what else can be told of where it is"

    def test_which_there_is_none_of(self, nofx: Runner, tmp_path: Path) -> None:
        nofx.run(ECHO)
        assert nofx.error("backup", "verify", "nothing", code=4)["code"] == "backup-not-found"
        assert nofx.error("backup", "verify", str(tmp_path / "no.tar.gz"), code=4)["code"] == "file-not-found"
        for _ in range(2):
            nofx("backup", "create")
        assert nofx.error("backup", "verify", "20", code=2)["code"] == "backup-ambiguous"


class TestRestore:
    def test_the_store_is_again_what_it_was(self, nofx: Runner) -> None:
        waiting = nofx.run(ASK + LAST, code=8)
        nofx("backup", "create")
        nofx("approve", "release")
        nofx.run(ECHO)
        told = nofx.json("backup", "restore", "latest", "--yes")
        assert set(told) == SUMMARY | {"store", "before", "jobs", "worktrees_left"}
        assert (told["before"]["automatic"], told["before"]["runs"]) == (True, 2)
        assert told["before"]["note"] == f"before the restore of {told['id']}"
        fresh = Layout(nofx.records.layout.root)
        assert not (fresh.root / ".restore").exists()
        assert not (fresh.root / "restoring").exists()
        nofx.records.store.forget(waiting)
        assert nofx.runs() == [waiting]
        assert nofx.types()[-1] == "run.waiting"
        nofx("approve", "release")
        assert nofx.types()[-1] == "run.succeeded"

        nofx.records.store.forget(waiting)
        nofx("backup", "restore", told["before"]["id"], "--yes")
        assert len(nofx.runs()) == 2

    def test_what_was_queued_is_queued_again_and_the_key_of_a_run_is_known(self, nofx: Runner) -> None:
        plan = nofx.plan(ECHO)
        run = nofx("run", plan, "--detach", "--no-start-worker", "--idempotency-key", "k").stdout.strip()
        nofx.records.append(RunId(run), ev.QueueBackpressure(9_000, 2_000))  # no young one any more
        nofx("backup", "create")
        shutil.rmtree(nofx.records.layout.root / "runs")
        nofx("cancel", run, code=4)
        result = nofx("backup", "restore", "latest", "--yes")
        assert "1 job in the queue again; go on with: nofx worker start, or nofx resume RUN" in result.stderr
        assert [job["run"] for job in nofx.json("queue", "list")] == [run]
        assert nofx("run", plan, "--detach", "--no-start-worker", "--idempotency-key", "k").stdout.strip() == run
        nofx("worker", "--drain", "-q")
        nofx.records.store.forget(RunId(run))
        assert nofx.types()[-1] == "run.succeeded"

    def test_into_another_folder(self, nofx: Runner, tmp_path: Path) -> None:
        run = nofx.run(ECHO)
        made = nofx.json("backup", "create")
        nofx.run(ECHO)
        result = nofx("backup", "restore", made["id"], "--into", str(tmp_path / "a" / "new"))
        assert result.stdout.endswith(f"1 run, {_size(made['bytes'])}, in {tmp_path / 'a' / 'new'}\n")
        assert result.stderr == f"look into it with: NOFX_HOME={tmp_path / 'a' / 'new'} nofx list\n"
        assert run in nofx("verify", "--all", env={"NOFX_HOME": str(tmp_path / "a" / "new")}).stdout
        assert len(nofx.runs()) == 2
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "precious").touch()
        error = nofx.error("backup", "restore", made["id"], "--into", str(tmp_path / "full"), code=5)
        assert error["code"] == "not-a-store"
        assert os.listdir(tmp_path / "full") == ["precious"]

    def test_nobody_is_asked_where_nobody_can_answer(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        nofx("backup", "create")
        error = nofx.error("backup", "restore", "latest", code=2)
        assert (error["code"], error["hint"]) == ("not-confirmed", "give --yes")

    def test_a_damaged_one_and_one_that_is_another_change_nothing(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        path = Path(nofx.json("backup", "create")["path"])
        nofx.run(ECHO)
        error = nofx.error("backup", "restore", "latest", "--yes", "--expect", "ab" * 32, code=3)
        assert error["code"] == "backup-differs"
        spoil(path)
        error = nofx.error("backup", "restore", "latest", "--yes", code=3)
        assert error["code"] == "backup-damaged"
        assert len(nofx.runs()) == 2
        assert list(folder(nofx).iterdir()) == [path]

    def test_not_under_a_worker_or_a_run(self, nofx: Runner) -> None:
        run = nofx.run(FAIL, code=1)
        nofx("backup", "create")
        layout = nofx.records.layout
        registration = FileWorkers(layout, SystemClock()).register(concurrency=1)
        error = nofx.error("backup", "restore", "latest", "--yes", code=5)
        assert error["code"] == "store-in-use"
        assert error["message"] == f"the store cannot be restored: worker {registration.id} is alive"
        registration.release()
        with nofx.records.liveness.hold(run, shared=True):
            error = nofx.error("backup", "restore", "latest", "--yes", code=5)
        assert error["message"] == f"the store cannot be restored: run {run} is executed by workers"
        assert error["hint"] == f"wait for its end, or: nofx cancel {run}"
        assert not (layout.root / "restoring").exists()
        nofx("backup", "restore", "latest", "--yes")

    def test_who_takes_a_run_or_starts_to_work_when_the_gate_has_just_closed_gives_up(
        self, nofx: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = nofx.run(FAIL, code=1)
        layout = nofx.records.layout
        gate = Gate(layout.root, sync=False)
        workers = FileWorkers(layout, SystemClock())
        with monkeypatch.context() as before:
            before.setattr(Layout, "prepare", lambda self: None)  # it was open when that was asked
            self.gives_up(nofx, workers, run)
        nofx("backup", "create", code=69)
        gate.open()
        nofx("backup", "create")

    @staticmethod
    def gives_up(nofx: Runner, workers: FileWorkers, run: RunId) -> None:
        for start in (lambda: nofx.records.liveness.hold(run), lambda: workers.register(concurrency=1)):
            with pytest.raises(Exception, match="is being restored from a backup right now"):
                start()
        assert nofx.records.liveness.holder(run) is None
        assert workers.seen() == []

    def test_one_that_was_cut_off_is_told_and_brought_to_its_end(self, nofx: Runner) -> None:
        run = nofx.run(ECHO)
        gate = Gate(nofx.records.layout.root, sync=False)
        gate.leave()
        assert "a restore was cut off before it changed anything" in nofx("doctor").stdout
        assert run in nofx("list").stdout
        gate = Gate(nofx.records.layout.root, sync=False)
        gate.commit()
        gate.leave()
        result = nofx("list", code=69)
        assert "error[restore-cut-off]" in result.stderr
        assert "bring it to its end: nofx doctor --repair" in result.stderr
        assert "fail  store" in nofx("doctor", code=1).stdout
        (nofx.records.layout.root / ".restore" / "new" / "runs").mkdir(parents=True)
        (nofx.records.layout.root / ".restore" / "old").mkdir()
        assert (
            "done  restore        a restore that was cut off was brought to its end"
            in nofx("doctor", "--repair").stdout
        )
        assert nofx.json("list") == []

    def test_without_a_backup_of_what_is_there(self, nofx: Runner) -> None:
        run = nofx.run(ECHO)
        nofx("backup", "create")
        nofx.records.log(b"it is swordfish-12345\n", step="build", run=run)
        secret = {"MY_TOKEN": "swordfish-12345"}
        refused = nofx("backup", "restore", "latest", "--yes", code=6, env=secret)
        assert "error[secret-in-backup]" in refused.stderr
        assert "nofx backup restore --no-backup" in refused.stderr
        result = nofx("backup", "restore", "latest", "--yes", "--no-backup", env=secret)
        assert "what was there before" not in result.stderr
        assert len(nofx.json("backup", "list")) == 1


class TestPrune:
    def test_what_is_removed_is_named(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        ids = [nofx.json("backup", "create")["id"] for _ in range(3)]
        looked = nofx("backup", "prune", "--keep", "1", "--dry-run")
        assert looked.stdout == f"{ids[0]}\n{ids[1]}\n"
        assert looked.stderr.startswith("would remove 2 backups, ")
        assert len(nofx.json("backup", "list")) == 3
        told = nofx.json("backup", "prune", "--keep", "1")
        assert (told["dry_run"], [one["id"] for one in told["backups"]]) == (False, ids[:2])
        assert [one["id"] for one in nofx.json("backup", "list")] == [ids[2]]
        assert nofx("backup", "prune", "--older-than", "0s").stderr == "removed nothing\n"

    def test_nothing_is_said(self, nofx: Runner) -> None:
        assert "give --keep 7 or --older-than 30d" in nofx("backup", "prune", code=2).stderr
        assert "0 is not in the range" in nofx("backup", "prune", "--keep", "0", code=2).stderr
        assert nofx.error("backup", "prune", "--older-than", "soon", code=2)["code"] == "bad-time"


def _size(size: int) -> str:
    return f"{size / 1000:.1f} kB"
