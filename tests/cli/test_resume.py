"""`nofx resume`: go on where a run stands."""

import pytest

from nofx_cli.domain import events as ev
from tests.cli.console import STARTED, Entry
from tests.cli.runner import ASK, ECHO, LAST, Runner

TWO = "steps:\n" + ECHO + LAST
BUILT: list[Entry] = [
    (ev.StepEnqueued(), "build"),
    (ev.StepStarted("test:echo", "", "", "ada"), "build", 1),
    (ev.StepFinished("succeeded", {"version": "1.2"}), "build", 1),
]


def test_what_was_committed_is_not_done_again(nofx: Runner) -> None:
    nofx.records.add(TWO, [STARTED, *BUILT])
    told = nofx.json("resume")
    assert [step["status"] for step in told["steps"]] == ["succeeded", "succeeded"]
    assert nofx.types().count("step.started build") == 1
    assert nofx.types()[5:7] == ["run.resumed", "step.enqueued last"]


def test_a_run_that_was_made_and_never_began(nofx: Runner) -> None:
    nofx.records.add(TWO)
    nofx("resume")
    assert nofx.types()[-1] == "run.succeeded"


def test_a_step_that_was_cut_off_runs_again_where_its_tool_says_so(nofx: Runner) -> None:
    nofx.records.add(TWO, [STARTED, *BUILT[:2]])
    told = nofx.json("resume")
    assert told["steps"][0]["attempt"] == 2
    assert nofx.types()[4:7] == ["worker.lost", "step.interrupted build", "run.resumed"]


def test_a_shell_step_that_was_cut_off_waits_unless_all_are_answered(nofx: Runner) -> None:
    plan = "steps: [{name: a, tool: shell, inputs: {command: 'exit 0'}}]\n"
    nofx.records.add(plan, [STARTED, (ev.StepEnqueued(), "a"), (ev.StepStarted("shell"), "a", 1)])
    told = nofx.json("resume", code=8)
    assert told["waiting"][0]["question"] == "a was cut off while it ran; run it again?"
    assert told["waiting"][0]["reason"] == "interrupted"
    nofx("resume", "--rerun-interrupted")
    (granted,) = (event.payload for event in nofx.events() if isinstance(event.payload, ev.ApprovalGranted))
    assert granted.note == "--rerun-interrupted"


def test_a_run_that_waits_goes_on_waiting(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    before = nofx.types()
    result = nofx("resume", code=8)
    assert f"nofx approve release --run {run}" in result.stderr
    assert nofx.types() == before


@pytest.mark.parametrize(
    ("steps", "code", "word"), [(ECHO, 0, "rerun"), ("  - {name: a, tool: 'test:fail'}\n", 1, "retry")]
)
def test_a_run_that_has_ended_is_refused(nofx: Runner, steps: str, code: int, word: str) -> None:
    run = nofx.run(steps, code=code)
    before = nofx.types()
    error = nofx.error("resume", code=5)
    assert (error["code"], error["hint"]) == ("run-ended", f"nofx {word} {run}")
    assert nofx.types() == before


def test_a_run_that_lives_is_refused_and_its_holder_named(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    with nofx.records.liveness.hold(run):
        error = nofx.error("resume", code=5)
    assert error["code"] == "run-is-held"
    assert error["context"]["run"] == run
    assert str(error["context"]["pid"]) in error["message"]


def test_no_run(nofx: Runner) -> None:
    assert nofx.error("resume", code=4)["code"] == "run-not-found"
