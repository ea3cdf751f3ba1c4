"""The part of the contract for queues on deliveries that fail: retries, workers that are gone, dead letters."""

from nofx_cli.clock import ManualClock
from nofx_cli.domain.ids import WorkerId
from nofx_cli.ports.queue import RETRY_DELAYS_MS, Queue
from nofx_cli.testing.queue_case import ADA, BOB, OTHER_RUN, RUN, QueueCase, drain, job, keys, steps


def fail(queue: Queue, clock: ManualClock, *, times: int, step: str = "notes", reason: str = "no") -> list[float]:
    """Claim and nack a job so many times; in how many milliseconds it was due after each, -1 when it was dead."""
    pauses = []
    for _ in range(times):
        clock.advance(queue.next_due_ms() or 0)
        [claimed] = queue.claim(ADA, limit=1)
        assert claimed.step == step
        dead = queue.nack(ADA, claimed.key, reason)
        due_ms = queue.next_due_ms()
        pauses.append(-1 if dead or due_ms is None else due_ms)
    return pauses


class QueueDelivery(QueueCase):
    """Nack, give back, take from; requeue and drop."""

    def test_the_fifth_failed_delivery_is_the_last(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job()])
        assert fail(queue, clock, times=len(RETRY_DELAYS_MS) + 1) == [0, 2_000, 5_000, 10_000, -1]
        [dead] = other.dead()
        assert (dead.key, dead.failures, dead.reason) == (job().key, 5, "no")
        assert (other.stats().dead, other.stats().depth, other.next_due_ms()) == (1, 0, None)

    def test_a_job_that_failed_tells_so(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job(priority=3)])
        clock.advance(40)
        [claimed] = queue.claim(ADA, limit=1)
        queue.nack(ADA, claimed.key, "first")
        queue.claim(ADA, limit=1)
        queue.nack(ADA, claimed.key, "second")
        [waits] = other.waiting()
        assert (waits.failures, waits.reason, waits.priority) == (2, "second", 3)
        assert (waits.enqueued_us, waits.delay_ms) == (clock.now_us(), 2_000)
        assert other.oldest_age_ms() == 0

    def test_a_failed_job_goes_behind_those_that_wait(self, queue: Queue, clock: ManualClock) -> None:
        queue.put([job("a"), job("b")])
        queue.claim(ADA, limit=1)
        clock.advance(1)
        queue.nack(ADA, job("a").key, "no")
        assert drain(queue) == ["b", "a"]

    def test_only_its_holder_can_fail_a_job(self, queue: Queue, other: Queue) -> None:
        queue.put([job()])
        assert other.nack(ADA, job().key, "it waits") is False
        queue.claim(ADA, limit=1)
        assert other.nack(BOB, job().key, "not mine") is False
        assert other.nack(ADA, job("unknown").key, "not there") is False
        queue.ack(ADA, [job().key])
        assert other.nack(ADA, job().key, "gone") is False
        assert queue.stats().depth == 0

    def test_what_is_given_back_waits_in_its_old_place_and_has_not_failed(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.put([job("a"), job("b"), job("c")])
        before = queue.waiting()
        queue.claim(ADA, limit=2)
        clock.advance(60)
        other.give_back(BOB, keys([job("a")]))
        assert queue.stats().claimed == 2
        other.give_back(ADA, keys([job("b"), job("a"), job("c"), job("unknown")]))
        assert (queue.waiting(), other.waiting()) == (before, before)
        assert queue.oldest_age_ms() == 60
        assert drain(queue) == ["a", "b", "c"]

    def test_a_job_may_be_given_back_over_and_over(self, queue: Queue, other: Queue) -> None:
        queue.put([job("a"), job("b")])
        for turn in range(100):
            one = (queue, other)[turn % 2]
            one.give_back(ADA, keys(one.claim(ADA, limit=1 + turn % 2)))
        assert (queue.stats().due, queue.stats().claimed) == (2, 0)
        assert drain(queue) == ["a", "b"]

    def test_the_jobs_of_a_worker_that_is_gone_wait_again(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job("a"), job("b"), job("c"), job("d")])
        queue.claim(ADA, limit=2)
        queue.claim(BOB, limit=1)
        clock.advance(1)
        assert list(other.take_from(ADA, "it was killed")) == []
        assert queue.holders() == [BOB]
        told = [(each.step, each.failures, each.reason) for each in queue.waiting()]
        assert told == [("d", 0, ""), ("a", 1, "it was killed"), ("b", 1, "it was killed")]
        queue.ack(ADA, keys([job("a")]))
        assert drain(other) == ["d", "a", "b"]
        assert list(queue.take_from(ADA, "again")) == []
        assert list(queue.take_from(WorkerId("nobody"), "who")) == []

    def test_a_worker_that_dies_with_a_job_for_the_fifth_time_leaves_a_dead_letter(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.put([job("bad")])
        fail(queue, clock, times=4, step="bad")
        clock.advance(10_000)
        queue.put([job("good", priority=-1)])
        queue.claim(BOB, limit=2)
        died = other.take_from(BOB, "killed")
        assert [(each.step, each.failures, each.reason) for each in died] == [("bad", 5, "killed")]
        assert list(queue.dead()) == list(died)
        assert drain(queue) == ["good"]

    def test_dead_letters_are_told_oldest_first(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        for step in ("z", "a", "m"):
            queue.put([job(step)])
            fail(queue, clock, times=5, step=step)
        assert steps(other.dead()) == ["z", "a", "m"]

    def test_a_dead_letter_is_not_put_again(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job()])
        fail(queue, clock, times=5)
        other.put([job()])
        assert (queue.stats().depth, queue.stats().dead) == (0, 1)

    def test_a_requeued_dead_letter_is_as_new(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.put([job(priority=2)])
        fail(queue, clock, times=5)
        clock.advance(90)
        assert steps(other.requeue(keys([job(), job(), job("unknown")]))) == ["notes"]
        assert (queue.stats().dead, list(queue.requeue([job().key]))) == (0, [])
        [waits] = queue.waiting()
        assert (waits.failures, waits.reason, waits.delay_ms, waits.priority) == (0, "", 0, 2)
        assert waits.enqueued_us == clock.now_us()
        assert fail(queue, clock, times=5) == [0, 2_000, 5_000, 10_000, -1]

    def test_only_dead_letters_are_requeued(self, queue: Queue) -> None:
        queue.put([job("waits", delay_ms=9), job("held")])
        queue.claim(ADA, limit=1)
        assert list(queue.requeue(keys([job("waits"), job("held")]))) == []
        assert list(queue.drop_dead(keys([job("waits"), job("held")]))) == []
        assert (queue.stats().delayed, queue.stats().claimed) == (1, 1)

    def test_dead_letters_are_dropped_one_by_one(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        for step in ("a", "b"):
            queue.put([job(step)])
            fail(queue, clock, times=5, step=step)
        assert steps(other.drop_dead(keys([job("a"), job("a"), job("unknown")]))) == ["a"]
        assert steps(queue.dead()) == ["b"]
        queue.put([job("a")])
        assert drain(other) == ["a"]

    def test_the_jobs_of_a_run_are_dropped_but_for_those_in_hand(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.put([job("dead")])
        fail(queue, clock, times=5, step="dead")
        queue.put([job("held"), job("due"), job("delayed", delay_ms=5), job("due", run=OTHER_RUN)])
        queue.claim(ADA, limit=1)
        assert other.drop(RUN) == 3
        assert queue.drop(RUN) == 0
        assert (keys(queue.waiting()), steps(queue.dead())) == ([job("due", run=OTHER_RUN).key], [])
        assert [each.job.step for each in queue.claimed()] == ["held"]
        queue.nack(ADA, job("held").key, "still mine")
        assert queue.drop(RUN) == 1
        assert drain(queue) == ["due"]
