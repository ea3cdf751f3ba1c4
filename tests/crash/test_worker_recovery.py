"""The program as workers: two at a time, killed, stopped, started anew, on a store whose parts were deleted."""

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.engine.create_run import NewRun, create_run
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.errors import ExitCode
from nofx_cli.testing.waiting import wait_until
from nofx_cli.wiring.session import open_session
from tests.acceptance.program import PATIENCE, Ended, Program, ended

pytestmark = pytest.mark.crash

V1 = Path(__file__).resolve().parents[1] / "fixtures" / "journals" / "v1"
V1_RUN = RunId("20261122-112413-fpxcqy")
V1_FIRST_BATCHES = 8
"""So many lines of its journal are whole batches, and steps run at their end."""

EFFECT = """\
import os

from nofx_cli.plugin import Succeeded


class Effect:
    rerun_safe = True

    def match(self, tool):
        return tool == "effect"

    def run(self, ctx):
        fd = os.open(ctx.workspace / "effects", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.write(fd, f"{ctx.run_id} {ctx.step} {ctx.attempt}\\n".encode())
        os.close(fd)
        return Succeeded({})


HANDLERS = [Effect()]
"""
CHAIN = "steps:\n" + "".join(f"  - {{name: s{number}, tool: effect}}\n" for number in range(5))
TRACE = """\
steps:
  - name: long
    tool: shell
    retry_on_interrupt: true
    inputs:
      command: |
        trace() { trap '' TERM; while :; do echo "$NOFX_ATTEMPT $1" >> trace; sleep 0.02; done; }
        if [ "$NOFX_ATTEMPT" = 1 ]; then
          (trace child) &
          setsid -f sh -c 'trap "" TERM; while :; do echo "$NOFX_ATTEMPT daemon" >> trace; sleep 0.02; done'
          until grep -q child trace && grep -q daemon trace; do sleep 0.02; done
          echo ready >> ready
          trace main
        fi
        echo "$NOFX_ATTEMPT end" >> trace
"""
GO = "until [ -e go ]; do sleep 0.02; done"
HELD = f"steps:\n  - {{name: long, tool: shell, inputs: {{command: 'echo ready >> ready; {GO}'}}}}\n"


