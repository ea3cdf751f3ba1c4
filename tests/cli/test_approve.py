"""`nofx approve`: what is shown, what is recorded, and that the run goes on."""

import json

import pytest

from nofx_cli.domain import events as ev
from tests.cli.runner import ASK, ECHO, LAST, Runner

TWO = ASK + "  - {name: other, tool: 'manual:x', needs: []}\n"


def _asked(nofx: Runner) -> ev.ApprovalRequested:
    return next(event.payload for event in nofx.events() if isinstance(event.payload, ev.ApprovalRequested))


def test_it_is_shown_recorded_and_the_run_goes_on(nofx: Runner) -> None:
    run = nofx.run(ASK + LAST, code=8)
    result = nofx("approve", "release", "--note", "looks good")
    digest = _asked(nofx).digest
    assert result.stderr.splitlines()[0] == "Release 1.2?"
    assert f"  bound to: sha256 {digest}" in result.stderr
    assert f"release of run {run} was granted by " in result.stderr
    assert result.stdout.startswith(f"run {run} succeeded")
    (granted,) = (event for event in nofx.events() if isinstance(event.payload, ev.ApprovalGranted))
    assert granted.payload == ev.ApprovalGranted(digest, "looks good")
    assert granted.actor.kind == "user"
    assert nofx.types()[-1] == "run.succeeded"


def test_evidence_that_nobody_writes_is_told(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    told = nofx("approve", "release", "--no-resume", "--evidence", "kept")
    assert f"kept is not written: the run is not executed here; afterwards: nofx gates report {run}" in told.stderr
    assert "is not written" not in nofx("approve", "release", "--no-resume").stderr


def test_the_fields_are_pinned(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    told = nofx.json(
        "approve",
        "release",
        "-m",
        "ok",
        "--no-resume",
    )
    (granted,) = (event for event in nofx.events() if event.type == "approval.granted")
    assert told == {
        "run": run,
        "step": "release",
        "decision": "granted",
        "new": True,
        "by": granted.actor.id,
        "at": granted.at,
        "digest": _asked(nofx).digest,
        "note": "ok",
        "result": None,
    }
    assert nofx.types()[-1] == "approval.granted release"


def test_the_answer_and_the_result_are_told_together_where_the_run_went_on_here(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    told = nofx.json("approve", "release")
    assert (told["decision"], told["result"]["status"], told["result"]["exit_code"]) == ("granted", "succeeded", 0)


def test_the_exit_code_is_that_of_the_run(nofx: Runner) -> None:
    nofx.run(ASK + "  - {name: bad, tool: 'test:fail'}\n", code=8)
    nofx("approve", "release", code=1)


def test_a_second_time_is_the_same_answer_and_no_second_event(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    first = nofx.json("approve", "release", "--no-resume")
    again = nofx.json("approve", "release", "--no-resume")
    assert (first.pop("new"), again.pop("new")) == (True, False)
    assert first == again
    nofx("resume")
    assert f"release of run {run} was granted before by " in nofx("approve", "release").stdout
    assert nofx.types().count("approval.granted release") == 1


def test_after_a_rejection_it_is_refused(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    nofx("reject", "release")
    error = nofx.error("approve", "release", code=5)
    assert error["code"] == "answered-already"
    assert error["hint"] == f"to have it asked again: nofx retry {run} --from release"


def test_the_newest_run_that_waits_so_is_meant_or_the_one_that_is_named(nofx: Runner) -> None:
    old, new = nofx.run(ASK, code=8), nofx.run(ASK, code=8)
    nofx.run(ECHO)
    assert nofx.json("approve", "release", "--no-resume")["run"] == new
    assert nofx.json("approve", "release", "--run", old[-6:], "--no-resume")["run"] == old


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["gone"], 4, "nothing-waits"),
        (["gone", "--run", "latest"], 4, "step-not-found"),
        (["release", "--run", "zzz"], 4, "run-not-found"),
        (["last", "--run", "latest"], 5, "not-waiting"),
    ],
)
def test_what_does_not_wait(nofx: Runner, words: list[str], code: int, error: str) -> None:
    nofx.run(ASK + LAST, code=8)
    before = nofx.types()
    assert nofx.error("approve", *words, code=code)["code"] == error
    assert nofx.types() == before


def test_what_does_wait_is_named(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    assert nofx.error("approve", "relase", code=4)["hint"] == f"these wait: release (run {run})"


def test_one_of_two_questions_leaves_the_other_open(nofx: Runner) -> None:
    run = nofx.run(TWO, code=8)
    result = nofx("approve", "release", code=8)
    assert f"nofx approve other --run {run}" in result.stderr
    nofx("approve", "other")
    assert nofx.types()[-1] == "run.succeeded"


def test_where_a_living_process_has_the_run_it_is_only_recorded(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    with nofx.records.liveness.hold(run):
        result = nofx("approve", "release", "--json")
    assert json.loads(result.stdout)["result"] is None
    assert f"run {run} goes on in process " in result.stderr
    assert nofx.types()[-1] == "approval.granted release"


def test_who_and_in_a_ci_job(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    nofx("approve", "release", env={"NOFX_ACTOR": "ada", "CI": "true"})
    (granted,) = (event for event in nofx.events() if event.type == "approval.granted")
    assert granted.actor == ev.Actor("ci", "ada")
