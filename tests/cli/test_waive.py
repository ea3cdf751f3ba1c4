"""`nofx waive`: the step is passed over, with a reason on record."""

from nofx_cli.domain import events as ev
from tests.cli.runner import ASK, LAST, Runner


def test_what_needs_it_goes_on(nofx: Runner) -> None:
    nofx.run(ASK + LAST, code=8)
    nofx("waive", "release", "--note", "done by hand")
    assert nofx.types()[-1] == "run.succeeded"
    (skipped,) = (event.payload for event in nofx.events() if isinstance(event.payload, ev.StepSkipped))
    assert skipped.reason is ev.SkipReason.WAIVED
    assert skipped.cause.endswith(": done by hand")
    assert "step.started release" not in nofx.types()
    assert "step.finished last" in nofx.types()


def test_it_must_say_why(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    assert "--note" in nofx("waive", "release", code=2).stderr
    assert nofx.types()[-1] == "run.waiting"


def test_the_answer_as_json(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    told = nofx.json("waive", "release", "--note", "why", "--no-resume")
    assert (told["decision"], told["note"], told["new"]) == ("waived", "why", True)
    assert nofx.error("approve", "release", code=5)["code"] == "answered-already"
