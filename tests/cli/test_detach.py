"""Runs that are left to workers: --detach, NOFX_EXECUTION, and who goes on where nobody lives."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.filesystem.registration import FileRegistration
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.ports.queue import Job
from nofx_cli.testing.workers import of_id
from tests.cli.console import Records
from tests.cli.jobs import Jobs, job
from tests.cli.runner import ASK, ECHO, LAST, Runner

FLAKY = "  - {name: flaky, tool: 'test:fail', inputs: {fail_times: 1, retryable: false}}\n"
QUEUED = {"NOFX_EXECUTION": "queue"}


class Started(list[int]):
    """The workers that a command would have started: the concurrency of each."""


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    found = Started()

    def start(_session: object, *, concurrency: int) -> WorkerId:
        found.append(concurrency)
        return WorkerId("w-started")

    monkeypatch.setattr("nofx_cli.wiring.worker_start.start_worker", start)
    return found


@pytest.fixture
def jobs(records: Records) -> Jobs:
    return Jobs(records)


@pytest.fixture
def alive(jobs: Jobs) -> Iterator[FileRegistration]:
    """A worker that lives, and does nothing."""
    with jobs.workers.register(concurrency=4) as registered:
        yield registered


def _waiting(nofx: Runner) -> list[Job]:
    return list(Jobs(nofx.records).queue.waiting())


def _rung(worker: FileRegistration) -> bool:
    return worker.wait_for_ring(timeout_ms=0)


class TestRun:
    def test_only_its_id_is_the_result_and_a_worker_is_started(self, nofx: Runner, started: Started) -> None:
        result = nofx("run", nofx.plan(ECHO), "--detach")
        (run,) = nofx.runs()
        assert result.stdout == f"{run}\n"
        assert result.stderr.splitlines() == [
            "worker w-started was started for it",
            f"watch it with: nofx timeline {run} --follow",
        ]
        assert started == [4]
        assert [job.key for job in _waiting(nofx)] == [f"{run}/build/1"]
        assert nofx.types() == ["run.created"]

    def test_no_second_worker_is_started_and_the_one_that_lives_is_woken(
        self, nofx: Runner, started: Started, alive: FileRegistration
    ) -> None:
        result = nofx("run", nofx.plan(ECHO), "-d")
        assert result.stderr == f"watch it with: nofx timeline {nofx.runs()[0]} --follow\n"
        assert not started
        assert _rung(alive)

    def test_one_that_takes_no_more_work_does_not_count(
        self, nofx: Runner, started: Started, alive: FileRegistration
    ) -> None:
        alive.tell(of_id(alive.id, stopping=True))
        nofx("run", nofx.plan(ECHO), "--detach")
        assert started

    def test_it_may_be_left_queued_and_that_is_said(self, nofx: Runner, started: Started) -> None:
        result = nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker")
        assert result.stdout == f"{nofx.runs()[0]}\n"
        assert result.stderr == "it is queued; no worker lives: nofx worker start\n"
        assert not started

    def test_quietly(self, nofx: Runner) -> None:
        assert nofx("run", nofx.plan(ECHO), "--detach", "--quiet").stderr == ""

    @pytest.mark.parametrize(("words", "worker"), [([], "w-started"), (["--no-start-worker"], None)])
    def test_the_fields_are_pinned(self, nofx: Runner, words: list[str], worker: str | None) -> None:
        told = nofx.json("run", nofx.plan(ECHO), "--detach", *words)
        assert told == {"run": nofx.runs()[0], "status": "queued", "worker": worker, "delay_ms": 0}

    def test_the_priority_reaches_journal_and_job(self, nofx: Runner) -> None:
        nofx("run", nofx.plan(ECHO), "--detach", "--priority", "-3")
        created = nofx.events()[0].payload
        assert isinstance(created, ev.RunCreated)
        assert created.priority == -3
        assert [job.priority for job in _waiting(nofx)] == [-3]

    def test_where_the_queue_is_behind_it_begins_later_and_that_is_said(self, nofx: Runner, jobs: Jobs) -> None:
        jobs.put(job("old"))
        result = nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker", env={"BACKPRESSURE_AGE_MS": "60000"})
        assert nofx.types() == ["run.created", "queue.backpressure"]
        assert "the queue is behind (its oldest job waits for " in result.stderr
        assert "): the run begins 15.0s later\n" in result.stderr
        (told,) = (event.payload for event in nofx.events() if isinstance(event.payload, ev.QueueBackpressure))
        assert told.delay_ms == 15_000
        assert [job.delay_ms for job in _waiting(nofx) if job.run == nofx.runs()[0]] == [15_000]
        assert nofx.json("run", nofx.plan(ECHO), "--detach")["delay_ms"] == 15_000

    def test_a_bad_threshold_is_told(self, nofx: Runner) -> None:
        result = nofx.cli("run", nofx.plan(ECHO), "--detach", env={"BACKPRESSURE_AGE_MS": "5s"})
        assert result.exit_code == 3
        assert "BACKPRESSURE_AGE_MS" in result.stderr
        assert not nofx.records.layout.root.exists()

    def test_a_rehearsal_leaves_nothing_to_anybody(self, nofx: Runner, started: Started) -> None:
        nofx("run", nofx.plan(ECHO), "--detach", "--dry-run")
        assert (nofx.runs(), started, _waiting(nofx)) == ([], [], [])

    def test_an_invalid_plan_starts_nobody(self, nofx: Runner, started: Started) -> None:
        nofx("run", nofx.plan("steps: [\n"), "--detach", code=3)
        assert not started

    def test_the_same_key_gives_the_same_run_and_no_second_job(self, nofx: Runner) -> None:
        words = ["run", nofx.plan(ECHO), "--detach", "--idempotency-key", "k"]
        assert nofx(*words).stdout == nofx(*words).stdout
        assert len(_waiting(nofx)) == 1

    def test_the_same_key_after_its_end_gives_the_run_and_puts_nothing(self, nofx: Runner, started: Started) -> None:
        words = ["run", nofx.plan(ECHO), "--idempotency-key", "k"]
        nofx(*words)
        told = nofx.json(*words, "--detach")
        assert (told["run"], told["status"]) == (nofx.runs()[0], "succeeded")
        assert _waiting(nofx) == []


class TestExecution:
    """NOFX_EXECUTION says who executes a run; --detach goes before it."""

    @pytest.mark.parametrize("how", ["inline", "auto"])
    def test_who_makes_a_run_executes_it_though_a_worker_lives(
        self, nofx: Runner, alive: FileRegistration, how: str
    ) -> None:
        nofx("run", nofx.plan(ECHO), env={"NOFX_EXECUTION": how})
        assert nofx.types()[-1] == "run.succeeded"
        assert not _rung(alive)

    def test_or_leaves_it_to_the_queue_and_starts_nobody(self, nofx: Runner, started: Started) -> None:
        result = nofx("run", nofx.plan(ECHO), env=QUEUED)
        assert result.stdout == f"{nofx.runs()[0]}\n"
        assert nofx.types() == ["run.created"]
        assert not started

    @pytest.mark.parametrize("how", ["inline", "queue", "auto"])
    def test_detach_goes_before_it(self, nofx: Runner, how: str) -> None:
        nofx("run", nofx.plan(ECHO), "--detach", env={"NOFX_EXECUTION": how})
        assert len(_waiting(nofx)) == 1

    @pytest.mark.parametrize(
        "words", [["run", "plan.yaml"], ["resume"], ["retry"], ["rerun"], ["approve", "release"], ["worker", "status"]]
    )
    def test_a_bad_value_is_told(self, nofx: Runner, words: list[str]) -> None:
        nofx.plan(ECHO)
        result = nofx.cli(*words, env={"NOFX_EXECUTION": "somewhere"})
        assert result.exit_code == 3
        assert "NOFX_EXECUTION: execution: 'somewhere' is none of inline, queue, auto" in result.stderr

    def test_it_may_stand_in_the_settings_of_the_project(self, nofx: Runner) -> None:
        (nofx.cli.folder / "nofx.yaml").write_text("execution: queue\n")
        nofx("run", nofx.plan(ECHO))
        assert nofx.types() == ["run.created"]
        nofx("resume", env={"NOFX_EXECUTION": "inline"})
        assert nofx.types()[-1] == "run.succeeded"


class TestGoingOn:
    """resume, retry and rerun: here, unless it is said otherwise."""

    @pytest.fixture
    def failed(self, nofx: Runner) -> str:
        return nofx.run(FLAKY + LAST, code=1)

    def test_a_queued_run_with_no_worker_alive_is_executed_by_resume(self, nofx: Runner) -> None:
        nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker")
        nofx("resume")
        assert nofx.types()[-1] == "run.succeeded"
        nofx("worker", "--drain")
        assert nofx.types().count("step.started build") == 1, "its job finds nothing to do"

    def test_resume_leaves_it_to_a_worker_where_that_is_said(self, nofx: Runner, started: Started) -> None:
        nofx.records.add("steps:\n" + ECHO)
        assert nofx("resume", env=QUEUED).stderr == "it is queued; no worker lives: nofx worker start\n"
        assert not started
        told = nofx.json("resume", "--detach")
        assert (told["worker"], len(_waiting(nofx))) == ("w-started", 1)

    def test_retry_leaves_it_to_a_worker(self, nofx: Runner, failed: str, started: Started) -> None:
        result = nofx("retry", "--detach")
        assert result.stdout == f"{failed}\n"
        assert result.stderr.splitlines()[:2] == ["again: flaky, last", "worker w-started was started for it"]
        assert [job.key for job in _waiting(nofx)] == [f"{failed}/flaky/2"]
        nofx("worker", "--drain")
        assert nofx.types()[-1] == "run.succeeded"

    def test_retry_by_setting(self, nofx: Runner, failed: str, started: Started) -> None:
        told = json.loads(nofx("retry", "--json", env=QUEUED).stdout)
        assert told == {"run": failed, "status": "running", "worker": None, "delay_ms": 0}
        assert not started

    def test_rerun_leaves_it_to_a_worker_with_the_priority_of_the_old_run(self, nofx: Runner) -> None:
        nofx("run", nofx.plan(ECHO), "--priority", "5")
        old = nofx.runs()[0]
        result = nofx("rerun", "--detach", "--no-start-worker")
        new = nofx.runs()[0]
        assert (result.stdout, new != old) == (f"{new}\n", True)
        assert [(job.key, job.priority) for job in _waiting(nofx)] == [(f"{new}/build/1", 5)]

    def test_rerun_by_setting(self, nofx: Runner) -> None:
        old = nofx.run(ECHO)
        assert nofx("rerun", old, env=QUEUED).stdout == f"{nofx.runs()[0]}\n"
        assert nofx.types() == ["run.created"]

    def test_one_that_has_ended_is_refused_with_detach_too(self, nofx: Runner, started: Started) -> None:
        nofx.run(ECHO)
        assert nofx.error("resume", "--detach", code=5)["code"] == "run-ended"
        assert (started, _waiting(nofx)) == ([], [])

    def test_one_that_a_worker_has_is_refused_to_who_wants_it_alone(self, nofx: Runner) -> None:
        run = nofx.run(ASK, code=8)
        with nofx.records.liveness.hold(run, shared=True):
            error = nofx.error("resume", code=5)
            assert error["message"] == f"run {run} is executed by a worker"
            nofx("resume", "--detach", "--no-start-worker")


class TestAnswers:
    """An answer goes to a worker where one lives; else the run goes on right here."""

    @pytest.fixture
    def run(self, nofx: Runner) -> str:
        return nofx.run(ASK + LAST, code=8)

    def test_a_worker_that_lives_is_given_the_run(self, nofx: Runner, run: str, alive: FileRegistration) -> None:
        result = nofx("approve", "release")
        assert f"run {run} goes on in a worker\n" in result.stderr
        assert result.stdout.startswith(f"release of run {run} was granted by ")
        assert nofx.types()[-1] == "approval.granted release"
        assert [job.key for job in _waiting(nofx)] == [f"{run}/release/1"]
        assert _rung(alive)

    @pytest.mark.parametrize(("words", "end"), [(["reject"], "run.failed"), (["waive", "-m", "no"], "run.succeeded")])
    def test_so_is_one_that_nothing_of_can_start(
        self, nofx: Runner, run: str, jobs: Jobs, words: list[str], end: str
    ) -> None:
        with jobs.workers.register(concurrency=1) as alive:
            nofx(words[0], "release", *words[1:])
            assert _rung(alive)
        assert len(_waiting(nofx)) == 1
        nofx("worker", "--drain")
        assert nofx.types()[-1] == end

    def test_the_fields_are_those_of_the_answer_alone(self, nofx: Runner, run: str, alive: FileRegistration) -> None:
        told = nofx.json("approve", "release")
        assert (told["decision"], told["new"], told["result"]) == ("granted", True, None)

    def test_only_recorded_nobody_is_woken(self, nofx: Runner, run: str, alive: FileRegistration) -> None:
        nofx("approve", "release", "--no-resume")
        assert nofx.types()[-1] == "approval.granted release"
        assert _waiting(nofx) == []
        assert not _rung(alive)

    def test_right_here_where_that_is_said_though_a_worker_lives(
        self, nofx: Runner, run: str, alive: FileRegistration
    ) -> None:
        nofx("approve", "release", env={"NOFX_EXECUTION": "inline"})
        assert nofx.types()[-1] == "run.succeeded"

    def test_in_the_queue_where_that_is_said_though_none_lives(self, nofx: Runner, run: str) -> None:
        result = nofx("approve", "release", env=QUEUED)
        assert "it is queued; no worker lives: nofx worker start\n" in result.stderr
        assert len(_waiting(nofx)) == 1

    @pytest.mark.parametrize("how", ["inline", "auto"])
    def test_to_the_worker_that_has_the_run(self, nofx: Runner, run: str, how: str) -> None:
        with nofx.records.liveness.hold(nofx.runs()[0], shared=True):
            nofx("approve", "release", env={"NOFX_EXECUTION": how})
        assert nofx.types()[-1] == "approval.granted release"
        assert len(_waiting(nofx)) == 1

    @pytest.mark.parametrize("how", ["queue", "auto"])
    def test_to_the_process_that_waits_for_it(self, nofx: Runner, run: str, alive: FileRegistration, how: str) -> None:
        with nofx.records.liveness.hold(nofx.runs()[0]):
            result = nofx("approve", "release", env={"NOFX_EXECUTION": how})
        assert f"run {run} goes on in process " in result.stderr
        assert _waiting(nofx) == []


class TestCancel:
    def test_no_job_of_it_stays(self, nofx: Runner, jobs: Jobs) -> None:
        other = nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker").stdout.strip()
        run = nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker").stdout.strip()
        nofx("cancel", run)
        assert [job.run for job in _waiting(nofx)] == [other]
        assert nofx.types(run) == ["run.created", "run.cancelled"]
        assert nofx.json("show", run)["steps"][0]["status"] == "cancelled"
        nofx("worker", "--drain")
        assert nofx.types(run)[-1] == "run.cancelled"


def test_two_stores_do_not_see_one_another(
    nofx: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: FileRegistration, started: Started
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("NOFX_HOME", str(tmp_path / "another"))
        assert nofx.json("worker", "status")["workers"] == []
        assert nofx.error("worker", "stop", alive.id, code=4)["code"] == "worker-not-found"
        nofx("run", nofx.plan(ECHO), "--detach")
        assert started, "the worker of the other store is none of this one"
        assert not _rung(alive)
        assert nofx.json("queue", "stats")["depth"] == 1
    nofx("worker", "--drain")
    assert nofx.json("queue", "stats")["depth"] == 0
    assert nofx.runs() == []
    other = FileWorkers(Records(tmp_path / "another").layout, SystemClock())
    assert not other.any_alive()
