"""`nofx queue`: what waits, in which order, who has what; and to hold it back."""

import pytest

from nofx_cli.domain.ids import WorkerId
from tests.cli.console import EVIL, RUN, Console, Records, harmless
from tests.cli.jobs import OTHER, Jobs, job

HOUR_MS = 3_600_000


@pytest.fixture
def jobs(records: Records) -> Jobs:
    return Jobs(records)


def test_an_empty_queue_says_so_beside_the_result_and_makes_nothing(cli: Console, records: Records) -> None:
    result = cli("queue", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "the queue is empty\n")
    assert cli.json("queue", "list") == []
    assert cli.json("queue", "stats")["depth"] == 0
    assert not records.layout.root.exists()


def test_the_fields_of_the_list_are_pinned(cli: Console, jobs: Jobs) -> None:
    jobs.put(job(priority=3))
    assert cli.json("queue", "list") == [
        {
            "key": f"{RUN}/build/1",
            "run": RUN,
            "step": "build",
            "attempt": 1,
            "priority": 3,
            "failures": 0,
            "reason": None,
            "enqueued_at": "2026-01-01T12:00:00.000000Z",
            "state": "due",
            "due_in_ms": 0,
            "worker": None,
        }
    ]


def test_jobs_stand_in_the_order_of_their_claims_and_then_those_that_are_claimed(cli: Console, jobs: Jobs) -> None:
    jobs.put(job("held"))
    jobs.claim("w-1")
    jobs.put(job("first"), job("second"), job("urgent", run=OTHER, priority=9))
    jobs.put_now(job("last", delay_ms=2 * HOUR_MS), job("later", delay_ms=HOUR_MS))
    listed = cli.json("queue", "list")
    assert [(one["step"], one["state"], one["worker"]) for one in listed] == [
        ("urgent", "due", None),
        ("first", "due", None),
        ("second", "due", None),
        ("later", "delayed", None),
        ("last", "delayed", None),
        ("held", "claimed", "w-1"),
    ]
    assert HOUR_MS - 60_000 < listed[3]["due_in_ms"] <= HOUR_MS
    assert listed[5]["due_in_ms"] is None


def test_the_tables(cli: Console, jobs: Jobs) -> None:
    jobs.put(job("held"), job("failed"))
    jobs.claim("w-1", limit=2)
    jobs.queue.nack(WorkerId("w-1"), f"{RUN}/failed/1", "the plan is gone")
    jobs.put_now(job("later", delay_ms=HOUR_MS))
    head, failed, later, blank, claimed_head, held = cli.ok("queue", "list").splitlines()
    assert head.split() == ["RUN", "STEP", "TRY", "PRIORITY", "DUE", "FAILED", "WHY"]
    assert failed.split(maxsplit=6) == [RUN, "failed", "1", "0", "now", "1", "the plan is gone"]
    assert later.split()[:5] == [RUN, "later", "1", "0", "in"]
    assert blank == ""
    assert claimed_head.split() == ["RUN", "STEP", "TRY", "PRIORITY", "WORKER"]
    assert held.split() == [RUN, "held", "1", "0", "w-1"]


def test_as_many_as_asked_for_and_how_many_there_are_more(cli: Console, jobs: Jobs) -> None:
    jobs.put(*(job(attempt=number) for number in range(1, 31)))
    assert len(cli.json("queue", "list")) == 20
    result = cli("queue", "list", "-n", "3")
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr == "27 jobs more; see them with: nofx queue list -n 30\n"
    assert cli("queue", "list", "-n", "0").exit_code == 2


def test_foreign_text_is_harmless(cli: Console, jobs: Jobs) -> None:
    jobs.put(job())
    jobs.claim("w")
    jobs.queue.nack(WorkerId("w"), job().key, EVIL)
    shown = cli.ok("queue", "list")
    assert harmless(shown)
    assert "gpj.exe" in shown


def test_the_fields_of_the_stats_are_pinned(cli: Console, jobs: Jobs) -> None:
    jobs.dead_letter(job("dead"))
    jobs.put(job("held"))
    jobs.claim("w-1")
    jobs.put(job("one"), job("two"))
    jobs.put_now(job("later", delay_ms=HOUR_MS))
    with jobs.workers.register(concurrency=1):
        told = cli.json("queue", "stats")
    assert told.pop("oldest_age_ms") >= 0
    assert told == {
        "depth": 3,
        "due": 2,
        "delayed": 1,
        "claimed": 1,
        "dead": 1,
        "paused": False,
        "damaged": 0,
        "workers_alive": 1,
        "needed": ["some jobs could not be delivered: nofx dlq list"],
    }


def test_the_stats_tell_what_a_person_has_to_do(cli: Console, jobs: Jobs) -> None:
    jobs.put(job())
    assert cli("queue", "stats").stderr == "jobs wait and no worker lives: nofx worker start\n"
    with jobs.workers.register(concurrency=1):
        result = cli("queue", "stats")
        assert result.stderr == ""
        assert result.stdout.startswith("queue: 1 due, 0 delayed, 0 claimed; the oldest is due for ")
        assert result.stdout.endswith("\nworkers: 1 alive\n")
    jobs.queue.pause()
    jobs.damage()
    assert cli("queue", "stats").stderr.splitlines() == [
        "the queue is paused; go on with: nofx queue resume",
        "records of the queue cannot be read, so it may lack jobs: nofx doctor --repair",
    ]


def test_a_paused_queue_hands_out_nothing_until_it_is_resumed(cli: Console, jobs: Jobs) -> None:
    jobs.put(job())
    assert cli.ok("queue", "pause") == "the queue is paused; go on with: nofx queue resume\n"
    assert jobs.claim("w") == []
    assert cli.ok("queue", "resume") == "the queue is not paused any more\n"
    assert len(jobs.claim("w")) == 1


def test_to_pause_or_resume_twice_says_that_it_was_so_before(cli: Console) -> None:
    assert cli.json("queue", "resume") == {"paused": False, "new": False}
    assert cli.ok("queue", "resume") == "the queue is not paused; it was not before\n"
    assert cli.json("queue", "pause") == {"paused": True, "new": True}
    assert cli.json("queue", "pause") == {"paused": True, "new": False}
    assert cli.ok("queue", "pause") == "the queue is paused; it was before\n"


def test_to_resume_wakes_the_workers(cli: Console, jobs: Jobs) -> None:
    with jobs.workers.register(concurrency=1) as registration:
        cli.ok("queue", "pause")
        cli.ok("queue", "resume")
        assert registration.wait_for_ring(timeout_ms=30_000)
