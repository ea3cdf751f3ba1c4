"""The part of the contract for queues on what is put, in which order it goes, and what is seen of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nofx_cli.clock import ManualClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.ports.queue import ClaimedJob, Queue, QueueStats
from nofx_cli.testing.queue_case import ADA, BOB, HOUR_MS, OTHER_RUN, RUN, QueueCase, drain, job, keys, steps


class QueueRules(QueueCase):
    """Put, claim, ack, look."""

    def test_an_empty_queue_has_nothing_of_anything(self, queue: Queue) -> None:
        assert queue.claim(ADA, limit=5) == []
        assert (queue.waiting(), queue.claimed(), queue.dead(), queue.holders()) == ([], [], [], [])
        assert (queue.first_due(), queue.next_due_ms(), queue.oldest_age_ms()) == (None, None, 0)
        assert queue.stats() == QueueStats()

    def test_a_job_is_claimed_as_it_was_put_and_acked(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        mine = replace(job("Grüße", attempt=3, priority=2), topic="step.other", failures=4, reason="?", enqueued_us=9)
        queue.put([mine])
        seen = replace(mine, failures=0, reason="", enqueued_us=clock.now_us())
        assert list(other.waiting()) == [seen]
        assert other.first_due() == seen
        assert other.claim(ADA, limit=1) == [seen]
        assert list(queue.claimed()) == [ClaimedJob(seen, ADA)]
        assert queue.holders() == [ADA]
        other.ack(ADA, [mine.key])
        assert (queue.stats(), queue.holders()) == (QueueStats(), [])

    def test_a_job_is_handed_to_one_worker(self, queue: Queue, other: Queue) -> None:
        queue.put([job()])
        assert queue.claim(ADA, limit=1)
        assert other.claim(BOB, limit=1) == []
        assert other.first_due() is None
        assert queue.claim(ADA, limit=1) == []

    def test_a_claim_takes_as_many_as_it_may(self, queue: Queue, other: Queue) -> None:
        queue.put(job(str(number)) for number in range(5))
        assert queue.claim(ADA, limit=0) == []
        assert steps(queue.claim(ADA, limit=2)) == ["0", "1"]
        assert steps(other.claim(BOB, limit=9)) == ["2", "3", "4"]
        assert other.holders() == [ADA, BOB]

    def test_jobs_go_in_the_order_they_were_put(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        for number in range(20):
            (queue, other)[number % 2].put([job(f"{number}a"), job(f"{number}b")])
            clock.advance(number % 3)
        assert drain(queue) == [f"{number}{half}" for number in range(20) for half in "ab"]

    def test_a_higher_priority_goes_first(self, queue: Queue, other: Queue) -> None:
        queue.put(job(f"{priority}.{turn}", priority=priority) for turn in range(3) for priority in (0, -1, 7))
        due = [f"{priority}.{turn}" for priority in (7, 0, -1) for turn in range(3)]
        assert steps(other.waiting()) == due
        assert drain(other) == due

    def test_the_one_that_is_due_longest_goes_first(self, queue: Queue, clock: ManualClock) -> None:
        queue.put([job("in two seconds", delay_ms=2_000), job("in one", delay_ms=1_000)])
        clock.advance(1_500)
        queue.put([job("then")])
        clock.advance(1_000)
        assert steps(queue.waiting()) == ["in one", "then", "in two seconds"]
        assert drain(queue) == ["in one", "then", "in two seconds"]

    def test_a_job_that_is_there_is_not_put_twice(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job("waits"), job("is claimed", priority=1), job("waits")])
        claimed = queue.claim(ADA, limit=1)
        before = (queue.waiting(), queue.claimed())
        clock.advance(5)
        for one in (queue, other):
            one.put([job("waits", priority=9), job("is claimed"), job("waits", delay_ms=7)])
            assert (one.waiting(), one.claimed()) == before
        queue.ack(ADA, keys(claimed))
        assert drain(other) == ["waits"]

    def test_run_step_and_attempt_tell_jobs_apart(self, queue: Queue) -> None:
        jobs = [job(), job(attempt=2), job("b"), job(run=OTHER_RUN)]
        queue.put(jobs)
        assert keys(queue.waiting()) == keys(jobs)

    def test_a_job_that_was_acked_may_come_again(self, queue: Queue, other: Queue) -> None:
        for _ in range(2):
            queue.put([job()])
            assert drain(other) == ["notes"]

    def test_nothing_is_put(self, queue: Queue) -> None:
        queue.put([])
        assert queue.stats() == QueueStats()

    def test_an_ack_is_of_its_holder_alone_and_may_come_twice(self, queue: Queue, other: Queue) -> None:
        queue.put([job("a"), job("b")])
        queue.claim(ADA, limit=1)
        other.ack(BOB, keys([job("a"), job("b"), job("unknown")]))
        assert (queue.stats().claimed, queue.stats().due) == (1, 1)
        for _ in range(2):
            other.ack(ADA, keys([job("a"), job("a"), job("b")]))
            assert (queue.stats().claimed, queue.stats().due) == (0, 1)

    def test_a_delayed_job_is_due_in_its_time_and_not_before(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.put([job(delay_ms=2_000)])
        for pause_ms, left_ms in ((0, 2_000), (1, 1_999), (1_998, 1)):
            clock.advance(pause_ms)
            assert queue.next_due_ms() == other.next_due_ms() == left_ms
            assert other.claim(ADA, limit=1) == []
            assert other.first_due() is None
            assert (other.stats().due, other.stats().delayed, other.stats().depth) == (0, 1, 1)
        clock.advance(1)
        assert (queue.next_due_ms(), other.next_due_ms()) == (0, 0)
        assert (other.stats().due, other.stats().delayed, other.stats().depth) == (1, 0, 1)
        assert steps(other.claim(ADA, limit=1)) == ["notes"]
        assert queue.next_due_ms() is None

    def test_delayed_jobs_stand_behind_the_due_ones_by_their_time(self, queue: Queue) -> None:
        queue.put([job("late", delay_ms=9), job("soon", delay_ms=3), job("low", priority=-1), job("high", priority=1)])
        assert steps(queue.waiting()) == ["high", "low", "soon", "late"]

    def test_the_age_is_that_of_the_job_due_longest(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job("old", priority=-1)])
        clock.advance(700)
        other.put([job("new"), job("delayed", delay_ms=200)])
        clock.advance(300)
        ages = []
        for worker in (ADA, ADA, ADA):
            assert queue.oldest_age_ms() == other.oldest_age_ms() == queue.stats().oldest_age_ms
            ages.append(queue.oldest_age_ms())
            other.claim(worker, limit=1)
        assert ages == [1_000, 1_000, 1_000]
        assert (queue.oldest_age_ms(), other.oldest_age_ms()) == (0, 0)

    def test_a_delayed_job_has_no_age(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job(delay_ms=50)])
        clock.advance(49)
        assert (queue.oldest_age_ms(), other.oldest_age_ms()) == (0, 0)
        clock.advance(8)
        assert (queue.oldest_age_ms(), other.oldest_age_ms()) == (7, 7)

    def test_a_clock_set_back_keeps_no_job_waiting(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job("first"), job("second", delay_ms=2)])
        clock.advance(-HOUR_MS)
        for one in (queue, other):
            assert (one.stats().due, one.oldest_age_ms(), one.next_due_ms()) == (2, 0, 0)
        queue.put([job("third"), job("delayed", delay_ms=10)])
        assert drain(other) == ["first", "third", "second"]
        clock.advance(10)
        assert drain(queue) == ["delayed"]

    def test_what_is_due_too_early_waits_when_the_clock_is_right_again(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.put([job(delay_ms=2_000)])
        clock.advance(-HOUR_MS)
        assert queue.first_due() is not None
        clock.advance(HOUR_MS + 500)
        for one in (queue, other):
            assert (one.first_due(), one.next_due_ms(), one.stats().delayed) == (None, 1_500, 1)

    def test_a_clock_set_back_a_little_makes_a_job_wait_as_long_as_it_says(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.put([job(delay_ms=2_000)])
        clock.advance(2_500)
        assert queue.next_due_ms() == 0
        clock.advance(-1_000)
        for one in (queue, other):
            assert (one.first_due(), one.next_due_ms(), one.stats().delayed) == (None, 500, 1)

    def test_a_paused_queue_hands_out_nothing(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job(), job("later", delay_ms=10)])
        assert other.pause() is True
        assert queue.pause() is False
        assert queue.stats().paused
        assert (queue.claim(ADA, limit=5), queue.first_due(), queue.next_due_ms()) == ([], None, None)
        clock.advance(10)
        assert (queue.stats().due, queue.oldest_age_ms()) == (2, 10)
        queue.put([job("more")])
        assert queue.resume() is True
        assert other.resume() is False
        assert not other.stats().paused
        assert drain(other) == ["notes", "later", "more"]

    def test_a_paused_queue_lets_go_what_was_claimed(self, queue: Queue) -> None:
        queue.put([job("a"), job("b"), job("c")])
        queue.claim(ADA, limit=3)
        queue.pause()
        queue.ack(ADA, keys([job("a")]))
        queue.nack(ADA, job("b").key, "no")
        queue.give_back(ADA, keys([job("c")]))
        assert (queue.stats().claimed, steps(queue.waiting())) == (0, ["c", "b"])

    def test_claimed_jobs_are_told_longest_held_first(self, queue: Queue, other: Queue) -> None:
        queue.put([job("a"), job("b"), job("c")])
        queue.claim(BOB, limit=1)
        other.claim(ADA, limit=1)
        queue.claim(BOB, limit=1)
        told = [(each.worker, each.job.step) for each in other.claimed()]
        assert told == [(BOB, "a"), (ADA, "b"), (BOB, "c")]
        queue.give_back(BOB, keys([job("a")]))
        other.claim(ADA, limit=1)
        assert [each.job.step for each in queue.claimed()] == ["b", "c", "a"]

    @pytest.mark.parametrize(
        "look",
        [
            lambda queue: queue.first_due(),
            lambda queue: queue.next_due_ms(),
            lambda queue: queue.oldest_age_ms(),
            lambda queue: queue.stats(),
            lambda queue: queue.waiting(),
        ],
        ids=["first_due", "next_due_ms", "oldest_age_ms", "stats", "waiting"],
    )
    def test_a_look_changes_nothing(self, queue: Queue, clock: ManualClock, look: Callable[[Queue], object]) -> None:
        queue.put([job("a"), job("b", priority=1), job("c", delay_ms=5)])
        before = look(queue)
        for _ in range(3):
            assert look(queue) == before
        clock.advance(5)
        look(queue)
        assert drain(queue) == ["b", "a", "c"]

    def test_a_healthy_queue_has_no_damage(self, queue: Queue, other: Queue) -> None:
        queue.put([job()])
        queue.mended()
        assert (queue.stats().damaged, other.stats().damaged) == (0, 0)
        assert drain(other) == ["notes"]

    @pytest.mark.parametrize("text", ["", "a/b", "Grüße 🙂", "\udc80", 'x"\n\x00', "x" * 10_000])
    def test_any_name_and_reason_comes_back_as_it_was(self, queue: Queue, other: Queue, text: str) -> None:
        queue.put([job(text)])
        worker = WorkerId(f"{text}@here")
        [claimed] = other.claim(worker, limit=1)
        assert (claimed.run, claimed.step, claimed.attempt) == (RUN, text, 1)
        assert queue.holders() == [worker]
        assert other.nack(worker, claimed.key, text) is False
        assert [(each.step, each.reason) for each in queue.waiting()] == [(text, text)]
