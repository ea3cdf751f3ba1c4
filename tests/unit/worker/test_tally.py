"""What a worker counts for its record."""

from nofx_cli.clock import ManualClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.worker.tally import Tally


def event(payload: ev.Payload, attempt: int | None = None) -> ev.Event:
    step = StepName("a") if payload.type.startswith("step") else None
    at = "2026-01-01T00:00:00.000000Z"
    return ev.Event(1, at, RunId("r"), step, attempt, ev.Actor("worker", "w"), payload, prev="", line=b"")


DONE = event(ev.StepFinished("succeeded"), 1)
AGAIN = event(ev.StepRetryScheduled(StepError("x", "y"), 2_000, "2026-01-01T00:00:02.000000Z"), 1)


def test_attempts_that_ended_count_however_they_did_and_runs_when_they_end() -> None:
    tally = Tally(ManualClock())
    tally.add([event(ev.StepStarted("echo"), 1), DONE, AGAIN, event(ev.RunFailed("a", 1, StepError("x", "y")))])
    tally.add([event(ev.StepFinished("failed", error=StepError("x", "y")), 2), event(ev.RunSucceeded())])
    assert (tally.steps, tally.runs, tally.last_minute()) == (3, 2, 3)


def test_what_no_attempt_ended_does_not_count() -> None:
    tally = Tally(ManualClock())
    rejected = event(ev.StepFinished("failed", error=StepError("rejected", "no")))
    tally.add([rejected, event(ev.StepSkipped(ev.SkipReason.WAIVED, "")), event(ev.RunWaiting(("a",)))])
    assert (tally.steps, tally.runs, tally.last_minute()) == (0, 0, 0)


def test_what_is_older_than_a_minute_is_forgotten_second_by_second() -> None:
    clock = ManualClock()
    tally = Tally(clock)
    for _ in range(3):
        tally.add([DONE, DONE])
        clock.advance(20_000)
    assert tally.last_minute() == 6
    clock.advance(1_000)
    assert tally.last_minute() == 4
    clock.advance(40_000)
    assert tally.last_minute() == 0
    assert tally.steps == 6


def test_it_keeps_one_number_a_second() -> None:
    clock = ManualClock()
    tally = Tally(clock)
    for _ in range(1_000):
        tally.add([DONE])
        clock.advance(10)
    assert len(tally._seconds) == 10
    assert tally.last_minute() == 1_000
