"""`nofx cancel`: the run is ended on record."""

from nofx_cli.domain import events as ev
from tests.cli.runner import ASK, ECHO, Runner


def test_the_fields_are_pinned_and_nothing_follows(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    assert nofx.json("cancel", run, "--reason", "enough") == {"run": run, "status": "cancelled", "new": True}
    last = nofx.events()[-1].payload
    assert last == ev.RunCancelled("enough")


def test_a_second_time(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    assert nofx("cancel").stdout == f"run {run} is cancelled\n"
    assert nofx("cancel").stdout == f"run {run} is cancelled; it was before\n"
    assert nofx.types().count("run.cancelled") == 1


def test_who_did_it_is_the_reason_where_none_is_given(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    nofx("cancel", env={"NOFX_ACTOR": "ada"})
    assert nofx.events()[-1].payload == ev.RunCancelled("cancelled by ada")


def test_a_run_that_has_ended(nofx: Runner) -> None:
    nofx.run(ECHO)
    assert nofx.error("cancel", code=5)["code"] == "run-ended"
    assert nofx.types()[-1] == "run.succeeded"


def test_answers_are_refused_afterwards(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    nofx("cancel")
    assert nofx.error("approve", "release", "--run", "latest", code=5)["code"] == "not-waiting"
    assert nofx.types()[-1] == "run.cancelled"


def test_no_run(nofx: Runner) -> None:
    assert nofx.error("cancel", code=4)["code"] == "run-not-found"
