"""Workers as people use them: detached and in the foreground, stopped, cancelled, killed, and answered."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import PATIENCE, Program, ended
from tests.acceptance.workplace import FAMILY, GO, STUBBORN, Workplace, shell

pytestmark = pytest.mark.acceptance

ECHO = "  - {name: a, tool: 'test:echo'}\n"
ASK = "  - {name: ask, tool: 'manual:x'}\n"


def test_a_run_that_is_left_starts_one_worker_that_lives_on_without_its_terminal(
    nofx: Program, work: Workplace
) -> None:
    told = nofx("run", nofx.plan(shell("a", GO)), "--detach")
    assert told.code == 0, told
    (run,) = nofx.runs()
    assert told.out == f"{run}\n"
    (worker,) = work.json("worker", "status")["workers"]
    assert f"worker {worker['worker']} was started for it" in told.err
    pid = worker["pid"]
    assert os.getsid(pid) == pid, "a session of its own: no terminal that ends takes it along"
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert {os.readlink(f"/proc/{pid}/fd/{stream}") for stream in (1, 2)} == {worker["log"]}

    second = nofx("run", nofx.plan(ECHO), "--detach")
    assert "was started" not in second.err
    work.has(second.out.strip(), "run.succeeded")
    assert [one["pid"] for one in work.json("worker", "status")["workers"]] == [pid]

    work.go()
    work.has(run, "run.succeeded")
    stopped = nofx("worker", "stop")
    assert (stopped.code, stopped.out) == (0, f"worker {worker['worker']} has stopped\n")
    assert work.json("worker", "status")["workers"] == []
    log = Path(worker["log"]).read_text("utf-8")
    assert f"{run}  run               succeeded" in log
    assert log.endswith(f"worker {worker['worker']} has stopped (SIGTERM)\n")


def test_a_worker_is_started_by_hand_shown_and_stopped_by_a_part_of_its_id(nofx: Program, work: Workplace) -> None:
    started = nofx("worker", "start", "--concurrency", "2")
    assert started.code == 0, started
    other = nofx("worker", "start").out.strip()
    worker = started.out.strip()
    run = work.leave(shell("long", f"echo ready >> ready; {GO}"))
    nofx.ready()
    wait_until(lambda: f"runs {run}/long/1" in nofx("worker", "status").out, timeout=PATIENCE, why="what it does")
    status = {one["worker"]: one for one in work.json("worker", "status")["workers"]}
    assert set(status) == {worker, other}
    assert status[worker]["concurrency"] == 2
    busy = next(name for name, one in status.items() if one["doing"])
    idle = next(name for name in status if name != busy)
    assert nofx("worker", "stop", str(status[idle]["pid"])).out == f"worker {idle} has stopped\n"

    stopping = nofx.start("worker", "stop", busy)
    wait_until(lambda: "  stopping  " in nofx("worker", "status").out, timeout=PATIENCE, why="that it stops")
    assert stopping.poll() is None
    work.go()
    told = ended(stopping)
    assert told.code == 0, told
    assert f"worker {busy} waits for {run}/long/1 (--now interrupts)" in told.err
    assert nofx.types(run)[-1] == "run.succeeded"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_a_step_end_and_hands_the_next_one_back(
    nofx: Program, work: Workplace, number: signal.Signals
) -> None:
    worker = work.worker()
    run = work.leave(shell("a", f"echo ready >> ready; {GO}") + shell("b", "echo b >> done"))
    nofx.ready()
    worker.signal(number)
    worker.says("stopping: what runs comes to its end, nothing new is taken (once more interrupts)")
    late = work.leave(ECHO)
    work.go()
    assert worker.ended() == 0, worker.said()
    assert worker.said().endswith(f" has stopped ({number.name})\n")
    assert nofx.types(run)[-2:] == ["step.finished a", "step.enqueued b"]
    assert sorted(work.waiting()) == sorted([f"{run}/b/1", f"{late}/a/1"])
    assert nofx("worker", "--drain").code == 0
    assert nofx.types(run)[-1] == nofx.types(late)[-1] == "run.succeeded"
    assert (nofx.folder / "done").read_text() == "b\n"


def test_a_second_signal_interrupts_and_a_person_is_asked(nofx: Program, work: Workplace) -> None:
    worker = work.worker()
    run = work.leave(shell("long", FAMILY))
    nofx.ready()
    worker.signal()
    worker.says("stopping: ")
    assert nofx.leftovers()
    worker.signal()
    assert worker.ended() == 0, worker.said()
    assert not nofx.leftovers()
    assert nofx.types(run)[-3:] == ["step.interrupted long", "approval.requested long", "run.waiting"]
    cut = nofx.events(run)[-3]
    assert cut.actor.kind == "worker"
    assert cut.payload == ev.StepInterrupted("its worker was stopped", False, cut.actor.id)
    assert "worker.lost" not in nofx.types(run)
    assert nofx("waive", "long", "--note", "enough").code == 0


def test_stop_now_hands_a_step_back_that_may_run_again(nofx: Program, work: Workplace) -> None:
    worker = work.worker()
    run = work.leave(shell("long", "echo ready >> ready; [ $NOFX_ATTEMPT = 2 ] || sleep 60", retry_on_interrupt="true"))
    nofx.ready()
    begun = time.monotonic()
    stopped = nofx("worker", "stop", "--now")
    assert stopped.code == 0, stopped
    assert time.monotonic() - begun < PATIENCE / 2
    assert worker.ended() == 0
    assert nofx.types(run)[-1] == "step.interrupted long"
    assert work.waiting() == [f"{run}/long/2"]
    assert nofx("worker", "--drain").code == 0
    assert nofx.types(run)[-1] == "run.succeeded"


def test_drain_waits_for_what_is_put_off(nofx: Program, work: Workplace) -> None:
    flaky = "{fail_times: 1}, retry: {max_attempts: 2, backoff: [300ms]}"
    run = work.leave(f"  - {{name: a, tool: 'test:fail', inputs: {flaky}}}\n{ECHO.replace('name: a', 'name: b')}")
    told = nofx("worker", "--drain")
    assert told.code == 0, told
    assert nofx.types(run)[-1] == "run.succeeded"
    assert "failed, again in 300ms" in told.err


def test_an_answer_reaches_the_worker_that_lives_at_once(nofx: Program, work: Workplace) -> None:
    work.worker()
    for words in (["approve", "ask"], ["waive", "ask", "-m", "no need"]):
        run = work.leave(ECHO + ASK)
        work.has(run, "run.waiting")
        told = nofx(*words)
        assert told.code == 0, told
        assert f"run {run} goes on in a worker" in told.err
        work.has(run, "run.succeeded")
        events = nofx.events(run)
        answered = next(one for one in events if one.type in ("approval.granted", "approval.waived"))
        took = datetime.fromisoformat(events[-1].at) - datetime.fromisoformat(answered.at)
        assert took.total_seconds() < 3, "it was not a tick that woke it, on a machine that is not busy"
        assert events[-1].actor.kind == "worker"


@pytest.mark.parametrize("command", [FAMILY, STUBBORN], ids=["family", "stubborn"])
def test_cancel_ends_all_that_a_step_started_within_a_second_and_nothing_follows(
    nofx: Program, work: Workplace, command: str
) -> None:
    worker = work.worker(env={"NOFX_GRACE": "700ms"})
    run = work.leave(shell("long", command) + shell("after", "touch after") + shell("other", GO, needs=[]))
    nofx.ready()
    cancelled = nofx.start("cancel", run, env={"NOFX_GRACE": "700ms"})
    wait_until(lambda: nofx.types(run)[-1] == "run.cancelled", timeout=PATIENCE, why="the cancellation")
    nofx.nothing_is_left()
    gone_at = time.time()
    took = gone_at - datetime.fromisoformat(nofx.events(run)[-1].at).timestamp()
    print(f"gone after {took:.2f} s")  # noqa: T201 - for who measures, with -s
    assert took < 3, f"a second, on a machine that is not busy: {took}"
    assert ended(cancelled).code == 0
    next_run = work.leave(ECHO)
    work.has(next_run, "run.succeeded")
    assert nofx.types(run)[-1] == "run.cancelled"
    steps = {step["name"]: step["status"] for step in work.json("show", run)["steps"]}
    assert steps == {"long": "cancelled", "after": "cancelled", "other": "cancelled"}
    assert work.waiting() == []
    assert not (nofx.folder / "after").exists()
    assert worker.process.poll() is None


def test_a_foreground_run_that_is_killed_goes_on_in_a_living_worker(nofx: Program, work: Workplace) -> None:
    work.worker()
    nofx.plan(
        shell("first", "echo first >> done")
        + shell(
            "long",
            'trap "" TERM; while [ $NOFX_ATTEMPT = 1 ]; do echo 1 >> trace; echo ready >> ready; sleep 0.02; done; '
            "echo 2 >> trace",
            retry_on_interrupt="true",
        )
    )
    foreground = nofx.start("run", "plan.yaml")
    nofx.ready()
    (run,) = nofx.runs()
    foreground.kill()
    foreground.wait()
    killed = time.monotonic()
    work.has(run, "run.succeeded")
    assert time.monotonic() - killed < 15, "a few seconds, on a machine that is not busy"
    assert (nofx.folder / "done").read_text() == "first\n"
    attempts = (nofx.folder / "trace").read_text().split()
    assert attempts == sorted(attempts), "the old one was gone before the new one began"
    assert nofx.types(run).count("worker.lost") == 1


def test_one_slot_runs_what_is_more_urgent_before_the_next_step_of_a_chain(nofx: Program, work: Workplace) -> None:
    work.worker("--concurrency", "1")
    chain = work.leave(
        shell("a", f"echo ready >> ready; {GO}; echo a >> order") + shell("b", "echo b >> order") + shell("c", "true")
    )
    nofx.ready()
    low = work.leave(shell("low", "echo low >> order"), "--priority", "-1")
    high = work.leave(shell("high", "echo high >> order"), "--priority", "1")
    work.go()
    for run in (chain, low, high):
        work.has(run, "run.succeeded")
    order = (nofx.folder / "order").read_text().split()
    assert order == ["a", "high", "b", "low"]


def test_a_worker_that_cannot_be_started_says_why_and_the_run_stays(nofx: Program, work: Workplace) -> None:
    work.leave(ECHO)
    (nofx.store / "workers").write_text("in the way")
    told = nofx("run", nofx.plan(ECHO), "--detach")
    assert told.code == 69, told
    cause = f"a worker cannot be registered in {nofx.store / 'workers'}: "
    assert f"error[worker-not-started]: the worker was not started: {cause}" in told.err
    assert "  hint: no worker was started; mend the cause and type it again\n" in told.err
    assert len(nofx.runs()) == 2
    assert len(work.waiting()) == 2
    (nofx.store / "workers").unlink()
    assert nofx("worker", "--drain").code == 0
    assert nofx.types()[-1] == "run.succeeded"


def test_a_store_that_is_a_file_is_told(nofx: Program, work: Workplace, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for words in (["worker", "start"], ["worker"], ["worker", "--drain"], ["worker", "stop"]):
        told = nofx(*words, env={"NOFX_HOME": str(tmp_path / "file")})
        assert told.code == 69, told
        assert "not a directory" in told.err


def test_a_worker_that_a_step_starts_ends_with_it_and_what_it_was_to_do_is_not_lost(
    nofx: Program, work: Workplace
) -> None:
    nofx.plan(ECHO, "inner.yaml")
    inner = f"NOFX_HOME={nofx.store} {sys.executable} -m nofx_cli run inner.yaml --detach"
    told = nofx("run", nofx.plan(shell("outer", inner)))
    assert told.code == 0, told
    assert not any(one["status"] == "alive" for one in work.json("worker", "status")["workers"])
    assert nofx("worker", "--drain").code == 0
    assert [nofx.types(run)[-1] for run in nofx.runs()] == ["run.succeeded"] * 2


def test_its_output_may_end_where_nobody_reads_it(nofx: Program, work: Workplace) -> None:
    process = subprocess.Popen(
        [*nofx.command, "worker"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    nofx.started.append(process)  # type: ignore[arg-type]
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.close()
    for _ in range(2):
        work.has(work.leave(ECHO), "run.succeeded")
    process.terminate()
    assert process.wait(PATIENCE) == 0
