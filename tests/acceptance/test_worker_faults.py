"""What breaks under a worker that lives: files that are torn or deleted, a disk that is full or read-only, a bad run.

It is told clearly, nothing is lost, and work goes on when the cause is gone, without a new start.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import PATIENCE, Program
from tests.acceptance.workplace import GO, Workplace, shell

pytestmark = pytest.mark.acceptance

ECHO = "  - {name: a, tool: 'test:echo'}\n"
HELD = shell("held", f"echo ready >> ready; {GO}; echo held >> done") + shell("next", "echo next >> done")
SICK = """\
import errno, os, sys
from nofx_cli.cli.app import main

sign, code, place, *words = sys.argv[1:]

def refuses(call):
    real = getattr(os, call)

    def failing(file, *args, **kwargs):
        path = os.readlink(f"/proc/self/fd/{file}") if isinstance(file, int) else os.fspath(file)
        writes = call != "open" or args[0] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and path.startswith(place) and ".bell" not in path and os.path.exists(sign):
            raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)), path)
        return real(file, *args, **kwargs)

    setattr(os, call, failing)

for call in ("open", "write", "pwrite", "mkdir", "rename", "replace", "unlink"):
    refuses(call)
sys.argv = ["nofx", *words]
main()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks up the names of open files in /proc")


def _runs(nofx: Program) -> None:
    """Wait until a step runs, and all that is written at its start is there."""
    nofx.ready()
    wait_until(
        lambda: any(b"pid" in path.read_bytes() for path in nofx.store.glob("runs/*/*/scratch/*/process.json")),
        timeout=PATIENCE,
        why="its record",
    )


def _log(nofx: Program) -> Path:
    return nofx.store / "queue" / "log.jsonl"


class TestQueue:
    def test_a_record_that_is_torn_is_told_and_the_queue_is_rebuilt(self, nofx: Program, work: Workplace) -> None:
        worker = work.worker("--concurrency", "1")
        first = work.leave(HELD)
        nofx.ready()
        second = work.leave(ECHO)
        with open(_log(nofx), "r+b") as log:
            log.truncate(os.fstat(log.fileno()).st_size - 20)
        third = work.leave(ECHO)
        work.go()
        for run in (first, second, third):
            work.has(run, "run.succeeded")
        worker.says("records of the queue could not be read; it is rebuilt from the journals")
        assert (nofx.folder / "done").read_text() == "held\nnext\n", "nothing was done twice"
        assert work.json("queue", "stats")["damaged"] == 0

    def test_what_is_written_over_it_too(self, nofx: Program, work: Workplace) -> None:
        work.leave(ECHO)
        run = work.leave(ECHO)
        _log(nofx).write_bytes(b"\xff\x00{]\n" * 20)
        told = nofx("worker", "--drain")
        assert told.code == 0, told
        assert "records of the queue could not be read" in told.err
        assert nofx.types(run)[-1] == "run.succeeded"


class TestFolders:
    def test_queue_and_workers_deleted_under_a_worker_that_works(self, nofx: Program, work: Workplace) -> None:
        worker = work.worker()
        first = work.leave(HELD)
        nofx.ready()
        for name in ("queue", "workers"):
            shutil.rmtree(nofx.store / name)
        late = work.leave(ECHO)
        work.has(late, "run.succeeded")
        wait_until(lambda: work.json("worker", "status")["workers"], timeout=PATIENCE, why="its record")
        (seen,) = work.json("worker", "status")["workers"]
        assert (seen["pid"], seen["status"], seen["doing"]) == (worker.process.pid, "alive", [f"{first}/held/1"])
        started = nofx("run", nofx.plan(ECHO), "--detach")
        assert "was started" not in started.err, "it is found again"
        work.go()
        work.has(first, "run.succeeded")
        work.has(started.out.strip(), "run.succeeded")
        assert nofx("worker", "stop").out == f"worker {seen['worker']} has stopped\n"

    def test_a_record_that_is_half_written_hides_nobody(self, nofx: Program, work: Workplace) -> None:
        worker = work.worker()
        (record,) = (nofx.store / "workers").glob("w-*.json")
        with open(record, "r+b") as file:
            file.write(b'{"v": 1, "id"')
            file.truncate(13)
        (seen,) = work.json("worker", "status")["workers"]
        assert (seen["worker"], seen["status"], seen["pid"]) == (record.stem, "alive", worker.process.pid)
        told = nofx("run", nofx.plan(ECHO), "--detach")
        assert "was started" not in told.err
        work.has(told.out.strip(), "run.succeeded")

    def test_records_of_the_dead_that_are_damaged_are_cleared(self, nofx: Program, work: Workplace) -> None:
        worker = work.worker()
        run = work.leave(
            shell("held", f"echo ready >> ready; [ $NOFX_ATTEMPT = 2 ] || {GO}", retry_on_interrupt="true")
        )
        nofx.ready()
        worker.signal(signal.SIGKILL)
        worker.ended()
        (record,) = (nofx.store / "workers").glob("w-*.json")
        record.write_bytes(record.read_bytes()[:100])
        (nofx.store / "workers" / "strange.json").write_text("{")
        assert nofx("worker", "--drain").code == 0
        assert nofx.types(run)[-1] == "run.succeeded"
        assert nofx.types(run).count("worker.lost") == 1
        assert [path.name for path in (nofx.store / "workers").glob("*.json")] == ["strange.json"]


