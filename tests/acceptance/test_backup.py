"""Backups of a store in which a worker works: every one is whole, and what was going on goes on from it."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from nofx_cli.domain.events import TERMINAL_TYPES
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.state import RunStatus
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.engine.verify_run import verify_run
from nofx_cli.engine.view_run import view_run
from nofx_cli.testing.waiting import wait_until
from nofx_cli.wiring.backups import RestoreOrder, open_backups
from nofx_cli.wiring.session import Session, open_session
from tests.acceptance.program import PATIENCE, Program, ended
from tests.acceptance.workplace import GO, Workplace, shell
from tests.cli.console import Console

pytestmark = pytest.mark.acceptance

KEEP = "echo $NOFX_RUN_ID > $NOFX_ARTIFACTS/id.txt; echo said"


def leave(nofx: Program, plan: str, number: int) -> None:
    """Leave many runs to the workers, in this process: starting the program for each would take a minute."""
    console = Console(nofx.folder)
    for _ in range(number):
        console.ok("run", plan, "--detach", "--no-start-worker")


def session_of(store: Path) -> Session:
    return open_session(environ={**os.environ, "NOFX_HOME": str(store)})


def statuses(store: Path) -> Mapping[RunId, RunStatus]:
    """The status of every run; each must verify."""
    services = session_of(store).services
    found = {}
    for run in services.store.runs():
        verified = verify_run(services, run)
        assert verified.ok, verified.faults
        assert not verified.torn_lines
        found[run] = view_run(services, run).state.status
    return found


def ended_runs(store: Path) -> int:
    runs = FileRunStore(Layout(store))
    summaries = [runs.summary(run) for run in runs.runs()]
    return sum(one is not None and one.last_run_event.type in TERMINAL_TYPES for one in summaries)


@pytest.mark.parametrize("number", [40, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(180)])])
def test_backups_under_load_are_whole_and_what_was_going_on_goes_on_from_them(
    nofx: Program, work: Workplace, tmp_path: Path, number: int
) -> None:
    plan = nofx.plan("  - {name: a, tool: 'test:echo'}\n" + shell("b", KEEP) + "  - {name: c, tool: 'test:echo'}\n")
    held = nofx.plan(shell("b", f"echo > ready; {GO}"), name="held.yaml")
    leave(nofx, held, 1)
    leave(nofx, plan, number - 1)
    worker = work.worker("--concurrency", "4")
    nofx.ready()  # one run is in its middle whenever a backup is made
    backups = open_backups()
    made = []
    for part in (0, number // 4, number // 2):
        wait_until(lambda part=part: ended_runs(nofx.store) > part, timeout=PATIENCE, why=f"{part} runs")  # type: ignore[misc]
        made.append(backups.create(to=None, note="", force=False, leave_out=False))
    assert worker.process.poll() is None
    assert not any(one.faults for one in made)

    (nofx.folder / "go").touch()
    refused = nofx("backup", "restore", made[1].summary.id, "--yes")
    assert refused.code == 5, refused
    assert "error[store-in-use]: the store cannot be restored: worker w-" in refused.err
    assert "  hint: nofx worker stop\n" in refused.err
    wait_until(lambda: ended_runs(nofx.store) == number, timeout=PATIENCE * 2, why="all runs")
    worker.signal()
    assert worker.ended() == 0

    for place, one in enumerate(made):
        assert backups.verify(one.summary.id, expect=one.digest).found.ok
        store = tmp_path / f"restored-{place}"
        backups.restore(RestoreOrder(one.summary.id, into=store))
        found = statuses(store)
        assert len(found) == number
        assert RunStatus.RUNNING in found.values()
        assert set(found.values()) <= {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED}

    assert nofx("worker", "--drain", "-q", env={"NOFX_HOME": str(tmp_path / "restored-1")}).code == 0
    finished = statuses(tmp_path / "restored-1")
    asked = [run for run, status in finished.items() if status is RunStatus.WAITING]
    for run in asked:  # a shell step that was cut off is not run again before a person has said so
        told = nofx("approve", "b", "--run", run, env={"NOFX_HOME": str(tmp_path / "restored-1")})
        assert told.code == 0, told
    assert set(statuses(tmp_path / "restored-1").values()) == {RunStatus.SUCCEEDED}

    told = nofx("backup", "restore", made[0].summary.id, "--yes")
    assert told.code == 0, told
    assert "what was there before is backup " in told.err
    assert " jobs in the queue again; " in told.err
    assert set(statuses(nofx.store).values()) != {RunStatus.SUCCEEDED}
    assert session_of(nofx.store).services.queue.stats().depth
    back = nofx("backup", "restore", "latest", "--yes")
    assert back.code == 0, back
    assert set(statuses(nofx.store).values()) == {RunStatus.SUCCEEDED}


def test_a_store_is_not_replaced_under_a_run_in_the_foreground(nofx: Program, work: Workplace) -> None:
    foreground = nofx.start("run", nofx.plan(shell("a", f"echo ready >> ready; {GO}")))
    nofx.ready()
    made = nofx("backup", "create", "--json")
    assert made.code == 0, made
    (run,) = nofx.runs()
    refused = nofx("backup", "restore", "latest", "--yes")
    assert refused.code == 5, refused
    assert f"the store cannot be restored: run {run} is executed by process {foreground.pid}" in refused.err
    assert not (nofx.store / "restoring").exists()
    work.go()
    assert ended(foreground).code == 0
    assert nofx("backup", "restore", "latest", "--yes").code == 0
    assert nofx.types()[-1] == "step.started a"
    resumed = nofx("resume", run, "--rerun-interrupted")
    assert resumed.code == 0, resumed
    assert nofx.types()[-1] == "run.succeeded"


def test_the_worktree_of_a_run_is_brought_back_with_it_unless_that_would_lose_something(
    nofx: Program, work: Workplace
) -> None:
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=nofx.folder, check=True)
    steps = shell("a", "echo one > f.txt") + "  - {name: ok, tool: 'manual:x'}\n" + shell("b", "echo two >> f.txt")
    assert nofx("run", nofx.plan(f"workspace: worktree\nsteps:\n{steps}")).code == 8
    (run,) = nofx.runs()
    file = nofx.store / ".worktrees" / run / "f.txt"
    made = nofx("backup", "create", "--json")
    backup = json.loads(made.out)["id"]
    assert nofx("approve", "ok").code == 0
    assert file.read_text() == "one\ntwo\n"
    assert nofx("backup", "restore", backup, "--yes").code == 0
    assert file.read_text() == "one\n"
    assert nofx("approve", "ok").code == 0
    assert file.read_text() == "one\ntwo\n"

    file.write_text("by hand\n")
    told = nofx("backup", "restore", backup, "--yes")
    assert told.code == 0, told
    assert (
        f"the worktree of run {run} is not what the run has kept, and stays: no reference keeps what it has" in told.err
    )
    assert file.read_text() == "by hand\n"


def test_nobody_starts_while_a_store_is_restored(nofx: Program, work: Workplace) -> None:
    from nofx_cli.drivers.filesystem.gate import Gate

    plan = nofx.plan("  - {name: a, tool: 'test:echo'}\n")
    assert nofx("run", plan).code == 0
    gate = Gate(nofx.store, sync=False)
    for words in (["run", plan], ["worker", "--drain"], ["resume"], ["list"], ["run", plan, "--detach"]):
        told = nofx(*words)
        assert told.code == 69, told
        assert "is being restored from a backup right now" in told.err
    gate.open()
    assert nofx("run", plan).code == 0
    assert len(nofx.runs()) == 2


@pytest.mark.parametrize("command", [["create"], ["restore", "latest", "--yes"]], ids=["create", "restore"])
def test_a_command_that_is_killed_leaves_the_store_as_it_was(
    nofx: Program, work: Workplace, command: list[str], tmp_path: Path
) -> None:
    """Where in its work it dies is chance here; `tests/crash` dies at every step."""
    assert nofx("run", nofx.plan(shell("a", "head -c 3000000 /dev/urandom > $NOFX_ARTIFACTS/big"))).code == 0
    assert nofx("backup", "create").code == 0
    process = nofx.start("backup", *command)
    sign = (nofx.store / ".restore") if command[0] == "restore" else None
    wait_until(
        lambda: (
            bool(sign.exists() if sign else list((nofx.store / "backups").glob(".making-*")))
            or process.poll() is not None
        ),
        timeout=PATIENCE,
        why="its beginning",
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    repaired = nofx("doctor", "--repair")
    assert repaired.code == 0, repaired
    assert nofx("verify", "--all").code == 0
    assert len(nofx.runs()) == 1
    assert nofx("backup", "create").code == 0
    assert not list((nofx.store / "backups").glob(".making-*"))
    assert not (nofx.store / ".restore").exists()
    assert nofx("backup", "verify", "latest").code == 0
