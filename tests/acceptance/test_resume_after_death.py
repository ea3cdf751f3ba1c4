"""`kill -9` of nofx while a step runs: nothing of it survives into its next attempt, and a person may be asked."""

from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from tests.acceptance.program import Program, ended

pytestmark = [pytest.mark.acceptance, pytest.mark.cold]

OVERLAP = """\
steps:
  - name: long
    tool: shell
    {wish}
    inputs:
      command: |
        trace() {{ trap '' TERM; while :; do echo "$NOFX_ATTEMPT $1" >> trace; sleep 0.02; done; }}
        if [ "$NOFX_ATTEMPT" = 1 ]; then
          (trace child) &
          setsid -f sh -c 'trap "" TERM; while :; do echo "$NOFX_ATTEMPT daemon" >> trace; sleep 0.02; done'
          until grep -q child trace && grep -q daemon trace; do sleep 0.02; done
          echo ready >> ready
          trace main
        fi
        echo "$NOFX_ATTEMPT end" >> trace
"""


def _die(nofx: Program, wish: str = "") -> None:
    """Begin a step with children that ignore TERM or leave its group, and end nofx by `kill -9`."""
    nofx.plan(OVERLAP.format(wish=wish))
    process = nofx.start("run", "plan.yaml")
    nofx.ready()
    process.kill()
    process.wait()


def _never_overlap(nofx: Program) -> None:
    attempts = [line.split()[0] for line in (nofx.folder / "trace").read_text().splitlines()]
    assert {"1", "2"} == set(attempts)
    assert attempts == sorted(attempts), "the first attempt left something that wrote after the second began"
    assert not nofx.leftovers()


def test_a_person_is_asked_and_the_old_attempt_is_gone_before_the_new_one_begins(nofx: Program) -> None:
    _die(nofx)
    told = nofx("resume")
    assert told.code == 8, told
    assert "nofx approve long --run" in told.err
    assert not nofx.leftovers()
    asked = nofx.events()[-3].payload
    assert isinstance(asked, ev.ApprovalRequested)
    assert (asked.reason, asked.question) == (ev.AskReason.INTERRUPTED, "long was cut off while it ran; run it again?")
    assert nofx("approve", "long").code == 0
    _never_overlap(nofx)


@pytest.mark.parametrize(("wish", "words"), [("", ["--rerun-interrupted"]), ("retry_on_interrupt: true", [])])
def test_it_runs_again_without_a_question_where_that_was_said(nofx: Program, wish: str, words: list[str]) -> None:
    _die(nofx, wish)
    told = nofx("resume", *words)
    assert told.code == 0, told
    _never_overlap(nofx)
    assert nofx.types().count("step.interrupted long") == 1


def test_an_answer_for_all_counts_also_for_what_was_asked_before(nofx: Program) -> None:
    _die(nofx)
    assert nofx("resume").code == 8
    assert nofx("resume", "--rerun-interrupted").code == 0
    _never_overlap(nofx)


def test_a_gate_that_was_cut_off_simply_runs_again(nofx: Program, tmp_path: Path) -> None:
    ruff = nofx.folder / ".venv/bin/ruff"
    ruff.parent.mkdir(parents=True)
    ruff.write_text(
        '#!/bin/sh\n[ -e "$NOFX_STEP" ] && exit 2\ntouch "$NOFX_STEP"; echo ready >> ready; exec sleep 60\n'
    )
    ruff.chmod(0o755)
    (nofx.folder / "a.py").write_text("x = 1\n")
    nofx.plan("  - {name: lint, tool: 'gate:lint'}\n")
    process = nofx.start("run", "plan.yaml")
    nofx.ready()
    process.kill()
    process.wait()
    assert nofx("resume").code == 1, "the tool that stands in for ruff fails the second time"
    assert nofx.types().count("step.started lint") == 2
    assert "approval.requested lint" not in nofx.types()


def test_what_was_committed_does_not_run_again(nofx: Program) -> None:
    nofx.plan(
        "  - {name: first, tool: shell, inputs: {command: echo first >> done}}\n"
        "  - {name: long, tool: shell, retry_on_interrupt: true, "
        "inputs: {command: 'echo ready >> ready; [ $NOFX_ATTEMPT = 2 ] || sleep 60'}}\n"
    )
    process = nofx.start("run", "plan.yaml")
    nofx.ready()
    process.kill()
    process.wait()
    assert nofx("resume").code == 0
    assert (nofx.folder / "done").read_text() == "first\n"
    lost = next(event.payload for event in nofx.events() if isinstance(event.payload, ev.WorkerLost))
    assert lost.pid == process.pid


def test_a_run_that_lives_is_left_alone_and_its_holder_is_named(nofx: Program) -> None:
    nofx.plan(
        "  - name: long\n    tool: shell\n"
        "    inputs: {command: 'echo ready >> ready; until [ -e go ]; do sleep 0.02; done'}\n"
    )
    living = nofx.start("run", "plan.yaml", "--idempotency-key", "k")
    nofx.ready()
    before = nofx.types()
    others = [nofx.start(*words) for words in (["resume"], ["retry"], ["run", "plan.yaml", "--idempotency-key", "k"])]
    for process in others:
        told = ended(process)
        assert told.code == 5, told
        assert f"is executed by process {living.pid} on " in told.err, told
    assert nofx.types() == before
    (nofx.folder / "go").touch()
    assert ended(living).code == 0


def test_a_run_that_was_cancelled_but_whose_process_still_ends_its_step_is_not_retried_yet(nofx: Program) -> None:
    nofx.plan(
        "  - {name: long, tool: shell, inputs: {command: \"trap 'echo term > term' TERM; echo ready >> ready; "
        'until [ -e go ]; do sleep 0.02 || :; done; echo $NOFX_ATTEMPT end >> trace"}}\n'
    )
    living = nofx.start("run", "plan.yaml", env={"NOFX_GRACE": "20s"})
    nofx.ready()
    assert nofx("cancel").code == 0
    told = nofx("retry")
    assert told.code == 5, told
    assert f"process {living.pid}" in told.err
    assert nofx.types()[-1] == "run.cancelled", "nothing follows"
    (nofx.folder / "go").touch()
    assert ended(living).code == 1
    assert nofx("retry").code == 0
    assert (nofx.folder / "trace").read_text() == "1 end\n2 end\n"
