"""Steps that do not end well, through the whole program: nothing of them survives, and it is told what happened."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain import events as ev
from tests.acceptance.program import PATIENCE, Program, ended

pytestmark = [pytest.mark.acceptance, pytest.mark.cold]

LOOP = "while :; do sleep 0.05; done"


def _failure(nofx: Program, step: str, **wishes: object) -> dict[str, Any]:
    """Run a plan of one shell step; returns what `--json` tells of its failure."""
    options = "".join(f", {name}: {value}" for name, value in wishes.items())
    nofx.plan(f"  - {{name: bad, tool: shell{options}, inputs: {{command: {json.dumps(step)}}}}}\n")
    ended = nofx("run", "plan.yaml", "--json")
    assert ended.code == 1, ended
    told = json.loads(ended.out)
    assert (told["status"], told["steps"][0]["status"]) == ("failed", "failed")
    failure: dict[str, Any] = {**told["failure"], "duration_ms": told["steps"][0]["duration_ms"]}
    return failure


def test_what_sleeps_too_long_is_ended_and_does_not_go_on_later(nofx: Program) -> None:
    failure = _failure(nofx, "sleep 30; touch late", timeout="500ms")
    assert failure["code"] == "timeout"
    assert failure["message"] == "ran longer than 500ms"
    assert 500 <= failure["duration_ms"] < 10_000
    nofx.nothing_is_left()
    assert not (nofx.folder / "late").exists()


def test_what_ignores_term_is_killed_after_the_grace(nofx: Program) -> None:
    failure = _failure(nofx, f"trap '' TERM; ({LOOP}) & {LOOP}", timeout="200ms")
    assert failure["code"] == "timeout"
    assert 500 <= failure["duration_ms"] < 10_000, "the time limit and the grace"
    assert not nofx.leftovers()


def test_what_forks_twice_and_keeps_the_pipe_does_not_keep_the_step(nofx: Program) -> None:
    nofx.plan(
        f"  - {{name: forks, tool: shell, inputs: {{command: \"(setsid sh -c '{LOOP}' &) & wait; echo done\"}}}}\n"
    )
    ended = nofx("run", "plan.yaml")
    assert ended.code == 0, ended
    assert not nofx.leftovers()
    assert "ended what the command left running" in nofx.log("forks")


def test_a_kill_is_a_failure_that_names_the_signal(nofx: Program) -> None:
    failure = _failure(nofx, "kill -9 $$")
    assert (failure["code"], failure["message"]) == ("signal", "it was ended by SIGKILL")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process alone stands in /proc")
def test_200_mb_of_output_cost_little_memory_and_are_cut_and_told(nofx: Program) -> None:
    nofx.plan('  - {name: much, tool: shell, inputs: {command: "yes | head -c 200000000; echo; echo the end"}}\n')
    measure = "from nofx_cli.cli.app import main\ntry:\n main()\nfinally:\n print(open('/proc/self/status').read())"
    ended = subprocess.run(
        [sys.executable, "-c", measure, "run", "plan.yaml", "-q"],
        env={**os.environ, "NOFX_OUTPUT_LIMIT": "1MB"}, capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    (peak_kb,) = (int(line.split()[1]) for line in ended.stdout.splitlines() if line.startswith("VmHWM:"))
    assert peak_kb < 80 * 1024
    log = nofx.log("much")
    assert 1024**2 <= len(log) < 1.1 * 1024**2
    assert "output limit" in log[-500:] or "not kept" in log[-500:], log[-500:]


def test_invalid_text_and_a_last_line_without_an_end_are_kept_as_they_came(nofx: Program, tmp_path: Path) -> None:
    nofx.plan("  - {name: odd, tool: shell, inputs: {command: \"printf 'a\\\\377b\\\\nlast'\"}}\n")
    assert nofx("run", "plan.yaml").code == 0
    (log,) = tmp_path.glob("store/runs/*/*/logs/odd.1.log")
    assert log.read_bytes() == b"a\xffb\nlast"


def test_a_chain_starts_in_the_order_of_its_needs_and_what_needs_a_failure_is_skipped(nofx: Program) -> None:
    nofx.plan(
        "  - {name: c, tool: shell, needs: [b], inputs: {command: 'true'}}\n"
        "  - {name: b, tool: shell, needs: [a], inputs: {command: 'false'}}\n"
        "  - {name: a, tool: shell, needs: [], inputs: {command: 'true'}}\n"
        "  - {name: free, tool: shell, needs: [], inputs: {command: 'true'}}\n"
    )
    assert nofx("run", "plan.yaml").code == 1
    events = nofx.events()
    assert [event.step for event in events if event.type == "step.started" and event.step != "free"] == ["a", "b"]
    (skipped,) = (event for event in events if isinstance(event.payload, ev.StepSkipped))
    assert (skipped.step, skipped.payload) == ("c", ev.StepSkipped(ev.SkipReason.NEED_FAILED, "b"))
    assert nofx.types().count("run.failed") == 1
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_of_many_processes_with_one_key_one_makes_the_run_and_it_runs_once(nofx: Program) -> None:
    nofx.plan("  - {name: once, tool: shell, inputs: {command: echo done >> done}}\n")
    words = ["run", "plan.yaml", "--idempotency-key", "k", "--json"]
    told = [ended(process) for process in [nofx.start(*words) for _ in range(4)]]
    assert {each.code for each in told} <= {0, 5}, told
    assert 0 in {each.code for each in told}
    assert all(json.loads(each.out)["error"]["code"] == "run-is-held" for each in told if each.code)
    assert len(nofx.runs()) == 1
    assert (nofx.folder / "done").read_text() == "done\n"


SECRET = 'hunter2-"quoted"-\\slash'
TELLS = """\
params: {note: {type: string, default: none}}
policy: {env: {allow: [DEPLOY_TOKEN]}}
steps:
  - name: prints
    tool: shell
    inputs: {command: "echo $DEPLOY_TOKEN; echo key=$DEPLOY_TOKEN >> $NOFX_OUTPUT"}
  - {name: hands_on, tool: "test:echo", inputs: {text: "{{ steps.prints.outputs.key }} {{ env.DEPLOY_TOKEN }}"}}
  - {name: stderr, tool: shell, continue_on_error: true, inputs: {command: "echo $DEPLOY_TOKEN >&2; exit 3"}}
  - {name: message, tool: "test:fail", continue_on_error: true, inputs: {message: "no: {{ env.DEPLOY_TOKEN }}"}}
  - {name: program, tool: shell, continue_on_error: true, inputs: {command: ["{{ env.DEPLOY_TOKEN }}"]}}
  - {name: asks, tool: "manual:x", needs: [prints], inputs: {message: "{{ env.DEPLOY_TOKEN }}?"}}
"""


def test_a_secret_of_the_environment_is_nowhere_in_the_store_nor_on_the_terminal(nofx: Program) -> None:
    nofx.plan(TELLS)
    secret = {"DEPLOY_TOKEN": SECRET}
    note = f"note={SECRET}"
    seen = [nofx("run", "plan.yaml", "-p", note, env=secret)]
    assert seen[0].code == 8, seen
    seen += [nofx(*words, env=secret) for words in (
        ("run", "plan.yaml", "-p", note, "--json"), ("run", "plan.yaml", "-p", note, "--dry-run", "--json"),
        ("approve", "asks", "--note", SECRET, "--no-resume"), ("show",),
    )]  # fmt: skip
    forms = [SECRET, json.dumps(SECRET)[1:-1], json.dumps(json.dumps(SECRET)[1:-1])[1:-1]]
    for told in seen:
        assert not any(form in told.out + told.err for form in forms), told
    kept = [path for path in nofx.store.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        text = path.read_bytes().decode("utf-8", "replace")
        assert not any(form in text for form in forms), path
    assert "***" in nofx.log("prints")
