"""`nofx dlq`: jobs that could not be delivered, why, and what becomes of them."""

import pytest

from nofx_cli.cli.commands.dlq import _complete_key
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from tests.cli.console import EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless
from tests.cli.jobs import OTHER, Jobs, job
from tests.cli.runner import ECHO, Runner

KEY = f"{RUN}/build/1"


@pytest.fixture
def jobs(records: Records) -> Jobs:
    return Jobs(records)


def test_none(cli: Console) -> None:
    result = cli("dlq", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "there are no dead letters\n")
    assert cli.json("dlq", "list") == []
    assert cli.json("dlq", "requeue", "--all") == {"requeued": []}
    assert cli.json("dlq", "drop", "--all") == {"dropped": []}
    assert cli("dlq", "drop", "--all").stderr == "there are no dead letters\n"


def test_the_fields_of_the_list_are_pinned(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job())
    (told,) = cli.json("dlq", "list")
    assert told.pop("enqueued_at").startswith("2026-01-01T12:")
    assert told == {
        "key": KEY,
        "run": RUN,
        "step": "build",
        "attempt": 1,
        "priority": 0,
        "failures": 5,
        "reason": "the plan is gone",
    }


def test_the_table_and_what_to_type(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job())
    result = cli("dlq", "list")
    head, letter = result.stdout.splitlines()
    assert head.split() == ["DEAD", "LETTER", "FAILED", "WHY"]
    assert letter == f"{KEY}  5       the plan is gone"
    assert result.stderr == f"try one again: nofx dlq requeue {KEY}\n"


def test_one_is_shown_with_its_run_and_what_to_type(cli: Console, jobs: Jobs, records: Records) -> None:
    records.add(TWO_STEPS)
    jobs.dead_letter(job())
    shown = cli.ok("dlq", "show", KEY)
    assert f"  run     {RUN}, queued\n" in shown
    assert "  step    build, attempt 1\n" in shown
    assert "  failed  5 times\n" in shown
    assert "  why     the plan is gone\n" in shown
    told = cli.json("dlq", "show", KEY)
    assert told["run_status"] == "queued"
    assert told["next"] == [
        f"nofx dlq requeue {KEY}", f"nofx dlq drop {KEY}", f"nofx resume {RUN}", f"nofx cancel {RUN}"
    ]  # fmt: skip
    assert all(command in shown for command in told["next"])
    assert set(told) == {*cli.json("dlq", "list")[0], "run_status", "next"}


def test_of_a_run_that_has_ended_or_is_gone_it_can_only_be_dropped(cli: Console, jobs: Jobs, records: Records) -> None:
    jobs.dead_letter(job())
    told = cli.json("dlq", "show", KEY)
    assert (told["run_status"], told["next"]) == ("gone", [f"nofx dlq drop {KEY}"])
    records.add(TWO_STEPS, [STARTED], [ev.RunCancelled("enough")])
    told = cli.json("dlq", "show", KEY)
    assert (told["run_status"], told["next"]) == ("cancelled", [f"nofx dlq drop {KEY}"])


@pytest.mark.parametrize("text", [KEY, f"{RUN}/build", f"{RUN}/bu", RUN, RUN[:8], "aaaaaa", "aaaaaa/build/1", "aaa"])
def test_as_much_of_the_key_as_names_one(cli: Console, jobs: Jobs, text: str) -> None:
    jobs.dead_letter(job())
    jobs.dead_letter(job(run=OTHER))
    assert cli.json("dlq", "show", text)["key"] == KEY


def test_latest_is_the_newest_run(cli: Console, jobs: Jobs, records: Records) -> None:
    records.add(TWO_STEPS)
    jobs.dead_letter(job())
    assert cli.json("dlq", "show", "latest")["key"] == KEY
    assert cli.json("dlq", "show", "latest/build")["key"] == KEY
    records.add(TWO_STEPS, run=OTHER)
    assert cli("dlq", "show", "latest").exit_code == 4


def test_a_whole_name_comes_before_the_beginning_of_another(cli: Console, jobs: Jobs) -> None:
    for step, attempt in (("build", 1), ("build", 12), ("build-docs", 1)):
        jobs.dead_letter(job(step, attempt=attempt))
    assert cli.json("dlq", "show", KEY)["key"] == KEY
    assert cli.json("dlq", "show", f"{RUN}/build-")["key"] == f"{RUN}/build-docs/1"
    result = cli("dlq", "show", f"{RUN}/build")
    assert result.exit_code == 2
    assert f"one of {KEY}, {RUN}/build/12" in result.stderr
    assert "build-docs" not in result.stderr


