"""`nofx reject`: the step fails, what needs it is skipped, and the run ends as denied."""

from nofx_cli.domain import events as ev
from tests.cli.runner import ASK, LAST, Runner


def test_the_run_ends_as_denied_and_the_command_did_what_it_was_asked(nofx: Runner) -> None:
    run = nofx.run(ASK + LAST, code=8)
    nofx("reject", "release", "--note", "not on a Friday")
    assert nofx.types()[-5:] == [
        "approval.rejected release", "run.resumed", "step.finished release", "step.skipped last", "run.failed",
    ]  # fmt: skip
    failed = nofx.events()[-1].payload
    assert isinstance(failed, ev.RunFailed)
    assert failed.error.code == "rejected"
    assert failed.error.message.endswith(": not on a Friday")
    assert failed.next == f"nofx retry {run} --from release"
    nofx("timeline", "--exit-status", code=6)


def test_only_recorded_the_run_ends_when_it_is_resumed(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    told = nofx.json("reject", "release", "--no-resume")
    assert (told["decision"], told["new"], told["result"]) == ("rejected", True, None)
    assert nofx.types()[-1] == "approval.rejected release"
    nofx("resume", code=6)


def test_a_second_time_and_after_an_approval(nofx: Runner) -> None:
    nofx.run(ASK, code=8)
    nofx("reject", "release", "--no-resume")
    assert not nofx.json("reject", "release", "--no-resume")["new"]
    nofx.run(ASK, code=8)
    nofx("approve", "release", "--no-resume")
    assert nofx.error("reject", "release", "--run", "latest", code=5)["code"] == "answered-already"


def test_another_chance_by_retry(nofx: Runner) -> None:
    run = nofx.run(ASK, code=8)
    nofx("reject", "release")
    nofx("retry", run, "--from", "release", code=8)
    nofx("approve", "release")
    assert nofx.types()[-1] == "run.succeeded"
