"""`nofx worker`: execute what is queued; start, stop and see workers."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli import __version__
from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.registration import FileRegistration
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.workers import Standing
from nofx_cli.safety import identity
from nofx_cli.testing.workers import of_id
from tests.cli.console import AT, EVIL, Records, harmless
from tests.cli.jobs import Jobs, gone_worker, job, worker_elsewhere
from tests.cli.runner import ASK, ECHO, FAIL, LAST, Runner

EMPTY = {
    "depth": 0, "due": 0, "delayed": 0, "claimed": 0, "dead": 0, "oldest_age_ms": 0, "paused": False, "damaged": 0,
}  # fmt: skip


@pytest.fixture
def workers(records: Records) -> FileWorkers:
    return FileWorkers(records.layout, SystemClock())


@pytest.fixture
def alive(workers: FileWorkers) -> Iterator[FileRegistration]:
    """A worker that lives, and does nothing."""
    with workers.register(concurrency=3, log="/var/log/it") as registered:
        yield registered


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Signals that were sent; they reach nobody."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def _recorded(records: Records, worker: WorkerId) -> None:
    """Leave the record of a worker that does not live here."""
    folder = records.layout.root / "workers"
    folder.mkdir(parents=True, exist_ok=True)
    said = {"v": 1, "boot_id": "another", "id": worker, "pid": 77, "host": "there", "since": AT}
    (folder / f"{worker}.json").write_text(json.dumps(said).ljust(4096))


class TestWorking:
    def test_what_is_queued_is_executed_and_told_line_by_line(self, nofx: Runner) -> None:
        run = nofx("run", nofx.plan(ECHO + LAST), "--detach", "--no-start-worker").stdout.strip()
        result = nofx("worker", "--drain")
        assert nofx.types()[-1] == "run.succeeded"
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert re.fullmatch(r"\S+( \S+)?  worker w-\S+, 4 steps at a time, on .*/store", lines[0])
        assert [line.split("  ", 2)[1:] for line in lines[1:-1]] == [
            [run, "build#1           started"],
            [run, "build#1           succeeded in 0ms"],
            [run, "last#1            started"],
            [run, "last#1            succeeded in 0ms"],
            [run, "run               succeeded"],
        ]
        assert re.fullmatch(r".*  worker w-\S+ has stopped", lines[-1])

    def test_quietly_only_what_hinders_it_is_told(self, nofx: Runner) -> None:
        nofx("run", nofx.plan(ECHO + FAIL), "--detach", "--no-start-worker")
        lines = nofx("worker", "--drain", "--quiet").stderr.splitlines()
        assert all("  worker w-" in line for line in lines)
        assert nofx.types()[-1] == "run.failed"

    def test_the_exit_code_is_not_that_of_its_runs(self, nofx: Runner) -> None:
        nofx("run", nofx.plan(FAIL), "--detach", "--no-start-worker")
        nofx("worker", "--drain", code=0)

    def test_with_nothing_to_do_drain_ends(self, nofx: Runner) -> None:
        nofx("worker", "--drain")
        assert nofx.runs() == []

    def test_a_paused_queue_ends_it_with_a_note(self, nofx: Runner) -> None:
        nofx.records.add("steps:\n" + ECHO)
        Jobs(nofx.records).put_now(job())
        nofx("queue", "pause")
        assert "  the queue is paused; 1 job left in it" in nofx("worker", "--drain").stderr
        assert nofx.types() == ["run.created"]

    @pytest.mark.parametrize("words", [["--concurrency", "0"], ["--concurrency", "many"], ["--drain", "now"]])
    def test_what_was_typed_wrong(self, nofx: Runner, words: list[str]) -> None:
        nofx("worker", *words, code=2)

    def test_a_store_that_cannot_be_used_is_told(self, nofx: Runner) -> None:
        (nofx.records.layout.root).write_text("a file")
        error = nofx.error("worker", "status", code=69)
        assert "not a directory" in error["message"]
        nofx("worker", "--drain", code=69)
        nofx.records.layout.root.unlink()


class TestStatus:
    def test_nobody(self, nofx: Runner) -> None:
        result = nofx("worker", "status")
        assert result.stdout == "no worker\nqueue: 0 due, 0 delayed, 0 claimed\n"
        assert result.stderr == ""
        assert not nofx.records.layout.root.exists()

    def test_the_fields_are_pinned(self, nofx: Runner, alive: FileRegistration) -> None:
        said = of_id(alive.id, doing=("r/build/1",), steps=9, runs=2, last_minute=4)
        alive.tell(said)
        told = nofx.json("worker", "status")
        since = told["workers"][0].pop("since")
        assert since.endswith("Z")
        assert told == {
            "workers": [
                {
                    "worker": alive.id,
                    "status": "alive",
                    "pid": os.getpid(),
                    "host": identity.host(),
                    "concurrency": 3,
                    "nofx": __version__,
                    "log": "/var/log/it",
                    "doing": ["r/build/1"],
                    "steps": 9,
                    "steps_last_minute": 4,
                    "runs": 2,
                }
            ],
            "queue": EMPTY,
        }

    def test_a_table_of_the_workers_and_what_each_does(self, nofx: Runner, alive: FileRegistration) -> None:
        alive.tell(of_id(alive.id, doing=("r/build/1", "r/test/2"), steps=9, runs=2, last_minute=4))
        lines = nofx("worker", "status").stdout.splitlines()
        assert lines[0].split() == ["WORKER", "STATUS", "PID", "HOST", "UP", "BUSY", "STEPS", "A", "MINUTE", "RUNS"]
        cells = [cell for cell in lines[1].split() if not re.fullmatch(r"[\d.]+m?s", cell)]
        assert cells == [alive.id, "alive", str(os.getpid()), identity.host(), "2/3", "9", "4", "2"]
        assert lines[2:4] == [f"{alive.id}  runs r/build/1", f"{alive.id}  runs r/test/2"]

    def test_one_that_takes_no_more_work(self, nofx: Runner, alive: FileRegistration) -> None:
        alive.tell(of_id(alive.id, stopping=True))
        assert nofx.json("worker", "status")["workers"][0]["status"] == "stopping"
        assert "  stopping  " in nofx("worker", "status").stdout

    def test_those_that_are_gone_or_elsewhere_with_what_to_type(self, nofx: Runner) -> None:
        gone, there = gone_worker(), worker_elsewhere()
        _recorded(nofx.records, gone)
        _recorded(nofx.records, there)
        result = nofx("worker", "status")
        assert {one["worker"]: one["status"] for one in nofx.json("worker", "status")["workers"]} == {
            gone: "gone",
            there: "elsewhere",
        }
        assert f"{gone} is gone; a living worker takes over what it had, or: nofx doctor --repair" in result.stderr
        assert f"whether {there} lives cannot be known here; if it is gone: nofx worker forget {there}" in result.stderr

    def test_the_queue_and_what_to_type(self, nofx: Runner, workers: FileWorkers) -> None:
        jobs = Jobs(nofx.records)
        jobs.dead_letter(job("dead"))
        jobs.put(job("a"), job("b"), job("c", delay_ms=3_600_000_000_000))
        jobs.claim(gone_worker())
        result = nofx("worker", "status")
        assert re.fullmatch(
            r"queue: 1 due, 1 delayed, 1 claimed, 1 dead letter; the oldest is due for \S+( \S+)?",
            result.stdout.splitlines()[-1],
        )
        assert result.stderr.splitlines() == [
            "jobs wait and no worker lives: nofx worker start",
            "some jobs could not be delivered: nofx dlq list",
        ]
        with workers.register(concurrency=1):
            assert "nofx worker start" not in nofx("worker", "status").stderr
        nofx("queue", "pause")
        told = nofx("worker", "status")
        assert told.stdout.endswith("; paused\n")
        assert "the queue is paused; go on with: nofx queue resume" in told.stderr

    def test_foreign_text_is_harmless(self, nofx: Runner, alive: FileRegistration) -> None:
        alive.tell(of_id(alive.id, doing=(EVIL,)))
        result = nofx("worker", "status")
        assert harmless(result.stdout)
        assert "gpj.exe" in result.stdout


class TestStarting:
    def test_its_id_is_the_result(self, nofx: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []

        def start(_session: object, *, concurrency: int) -> WorkerId:
            asked.append(concurrency)
            return WorkerId("w-1")

        monkeypatch.setattr("nofx_cli.wiring.worker_start.start_worker", start)
        assert nofx("worker", "start").stdout == "w-1\n"
        assert nofx.json("worker", "start", "-c", "7") == {"worker": "w-1"}
        assert asked == [4, 7]

    def test_one_that_cannot_become_a_worker_says_why(self, nofx: Runner) -> None:
        nofx.run(ECHO)
        (nofx.records.layout.root / "workers").write_text("in the way")
        error = nofx.error("worker", "start", code=69)
        assert error["code"] == "worker-not-started"
        assert error["message"].startswith("the worker was not started: a worker cannot be registered in ")
        assert error["hint"] == "no worker was started; mend the cause and type it again"

    def test_one_that_says_nothing(self, nofx: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.executable", "/bin/true")
        error = nofx.error("worker", "start", code=69)
        assert error["message"] == "the worker was not started: it ended without a word"
        assert error["hint"] == "see what it says in the foreground: nofx worker"


class TestStopping:
    def test_nobody(self, nofx: Runner, killed: list[tuple[int, int]]) -> None:
        result = nofx("worker", "stop")
        assert (result.stdout, result.stderr) == ("", "no worker lives here\n")
        assert nofx.json("worker", "stop") == {"stopped": []}
        assert nofx.error("worker", "stop", "w-1", code=4)["code"] == "worker-not-found"
        assert not killed

    @pytest.mark.parametrize("now", [False, True])
    def test_it_is_asked_and_waited_for(
        self, nofx: Runner, workers: FileWorkers, monkeypatch: pytest.MonkeyPatch, now: bool
    ) -> None:
        monkeypatch.setattr("nofx_cli.wiring.worker_stop._TELL_APART_MS", 1)
        monkeypatch.setattr(identity, "worker_process_runs", lambda _worker: False)
        it = workers.register(concurrency=1)
        it.tell(of_id(it.id, doing=("r/build/1",)))
        sent: list[tuple[int, int]] = []

        def kill(pid: int, number: int) -> None:
            sent.append((pid, number))
            if len(sent) == 1 + now:
                it.release()

        monkeypatch.setattr(os, "kill", kill)
        result = nofx("worker", "stop", *(["--now"] if now else []))
        assert sent == [(os.getpid(), signal.SIGTERM)] * (1 + now)
        assert result.stdout == f"worker {it.id} has stopped\n"
        assert result.stderr == ("" if now else f"worker {it.id} waits for r/build/1 (--now interrupts)\n")

    def test_all_are_asked_before_one_is_waited_for(
        self, nofx: Runner, workers: FileWorkers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else what one hands back would be taken by another that is about to be stopped."""
        both = [workers.register(concurrency=1) for _ in range(2)]
        sent: list[int] = []

        def kill(pid: int, number: int) -> None:
            sent.append(number)
            if len(sent) == 2:
                for it in both:
                    it.release()

        monkeypatch.setattr(os, "kill", kill)
        assert nofx.json("worker", "stop") == {"stopped": [it.id for it in both]}

    def test_by_a_part_of_its_id_that_names_only_one(
        self, nofx: Runner, workers: FileWorkers, killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = workers.register(concurrency=1), workers.register(concurrency=1)
        with one, other:
            error = nofx.error("worker", "stop", str(os.getpid()), code=5)
            assert error["code"] == "worker-ambiguous"
            assert error["message"] == f"'{os.getpid()}' names 2 workers: {one.id}, {other.id}"
            assert not killed
            monkeypatch.setattr(os, "kill", lambda *_: other.release())
            ending = other.id.rpartition("-")[2]
            assert nofx.json("worker", "stop", f"{identity.instance()[7:]}-{ending}") == {"stopped": [other.id]}
            assert workers.standing(one.id) is Standing.ALIVE

    def test_one_that_is_named_twice_is_stopped_once(
        self, nofx: Runner, workers: FileWorkers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        it = workers.register(concurrency=1)
        monkeypatch.setattr(os, "kill", lambda *_: it.release())
        assert nofx.json("worker", "stop", it.id, it.id[3:]) == {"stopped": [it.id]}

    def test_one_of_another_host_is_named_and_left_alone(self, nofx: Runner, killed: list[tuple[int, int]]) -> None:
        there = worker_elsewhere()
        _recorded(nofx.records, there)
        error = nofx.error("worker", "stop", there, code=5)
        assert error["code"] == "worker-elsewhere"
        assert error["hint"] == f"stop it there; if it is gone for good: nofx worker forget {there}"
        assert nofx.json("worker", "stop") == {"stopped": []}
        assert not killed

    def test_one_of_another_host_whose_lock_is_seen_here_is_left_alone_too(
        self, nofx: Runner, workers: FileWorkers, killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its process number means another process here."""
        with monkeypatch.context() as patch:
            patch.setattr(identity, "host_id", lambda: "000000" if identity.host() else "")
            it = workers.register(concurrency=1)
        with it:
            assert nofx.json("worker", "status")["workers"][0]["status"] == "alive"
            assert nofx.error("worker", "stop", it.id, code=5)["code"] == "worker-elsewhere"
            assert nofx.json("worker", "stop") == {"stopped": []}
        assert not killed

    def test_what_its_record_says_of_its_process_is_not_believed(
        self, nofx: Runner, workers: FileWorkers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        it = workers.register(concurrency=1)
        path = nofx.records.layout.root / "workers" / f"{it.id}.json"
        path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', '"pid": 1'))
        sent = []

        def kill(pid: int, _number: int) -> None:
            sent.append(pid)
            it.release()

        monkeypatch.setattr(os, "kill", kill)
        nofx("worker", "stop")
        assert sent == [os.getpid()]

    def test_one_of_another_user(self, nofx: Runner, alive: FileRegistration, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(_pid: int, _number: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", refused)
        error = nofx.error("worker", "stop", code=6)
        assert (error["code"], error["message"]) == ("worker-not-yours", f"worker {alive.id} belongs to another user")


class TestForgetting:
    def test_one_of_another_host_counts_as_gone(self, nofx: Runner) -> None:
        there = worker_elsewhere()
        _recorded(nofx.records, there)
        told = nofx("worker", "forget", there).stdout
        assert told == f"worker {there} counts as gone; living workers take its runs over, or: nofx resume RUN\n"
        assert nofx.json("worker", "status")["workers"][0]["status"] == "gone"

    def test_the_fields_are_pinned(self, nofx: Runner) -> None:
        there = worker_elsewhere()
        _recorded(nofx.records, there)
        assert nofx.json("worker", "forget", there) == {"worker": there, "standing": "gone"}

    def test_one_that_lives_is_refused(self, nofx: Runner, alive: FileRegistration) -> None:
        assert nofx.error("worker", "forget", alive.id, code=5)["code"] == "worker-alive"

    def test_one_that_nobody_knows(self, nofx: Runner) -> None:
        assert nofx.error("worker", "forget", "w-1", code=4)["code"] == "worker-not-found"

    def test_a_run_in_its_hands_is_refused_before_and_goes_on_after(self, nofx: Runner) -> None:
        there = worker_elsewhere()
        begun: list[tuple[ev.Payload, str] | tuple[ev.Payload, str, int]] = [
            (ev.StepEnqueued(), "build"),
            (ev.StepStarted("test:echo", "", "", there), "build", 1),
        ]
        run = nofx.records.add("steps:\n" + ECHO, [ev.RunStarted({"worker": there}), *begun])
        error = nofx.error("resume", run, code=5)
        assert error["code"] == "worker-elsewhere"
        assert error["hint"] == f"look there; if it is gone: nofx worker forget {there}"
        nofx("worker", "--drain")
        assert nofx.types(run)[-1] == "step.started build", "a worker never declares it dead either"
        nofx("worker", "forget", there)
        nofx("resume", run)
        assert nofx.types(run)[4:6] == ["worker.lost", "step.interrupted build"]
        assert nofx.types(run)[-1] == "run.succeeded"


MINE = """\
from nofx_cli.plugin import Succeeded


class Mine:
    def match(self, tool):
        return tool == "mine"

    def run(self, ctx):
        return Succeeded({"folder": str(ctx.workspace)})


HANDLERS = [Mine()]
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another project with the same store, and a tool of its own."""
    folder = tmp_path / "other"
    (folder / "nofx_handlers").mkdir(parents=True)
    (folder / "nofx.yaml").touch()
    (folder / "nofx_handlers" / "mine.py").write_text(MINE)
    (folder / "plan.yaml").write_text("steps: [{name: a, tool: mine}]\n")
    return folder


def _left_there(nofx: Runner, other: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patch:
        patch.chdir(other)
        return nofx("run", "plan.yaml", "--detach", "--no-start-worker").stdout.strip()


def test_runs_of_another_project_are_executed_in_their_folder_with_their_plugins(
    nofx: Runner, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker").stdout.strip()
    there = _left_there(nofx, other, monkeypatch)
    nofx("worker", "--drain")
    assert nofx.types(here)[-1] == nofx.types(there)[-1] == "run.succeeded"
    (done,) = (event.payload for event in nofx.events(there) if isinstance(event.payload, ev.StepFinished))
    assert done.outputs == {"folder": str(other.resolve())}


@pytest.mark.parametrize("gone", ["", "nofx_handlers/mine.py", "plan kept with the run"])
def test_a_run_that_cannot_be_opened_becomes_a_dead_letter_and_runs_when_it_was_mended_and_put_again(
    nofx: Runner, other: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    there = _left_there(nofx, other, monkeypatch)
    place = nofx.records.journal(there).with_name("plan.yaml") if gone.startswith("plan") else other / gone
    place.rename(other.with_name("put away"))
    here = nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker").stdout.strip()
    monkeypatch.setattr("nofx_cli.drivers.jobs.decisions.RETRY_DELAYS_MS", (0, 1, 1, 1))

    told = nofx("worker", "--drain").stderr

    assert told.count(f"the job {there}/a/1 could not be delivered: ") == 5
    assert f"nofx dlq show {there}/a/1" in told
    if not gone:
        assert f"the folder {other} that the run works on does not exist" in told
    assert nofx.types(here)[-1] == "run.succeeded"
    assert nofx.types(there) == ["run.created", "step.dead_lettered a"]

    other.with_name("put away").rename(place)
    nofx("dlq", "requeue", f"{there}/a/1")
    nofx("worker", "--drain")
    assert nofx.types(there)[-1] == "run.succeeded"


def test_a_question_is_left_to_people_and_the_rest_goes_on(nofx: Runner) -> None:
    run = nofx("run", nofx.plan(ASK + LAST), "--detach", "--no-start-worker").stdout.strip()
    told = nofx("worker", "--drain").stderr
    assert f"  {run}  run               waits for a person: release" in told
    nofx("approve", "release")
    assert nofx.types()[-1] == "run.succeeded", "no worker lives: it goes on right here"
