"""`nofx doctor --repair`: the queue is made anew, what the dead left is taken away, and each thing is told."""

import json
import os
import shutil
from typing import Any

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from tests.cli.console import RUN, STARTED, TWO_STEPS, Console, Records
from tests.cli.jobs import OTHER, Jobs, gone_worker, job, worker_elsewhere
from tests.cli.runner import ASK, ECHO, FAIL, LAST, Runner


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is started to ask for its version."""
    monkeypatch.setattr("nofx_cli.wiring.doctor.machine.version_of", lambda argv: "git version 2")
    monkeypatch.setattr("nofx_cli.wiring.doctor.project.version_of", lambda argv: "1.0")


@pytest.fixture
def jobs(records: Records) -> Jobs:
    return Jobs(records)


def _repaired(cli: Console, *, code: int = 0) -> list[tuple[str, str, str]]:
    """Check, status and message of each thing that was done."""
    result = cli("doctor", "--repair", "--json")
    assert result.exit_code == code, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert set(told) == {"ok", "repairs", "checks"}
    assert told["checks"]
    assert all(set(repair) == {"check", "status", "message", "remedy"} for repair in told["repairs"])
    return [(repair["check"], repair["status"], repair["message"]) for repair in told["repairs"]]


def _checks(cli: Console) -> set[str]:
    """The checks that found something."""
    told = json.loads(cli("doctor", "--json").stdout)["checks"]
    return {check["check"] for check in told if check["status"] != "ok"} - {"durability"}


def test_nothing_to_repair(cli: Console, records: Records) -> None:
    assert cli.ok("doctor", "--repair").startswith("done  there was nothing to repair\nok ")
    assert not records.layout.root.exists()
    records.add(TWO_STEPS, [STARTED], [ev.RunCancelled("enough")])
    before = sorted(records.layout.root.rglob("*"))
    assert _repaired(cli) == []
    assert sorted(records.layout.root.rglob("*")) == before


def test_a_deleted_queue_is_made_anew_and_a_second_time_changes_nothing(nofx: Runner, cli: Console) -> None:
    plan = nofx.plan(ECHO + LAST)
    for _ in range(3):
        nofx("run", plan, "--detach", "--no-start-worker", "--priority", "4")
    nofx.run(ECHO)
    jobs = Jobs(nofx.records)
    waited = sorted(jobs.keys())
    _age(nofx)
    shutil.rmtree(nofx.records.layout.root / "queue")
    assert _repaired(cli) == [("queue", "done", "3 jobs of 3 runs put into it")]
    assert sorted(jobs.keys()) == waited
    assert {found.priority for found in jobs.queue.waiting()} == {4}
    assert "interrupted" not in _checks(cli)
    assert _repaired(cli) == []
    nofx("worker", "--drain", "-q")
    assert all(nofx.types(run)[-1] == "run.succeeded" for run in nofx.runs())


def _age(nofx: Runner) -> None:
    """Let the runs that have not begun be older than they are: an event, and they are no new ones any more."""
    for run in nofx.runs():
        if nofx.types(run) == ["run.created"]:
            nofx.records.append(run, ev.QueueBackpressure(9_000, 2_000))


def test_an_interrupted_run_goes_on_in_a_worker(nofx: Runner, cli: Console) -> None:
    run = nofx.run(ASK + LAST, code=8)
    nofx("approve", "release", "--no-resume")
    jobs = Jobs(nofx.records)
    jobs.queue.drop(run)
    nofx.records.append(run, ev.RunResumed("answered"), (ev.StepStarted("manual:release", worker="ada"), "release", 1))
    assert "interrupted" in _checks(cli)
    assert _repaired(cli) == [("queue", "done", "1 job of 1 run put into it")]
    assert jobs.keys() == [f"{run}/release/2"]
    assert "interrupted" not in _checks(cli)


def test_runs_that_need_nobody_get_no_job(nofx: Runner, cli: Console) -> None:
    nofx.run(ASK, code=8)
    nofx.run(FAIL, code=1)
    nofx.run(ECHO)
    assert _repaired(cli) == []
    assert Jobs(nofx.records).keys() == []


def test_a_run_that_a_process_executes_alone_is_left_to_it(cli: Console, jobs: Jobs, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")])
    with records.liveness.hold(RUN):
        assert _repaired(cli) == []
    with records.liveness.hold(RUN, shared=True):
        assert _repaired(cli) == [("queue", "done", "1 job of 1 run put into it")]
    assert jobs.keys() == [f"{RUN}/build/1"]


def test_a_run_whose_plan_cannot_be_read_is_told_and_the_others_are_put(
    cli: Console, jobs: Jobs, records: Records
) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")])
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")], run=OTHER)
    (records.layout.run(RUN) / "plan.yaml").write_text("steps: nonsense\n")
    told = _repaired(cli)
    assert ("queue", "done", "1 job of 1 run put into it") in told
    (fault,) = [message for _, status, message in told if status == "warn"]
    assert fault.startswith(f"run {RUN} has no job: ")
    assert jobs.keys() == [f"{OTHER}/build/1"]


def test_what_a_gone_worker_had_waits_again_and_its_record_is_taken_away(
    cli: Console, jobs: Jobs, records: Records
) -> None:
    worker = gone_worker()
    jobs.leave_record(worker)
    jobs.leave_record(worker_elsewhere())
    jobs.put(job("a"), job("b"))
    jobs.claim(worker, limit=2)
    assert _repaired(cli) == [
        ("workers", "done", f"{worker} is gone: its record was taken away, 2 jobs of it wait again")
    ]
    waiting = jobs.queue.waiting()
    assert [(found.failures, found.reason) for found in waiting] == [
        (1, f"worker {worker} was gone while it had the job")
    ] * 2
    names = {path.stem for path in (records.layout.root / "workers").iterdir()}
    assert names == {worker_elsewhere()}


def test_a_job_that_outlived_too_many_workers_is_a_dead_letter_on_record(
    cli: Console, jobs: Jobs, records: Records
) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")])
    worker = gone_worker()
    jobs.put(job())
    for _ in range(4):
        jobs.clock.advance(20_000)
        jobs.claim(worker)
        jobs.queue.take_from(worker, "gone")
    jobs.clock.advance(20_000)
    jobs.claim(worker)
    told = f"{worker} is gone: its record was taken away, 1 job of it became dead letters"
    assert ("workers", "done", told) in _repaired(cli)
    last = list(records.store.read(RunId(RUN)))[-1]
    assert (last.type, last.step) == ("step.dead_lettered", "build")
    assert [found.key for found in jobs.queue.dead()] == [job().key]
    assert jobs.keys() == []


def test_living_workers_and_their_jobs_are_left_alone(cli: Console, jobs: Jobs) -> None:
    with jobs.workers.register(concurrency=1) as registration:
        jobs.put(job())
        jobs.claim(registration.id)
        assert _repaired(cli) == []
        (claimed,) = jobs.queue.claimed()
        assert claimed.worker == registration.id
        assert [one.info.id for one in jobs.workers.seen()] == [registration.id]


def test_workers_are_woken(cli: Console, jobs: Jobs, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")])
    with jobs.workers.register(concurrency=1) as registration:
        _repaired(cli)
        assert registration.wait_for_ring(timeout_ms=30_000)


def test_damaged_records_of_the_queue_are_forgotten_when_it_is_rebuilt(cli: Console, jobs: Jobs) -> None:
    jobs.put(job())
    jobs.damage()
    assert _repaired(cli) == [("queue", "done", "made anew from the journals: 1 record could not be read")]
    assert jobs.queue.stats().damaged == 0
    assert "queue records" not in _checks(cli)


def test_halves_of_runs_are_removed_when_they_are_old(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED], [ev.RunCancelled("enough")])
    old, new = (records.layout.day(RUN) / f".new-20260101-120000-{end}" for end in ("bbbbbb", "cccccc"))
    for folder in (old, new):
        folder.mkdir()
        (folder / "plan.yaml").touch()
    os.utime(old, (1, 1))
    assert _repaired(cli) == [("leftover", "done", f"{old} was removed: a run whose creation was cut off")]
    assert (old.exists(), new.exists()) == (False, True)


def test_a_store_of_a_newer_nofx_is_not_touched(cli: Console, jobs: Jobs, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")])
    (records.layout.root / "format").write_text("999\n")
    assert _repaired(cli, code=1) == []
    assert not (records.layout.root / "queue").exists()


def test_settings_that_are_wrong_are_told_by_the_examination(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("grace: soon\n")
    assert _repaired(cli, code=1) == []


def test_a_queue_that_cannot_be_used_is_told(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    (records.layout.root / "queue").write_text("")
    ((check, status, _),) = _repaired(cli, code=1)
    assert (check, status) == ("repair", "fail")


def test_each_thing_has_a_line_before_the_findings(cli: Console, jobs: Jobs) -> None:
    jobs.leave_record(gone_worker())
    first, second, *_ = cli.ok("doctor", "--repair").splitlines()
    assert first == f"done  workers        {gone_worker()} is gone: its record was taken away"
    assert second.startswith("ok    nofx ")