class Shop(Program):
    """The program, and workers of it."""

    def worker(self, *words: str) -> int:
        """Start a worker that stays, and wait until it is registered; its process."""
        process = self.start("worker", "--quiet", *words)  # nobody reads while it works
        wait_until(lambda: self.records(f"*-{process.pid}-*"), timeout=PATIENCE, why="its record")
        return process.pid

    def records(self, name: str = "*") -> list[Path]:
        """The records of workers."""
        return list((self.store / "workers").glob(f"{name}.json"))

    def end(self, pid: int, number: int = signal.SIGKILL) -> Ended:
        """Send a signal to a worker, and wait for its end."""
        (process,) = (process for process in self.started if process.pid == pid)
        process.send_signal(number)
        return ended(process)

    def detach(self, plan: str) -> RunId:
        told = self("run", plan, "--detach", "--no-start-worker")
        assert told.code == 0, told
        return RunId(told.out.strip())

    def has_ended(self, run: RunId) -> bool:
        summary = FileRunStore(Layout(self.store)).summary(run)
        return summary is not None and summary.last_run_event.type in ev.TERMINAL_TYPES

    def ends(self, *runs: RunId) -> None:
        """Wait until runs have ended."""
        left = list(runs)
        while left:
            wait_until(lambda: self.has_ended(left[-1]), timeout=2 * PATIENCE, why=f"the end of {left[-1]}")
            left.pop()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A project with the tool `effect`, and workers in it."""
    folder = tmp_path / "project"
    (folder / "nofx_handlers").mkdir(parents=True)
    (folder / "nofx.yaml").touch()
    (folder / "nofx_handlers" / "effect.py").write_text(EFFECT)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NOFX_GRACE", "300ms")
    program = Shop(folder, tmp_path / "store")
    yield program
    program.close()
    program.nothing_is_left()
    program.every_run_verifies()


def effects(shop: Shop) -> list[str]:
    return (shop.folder / "effects").read_text().splitlines()


def starts(shop: Shop, run: RunId) -> Counter[str]:
    """How often each step was started."""
    return Counter(str(event.step) for event in shop.events(run) if event.type == "step.started")


def test_two_workers_do_every_step_of_200_runs_once_and_both_work(shop: Shop) -> None:
    session = open_session(folder=shop.folder)
    plan = session.services.load_plan(CHAIN, "chain")
    workspace = {"path": str(shop.folder), "mode": "in_place"}
    new = NewRun(plan=plan, text=CHAIN, name="chain", params={}, workspace=dict(workspace))
    for _ in range(2):
        shop.worker()
    session.services.queue.pause()  # so that both find all of it
    runs = [create_run(session.services, new, keys=session.keys) for _ in range(200)]
    for opened in runs:
        enqueue(opened)
    session.services.queue.resume()
    session.services.workers.ring()

    shop.ends(*(opened.run for opened in runs))

    expected = [f"{opened.run} s{number} 1" for opened in runs for number in range(5)]
    assert sorted(effects(shop)) == sorted(expected)
    started = [event for opened in runs for event in shop.events(opened.run) if event.type == "step.started"]
    by_worker = Counter(event.actor.id for event in started)
    assert len(by_worker) == 2, by_worker
    assert sum(by_worker.values()) == 1_000
    stats = session.services.queue.stats()
    assert (stats.depth, stats.claimed, stats.dead) == (0, 0, 0)


def test_a_run_that_waits_outlives_its_worker_and_goes_on_in_another_one(shop: Shop) -> None:
    plan = "steps:\n  - {name: a, tool: effect}\n  - {name: ok, tool: 'manual:ok'}\n  - {name: b, tool: effect}\n"
    first = shop.worker()
    run = shop.detach(shop.plan(plan))
    shop.shows("run.waiting")
    shop.end(first)
    shop.worker()

    assert shop("approve", "ok").code in (ExitCode.SUCCEEDED, ExitCode.WAITING)
    shop.ends(run)

    assert shop.types()[-1] == "run.succeeded"
    assert starts(shop, run) == {"a": 1, "ok": 1, "b": 1}
    assert effects(shop) == [f"{run} a 1", f"{run} b 1"]
    assert "worker.lost" not in shop.types(), "it had nothing of the run in its hands"


def test_open_runs_of_every_kind_end_though_queue_index_and_workers_were_deleted(shop: Shop) -> None:
    shop.plan(CHAIN, "chain.yaml")
    shop.plan(TRACE, "trace.yaml")
    held = HELD.replace("tool: shell", "tool: shell, retry_on_interrupt: true") + "  - {name: after, tool: effect}\n"
    shop.plan(held, "held.yaml")

    foreground = shop.start("run", "held.yaml")
    shop.ready()
    foreground.kill()
    foreground.wait()
    in_worker = shop.detach("trace.yaml")
    worker = shop.worker()
    shop.ready(times=2)
    shop.end(worker)
    queued = shop.detach("chain.yaml")
    runs = shop.runs()
    for name in ("queue", "index", "workers"):
        shutil.rmtree(shop.store / name, ignore_errors=True)
    (shop.folder / "go").touch()

    told = shop("worker", "--drain")

    assert told.code == 0, told
    assert {shop.types(run)[-1] for run in runs} == {"run.succeeded"}
    assert len(runs) == 3
    assert starts(shop, queued) == {f"s{number}": 1 for number in range(5)}
    assert starts(shop, in_worker) == {"long": 2}
    assert len(effects(shop)) == len(set(effects(shop))) == 6


def test_a_living_fellow_takes_over_when_all_that_the_dead_one_had_started_is_gone(shop: Shop) -> None:
    run = shop.detach(shop.plan(TRACE))
    first = shop.worker()
    shop.ready()
    shop.worker()
    shop.end(first)

    shop.ends(run)

    attempts = [line.split()[0] for line in (shop.folder / "trace").read_text().splitlines()]
    assert set(attempts) == {"1", "2"}
    assert attempts == sorted(attempts), "the first attempt left something that wrote after the second began"
    assert Counter(shop.types())["worker.lost"] == Counter(shop.types())["step.interrupted long"] == 1
    lost = next(event.payload for event in shop.events() if isinstance(event.payload, ev.WorkerLost))
    assert lost.pid == first


def test_a_worker_that_is_stopped_lives_and_keeps_its_step(shop: Shop) -> None:
    run = shop.detach(shop.plan(HELD))
    first = shop.worker()
    shop.ready()
    os.kill(first, signal.SIGSTOP)
    try:
        other = shop.detach(shop.plan(CHAIN, "chain.yaml"))
        told = shop("worker", "--drain")
        assert told.code == 0, told
        assert shop.has_ended(other)
        assert shop.types(run)[-1] == "step.started long", "nobody took it away"
    finally:
        os.kill(first, signal.SIGCONT)
    (shop.folder / "go").touch()

    shop.ends(run)

    assert shop.types(run)[-1] == "run.succeeded"
    assert starts(shop, run) == {"long": 1}


def test_two_stores_do_not_see_one_another(shop: Shop, tmp_path: Path) -> None:
    there = {"NOFX_HOME": str(tmp_path / "other")}
    shop.plan(CHAIN)
    shop.worker()
    told = shop("run", "plan.yaml", "--detach", "--no-start-worker", env=there)
    assert "no worker lives" in told.err, told
    mine = shop.detach("plan.yaml")
    shop.ends(mine)

    seen = [json.loads(shop("worker", "status", "--json", env=env).out) for env in (None, there)]
    assert [len(status["workers"]) for status in seen] == [1, 0]
    assert [event.type for event in FileRunStore(Layout(tmp_path / "other")).read(RunId(told.out.strip()))] == [
        "run.created"
    ]
    assert shop("worker", "--drain", env=there).code == 0
    assert len(effects(shop)) == len(set(effects(shop))) == 10


def test_a_worker_refuses_a_store_that_a_newer_version_wrote(shop: Shop) -> None:
    run = shop.detach(shop.plan(CHAIN))
    (shop.store / "format").write_text("2\n")
    for words in (["worker"], ["worker", "--drain"], ["worker", "start"]):
        told = shop(*words)
        assert told.code == ExitCode.UNAVAILABLE, told
        assert f"the store {shop.store} has format '2'; this nofx knows up to 1" in told.err
        assert "update nofx, or choose another store with NOFX_HOME" in told.err
    assert not shop.records()
    (shop.store / "format").write_text("1\n")
    assert shop("worker", "--drain").code == 0
    assert shop.has_ended(run)


@pytest.mark.parametrize("lines", [None, V1_FIRST_BATCHES])
def test_a_worker_reads_the_runs_of_version_1(shop: Shop, lines: int | None) -> None:
    """One that has ended is left as it is; one whose project is not on this machine is told, and hinders no other."""
    mine = shop.detach(shop.plan(CHAIN))
    old = Layout(shop.store).run(V1_RUN)
    old.mkdir(parents=True)
    journal = b"".join((V1 / "journal.jsonl").read_bytes().splitlines(keepends=True)[:lines])
    (old / "journal.jsonl").write_bytes(journal)
    shutil.copy(V1 / "plan.yaml", old)

    told = shop("worker", "--drain")

    assert told.code == 0, told
    assert shop.has_ended(mine)
    assert (old / "journal.jsonl").read_bytes() == journal
    hindered = f"run {V1_RUN} cannot be gone on with: the folder" in told.err
    assert hindered == (lines is not None), told
    shutil.rmtree(old)  # its files were never kept


DAEMON = (
    "setsid -f sh -c 'echo $$ > daemon; exec sleep 300'; until [ -s daemon ]; do sleep 0.02; done; echo > up; sleep 60"
)


@pytest.mark.parametrize("when", ["another lives", "another starts later"])
def test_what_a_worker_left_running_of_a_run_that_has_ended_is_ended(shop: Shop, when: str) -> None:
    """It dies after the run was cancelled, and before it has ended what it ran: nobody takes such a run up."""
    first = shop.worker()
    run = shop.detach(shop.plan(f"  - {{name: long, tool: shell, inputs: {{command: {json.dumps(DAEMON)}}}}}\n"))
    wait_until((shop.folder / "up").exists, timeout=PATIENCE, why="the step")
    if when == "another lives":
        shop.worker()
    os.kill(first, signal.SIGSTOP)
    assert shop("cancel", run).code == 0
    shop.end(first)
    if when == "another starts later":
        shop.worker()

    wait_until(lambda: not shop.leftovers(), timeout=PATIENCE, why="the end of the daemon")