def test_one_that_is_not_there(cli: Console, jobs: Jobs) -> None:
    result = cli("dlq", "show", KEY)
    assert result.exit_code == 4
    assert "there are no dead letters at all" in result.stderr
    jobs.dead_letter(job())
    for words in (("show", "x"), ("requeue", f"{RUN}/check"), ("drop", KEY, "x"), ("show", ""), ("show", "/")):
        result = cli("dlq", *words)
        assert result.exit_code == 4, words
        assert f"hint: there is {KEY}" in result.stderr
    assert len(cli.json("dlq", "list")) == 1


@pytest.mark.parametrize("command", ["requeue", "drop"])
def test_either_keys_or_all(cli: Console, jobs: Jobs, command: str) -> None:
    jobs.dead_letter(job())
    assert cli("dlq", command).exit_code == 2
    assert cli("dlq", command, KEY, "--all").exit_code == 2
    assert len(cli.json("dlq", "list")) == 1


def test_requeued_it_waits_as_if_it_were_new(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job())
    jobs.dead_letter(job("check"))
    result = cli("dlq", "requeue", KEY, RUN + "/build")
    assert result.stdout == f"requeued {KEY}\n"
    assert result.stderr == "no worker lives: nofx worker start\n"
    (waiting,) = jobs.queue.waiting()
    assert (waiting.key, waiting.failures, waiting.reason) == (KEY, 0, "")
    assert cli.json("dlq", "requeue", "--all") == {"requeued": [f"{RUN}/check/1"]}
    assert cli.json("dlq", "list") == []


def test_to_requeue_wakes_the_workers(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job())
    with jobs.workers.register(concurrency=1) as registration:
        assert cli("dlq", "requeue", "--all").stderr == ""
        assert registration.wait_for_ring(timeout_ms=30_000)


def _with_dead_letter(nofx: Runner, jobs: Jobs) -> RunId:
    """A run whose only job could not be delivered, which is on record."""
    nofx("run", nofx.plan(ECHO), "--detach", "--no-start-worker")
    (run,) = nofx.runs()
    jobs.queue.drop(run)
    jobs.dead_letter(job(run=run))
    nofx.records.append(run, (ev.StepDeadLettered("the plan is gone"), "build"))
    return run


def test_requeued_the_step_is_enqueued_on_record(nofx: Runner, jobs: Jobs) -> None:
    run = _with_dead_letter(nofx, jobs)
    nofx("dlq", "requeue", run)
    assert nofx.types() == ["run.created", "step.dead_lettered build", "step.enqueued build"]


def test_dropped_the_run_stays_as_it_is_and_can_be_gone_on_with(nofx: Runner, jobs: Jobs) -> None:
    run = _with_dead_letter(nofx, jobs)
    result = nofx("dlq", "drop", "latest")
    assert result.stdout == f"dropped {run}/build/1\n"
    assert result.stderr == (
        f"run {run} stays as it is, and a worker that starts tries it again; end it with: nofx cancel {run}\n"
    )
    assert nofx.types() == ["run.created", "step.dead_lettered build"]
    assert nofx.json("dlq", "list") == []
    nofx("resume", run)
    assert nofx.types()[-1] == "run.succeeded"


def test_dropped_of_a_run_that_has_ended_nothing_more_is_said(cli: Console, jobs: Jobs, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED], [ev.RunCancelled("enough")])
    jobs.dead_letter(job())
    assert cli("dlq", "drop", KEY).stderr == ""
    assert cli.json("dlq", "list") == []


def test_keys_are_offered_at_tab(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job())
    assert _complete_key("") == [KEY]
    assert _complete_key(RUN) == [KEY]
    assert _complete_key("x") == []
    (cli.folder / "nofx.yaml").write_text("grace: soon\n")
    assert _complete_key("") == []


def test_foreign_text_is_harmless(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job(), why=EVIL)
    for words in (("list",), ("show", KEY)):
        shown = cli.ok("dlq", *words)
        assert harmless(shown)
        assert "gpj.exe" in shown
