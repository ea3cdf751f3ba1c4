"""`nofx retry`: the failed part of an ended run again, in the same run."""

from tests.cli.runner import ECHO, LAST, Runner

FLAKY = "  - {name: flaky, tool: 'test:fail', inputs: {fail_times: 1, retryable: false}}\n"


def test_what_failed_and_what_needs_it_is_done_again(nofx: Runner) -> None:
    run = nofx.run(ECHO + FLAKY + LAST, code=1)
    result = nofx("retry")
    assert result.stderr.splitlines()[0] == "again: flaky, last"
    assert result.stdout.startswith(f"run {run} succeeded")
    assert nofx.types().count("step.started build") == 1
    assert nofx.types().count("step.started flaky") == 2
    ends = [kind for kind in nofx.types() if kind in ("run.failed", "run.succeeded")]
    assert ends == ["run.failed", "run.succeeded"]


def test_from_a_step(nofx: Runner) -> None:
    nofx.run(ECHO + LAST)
    told = nofx.json("retry", "latest", "--from", "build")
    assert [step["attempt"] for step in told["steps"]] == [2, 2]


def test_quietly(nofx: Runner) -> None:
    nofx.run(FLAKY, code=1)
    assert nofx("retry", "-q").stderr == ""


def test_the_exit_code_is_that_of_the_run(nofx: Runner) -> None:
    nofx.run("  - {name: bad, tool: 'test:fail'}\n", code=1)
    nofx("retry", code=1)
    assert nofx.types().count("run.failed") == 2


def test_what_cannot_be_retried(nofx: Runner) -> None:
    nofx.run(ECHO)
    before = nofx.types()
    assert nofx.error("retry", code=5)["code"] == "nothing-to-retry"
    assert nofx.error("retry", "latest", "--from", "gone", code=4)["code"] == "step-not-found"
    assert nofx.types() == before


def test_a_run_that_lives_is_refused_and_its_holder_named(nofx: Runner) -> None:
    run = nofx.run(FLAKY, code=1)
    before = nofx.types()
    with nofx.records.liveness.hold(run):
        error = nofx.error("retry", code=5)
    assert (error["code"], str(error["context"]["pid"]) in error["message"]) == ("run-is-held", True)
    assert nofx.types() == before


def test_a_cancelled_run_is_taken_up_again(nofx: Runner) -> None:
    nofx.run("  - {name: ask, tool: 'manual:x'}\n", code=8)
    nofx("cancel")
    nofx("retry", code=8)
    nofx("approve", "ask")
    assert nofx.types()[-1] == "run.succeeded"
