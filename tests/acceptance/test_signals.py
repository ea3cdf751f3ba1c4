"""Ctrl-C, SIGTERM, SIGHUP and `nofx cancel`: what runs is ended as a whole, and what is on record says how."""

import signal
import subprocess
import time
from datetime import datetime

import pytest

from tests.acceptance.program import Program, ended

pytestmark = [pytest.mark.acceptance, pytest.mark.cold]

FAMILY = "sh -c 'while :; do sleep 0.05; done' & sh -c 'echo ready >> ready; while :; do sleep 0.05; done' & wait"
STUBBORN = "trap '' TERM; echo ready >> ready; while :; do sleep 0.05; done"


def _begin(nofx: Program, command: str, *words: str, grace: str = "300ms") -> "subprocess.Popen[str]":
    nofx.plan(
        f"  - {{name: long, tool: shell, inputs: {{command: {_quoted(command)}}}}}\n"
        "  - {name: after, tool: shell, inputs: {command: touch after}}\n"
    )
    process = nofx.start("run", "plan.yaml", *words, env={"NOFX_GRACE": grace})
    nofx.ready()
    return process


def _quoted(command: str) -> str:
    return '"' + command.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_ctrl_c_cancels_the_run_and_ends_the_whole_group(nofx: Program) -> None:
    process = _begin(nofx, FAMILY)
    process.send_signal(signal.SIGINT)
    told = ended(process)
    assert told.code == 130, told
    assert not nofx.leftovers()
    assert nofx.types()[-1] == "run.cancelled"
    assert "stopping… (Ctrl-C again kills)" in told.err
    assert not (nofx.folder / "after").exists()


def test_ctrl_c_waits_for_the_grace_and_a_second_one_does_not(nofx: Program) -> None:
    process = _begin(nofx, STUBBORN, grace="20s")
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    nofx.shows("run.cancelled")
    assert nofx.leftovers()
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    assert time.monotonic() - begun < 15
    assert not nofx.leftovers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_another_signal_leaves_a_run_that_can_be_resumed(nofx: Program, number: signal.Signals) -> None:
    process = _begin(nofx, FAMILY)
    process.send_signal(number)
    assert ended(process).code == 143
    assert not nofx.leftovers()
    assert nofx.types()[-1] == "step.started long"
    assert nofx("resume").code == 8
    followed = ["worker.lost", "step.interrupted long", "approval.requested long", "run.resumed", "run.waiting"]
    assert nofx.types()[-5:] == followed
    assert nofx("waive", "long", "--note", "enough").code == 0
    assert (nofx.folder / "after").exists()


def _ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_what_the_caller_ignores_stays_ignored(nofx: Program) -> None:
    nofx.plan(
        "  - {name: long, tool: shell, inputs: {command: 'echo > ready; until [ -e go ]; do sleep 0.02; done'}}\n"
    )
    process = nofx.start("run", "plan.yaml", before=_ignore_hangup)
    nofx.ready()
    process.send_signal(signal.SIGHUP)
    (nofx.folder / "go").touch()
    told = ended(process)
    assert told.code == 0, told


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_waits_is_left_waiting(nofx: Program, number: signal.Signals, code: int) -> None:
    nofx.plan('  - {name: ask, tool: "manual:x"}\n')
    process = nofx.start("run", "plan.yaml", "--wait")
    nofx.shows("run.waiting")
    process.send_signal(number)
    assert ended(process).code == code
    assert nofx.types()[-1] == "run.waiting"
    assert nofx("approve", "ask").code == 0


def test_cancel_from_another_process_ends_all_within_a_second_and_nothing_follows(nofx: Program) -> None:
    process = _begin(nofx, FAMILY)
    cancelled = nofx("cancel", "--reason", "enough", "--json")
    assert cancelled.code == 0, cancelled
    nofx.nothing_is_left()
    gone_at = time.time()
    told = ended(process)
    assert told.code == 1, told
    assert "cancelled" in told.err
    last = nofx.events()[-1]
    assert last.type == "run.cancelled"
    assert gone_at - datetime.fromisoformat(last.at).timestamp() < 5, "a second, on a machine that is not busy"
    assert nofx.types()[-1] == "run.cancelled"


def test_cancel_of_a_run_that_waits_ends_the_process_that_stays_with_it(nofx: Program) -> None:
    nofx.plan('  - {name: ask, tool: "manual:x"}\n')
    process = nofx.start("run", "plan.yaml", "--wait")
    nofx.shows("run.waiting")
    assert nofx("cancel").code == 0
    assert ended(process).code == 1
    assert nofx.types()[-1] == "run.cancelled"


def test_cancel_of_a_run_whose_process_is_gone_ends_what_it_left(nofx: Program) -> None:
    process = _begin(nofx, "setsid -f sh -c 'trap \"\" TERM; echo > ready; while :; do sleep 0.05; done'; sleep 60")
    process.kill()
    process.wait()
    assert nofx.leftovers()
    assert nofx("cancel").code == 0
    assert not nofx.leftovers()