@linux
@pytest.mark.parametrize(("code", "cause"), [("ENOSPC", "the disk is full"), ("EROFS", "read-only")])
def test_a_store_that_cannot_be_written_for_a_while_costs_time_and_nothing_else(
    nofx: Program, work: Workplace, code: str, cause: str
) -> None:
    sign = nofx.folder.parent / "sick"
    worker = work.worker("--concurrency", "1", command=[sys.executable, "-c", SICK, str(sign), code, str(nofx.store)])
    held = work.leave(HELD)
    _runs(nofx)
    sign.touch()
    waiting = work.leave(ECHO)
    work.go()
    worker.says(f"{cause}; trying again in 0.5 s")
    worker.says("; trying again in 1 s")
    assert worker.process.poll() is None
    assert nofx.types(held)[-1] == "step.started held"
    late = work.leave(ECHO)
    sign.unlink()
    for run in (held, waiting, late):
        work.has(run, "run.succeeded")
    worker.says("the store can be used again")
    assert (nofx.folder / "done").read_text() == "held\nnext\n", "nothing was done twice"
    assert work.json("queue", "stats")["claimed"] == 0
    worker.signal()
    assert worker.ended() == 0


@linux
def test_a_worker_ends_when_it_is_told_to_though_the_store_cannot_be_written(nofx: Program, work: Workplace) -> None:
    sign = nofx.folder.parent / "sick"
    worker = work.worker(command=[sys.executable, "-c", SICK, str(sign), "ENOSPC", str(nofx.store)])
    sign.touch()
    run = work.leave(ECHO)
    worker.says("the disk is full; trying again")
    worker.signal()
    assert worker.ended() == 0
    sign.unlink()
    assert nofx("worker", "--drain").code == 0
    assert nofx.types(run)[-1] == "run.succeeded"


@pytest.fixture
def small_disk(nofx: Program) -> Iterator[Path]:
    """A file system of 1 MB below the store's name, where this may be mounted."""
    nofx.store.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(nofx.store)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("needs the right to mount")
    kept = nofx.store.with_name("kept")
    try:
        yield nofx.store
    finally:
        shutil.copytree(nofx.store, kept, ignore=shutil.ignore_patterns("*.bell"))
        subprocess.run(["umount", "--lazy", str(nofx.store)], check=True)
        nofx.store.rmdir()
        kept.rename(nofx.store)


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="needs the right to mount")
def test_a_disk_that_is_really_full(nofx: Program, small_disk: Path, work: Workplace) -> None:
    worker = work.worker("--concurrency", "1")
    big = f"  - {{name: big, tool: 'test:echo', inputs: {{text: {'x' * 9_000}}}}}\n"  # more than a page has left
    held = work.leave(HELD + big)
    _runs(nofx)
    waiting = work.leave(ECHO)
    _fill(small_disk / "filler")
    refused = nofx("run", nofx.plan(ECHO), "--detach")
    assert refused.code == 69, refused
    assert "the disk is full" in refused.err
    work.go()
    worker.says("the disk is full; trying again in ")
    assert worker.process.poll() is None
    (small_disk / "filler").unlink()
    for run in (held, waiting):
        work.has(run, "run.succeeded")
    worker.says("the store can be used again")
    assert (nofx.folder / "done").read_text() == "held\nnext\n"
    worker.signal()
    assert worker.ended() == 0


def _fill(path: Path) -> None:
    """Take all the room there is, to the last byte."""
    with open(path, "wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


def test_a_run_whose_plan_was_changed_hinders_no_other(nofx: Program, work: Workplace) -> None:
    bad, good = work.leave(ECHO), work.leave(ECHO)
    (plan,) = nofx.store.glob(f"runs/*/{bad}/plan.yaml")
    text = plan.read_text()
    plan.write_text(text + "# changed\n")
    worker = work.worker()
    work.has(good, "run.succeeded")
    worker.says(f"the job {bad}/a/1 could not be delivered: ", times=2)
    assert "was changed after the run was made" in worker.said()
    assert nofx.types(bad) == ["run.created"]
    plan.write_text(text)
    work.has(bad, "run.succeeded")
