"""Queues against a model that is too simple to be wrong: any sequence of calls, by several openers, at any time."""

import shutil
import tempfile
from itertools import cycle
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from nofx_cli.clock import ManualClock
from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.queue import FileQueue
from nofx_cli.drivers.memory.queue import MemoryQueue
from nofx_cli.ports.queue import RETRY_DELAYS_MS, Job, Queue

RUNS = [RunId(f"20260101-00000{number}-aaaaaa") for number in range(2)]
KEYS = [(run, StepName(step)) for run in RUNS for step in "abc"]
WORKERS = [WorkerId("ada"), WorkerId("bob")]
keys = st.sampled_from([f"{run}/{step}/1" for run, step in KEYS])
workers = st.sampled_from(WORKERS)


class ModelJob:
    """A job in the model; `order` is when it is due on a clock that is never set back, then its number."""

    def __init__(self, job: Job) -> None:
        self.key, self.run, self.priority = job.key, job.run, job.priority
        self.failures, self.reason, self.worker, self.place = 0, "", "", "waits"
        self.enqueued_us = self.delay_ms = self.held_since = self.dead_since = 0
        self.order = (0, 0)

    def is_due(self, now_us: int) -> bool:
        return now_us < self.enqueued_us or now_us >= self.due_us

    @property
    def due_us(self) -> int:
        return self.enqueued_us + self.delay_ms * 1000


class Model:
    """The queue as a dict of jobs that is searched from end to end."""

    def __init__(self, clock: ManualClock) -> None:
        self.jobs: dict[str, ModelJob] = {}
        self.paused = False
        self._clock, self._count = clock, 0
        self._last_us = self._behind_us = 0

    def wait(self, job: ModelJob, delay_ms: int) -> None:
        now_us = self._clock.now_us()
        self._behind_us += max(self._last_us - now_us, 0)
        self._last_us = now_us
        job.place, job.worker, job.enqueued_us, job.delay_ms = "waits", "", now_us, delay_ms
        job.order = (now_us + self._behind_us + delay_ms * 1000, self.count())

    def count(self) -> int:
        self._count += 1
        return self._count

    def due(self) -> list[ModelJob]:
        now_us = self._clock.now_us()
        found = [job for job in self.jobs.values() if job.place == "waits" and job.is_due(now_us)]
        return sorted(found, key=lambda job: (-job.priority, *job.order))

    def delayed(self) -> list[ModelJob]:
        now_us = self._clock.now_us()
        found = [job for job in self.jobs.values() if job.place == "waits" and not job.is_due(now_us)]
        return sorted(found, key=lambda job: (job.due_us, job.order[1]))

    def held(self, worker: str = "") -> list[ModelJob]:
        found = [job for job in self.jobs.values() if job.place == "held" and worker in ("", job.worker)]
        return sorted(found, key=lambda job: job.held_since)

    def dead(self) -> list[ModelJob]:
        return sorted((job for job in self.jobs.values() if job.place == "dead"), key=lambda job: job.dead_since)

    def fail(self, job: ModelJob, reason: str) -> bool:
        job.failures, job.reason = job.failures + 1, reason
        if job.failures <= len(RETRY_DELAYS_MS):
            self.wait(job, RETRY_DELAYS_MS[job.failures - 1])
            return False
        job.place, job.worker, job.dead_since = "dead", "", self.count()
        return True


class QueueMachine(RuleBasedStateMachine):
    """Three openers of one queue that take turns, and the model."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.model = Model(self.clock)
        self.queues: list[Queue] = []

    def open(self) -> Queue:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.queues = [self.open() for _ in range(3)]

    @rule(
        who=st.integers(0, 2),
        named=st.lists(st.sampled_from(KEYS), max_size=4),
        priority=st.integers(-1, 1),
        delay_ms=st.sampled_from([0, 0, 1, 3_000]),
    )
    def put(self, who: int, named: list[tuple[RunId, StepName]], priority: int, delay_ms: int) -> None:
        jobs = [Job(run, step, 1, priority=priority, delay_ms=delay_ms) for run, step in named]
        self.queues[who].put(jobs)
        for job in jobs:
            if job.key not in self.model.jobs:
                self.model.jobs[job.key] = ModelJob(job)
                self.model.wait(self.model.jobs[job.key], delay_ms)

    @rule(who=st.integers(0, 2), worker=workers, limit=st.integers(0, 3))
    def claim(self, who: int, worker: WorkerId, limit: int) -> None:
        expected = [] if self.model.paused else self.model.due()[:limit]
        assert [job.key for job in self.queues[who].claim(worker, limit=limit)] == [job.key for job in expected]
        for job in expected:
            job.place, job.worker, job.held_since = "held", worker, self.model.count()

    @rule(who=st.integers(0, 2), worker=workers, named=st.lists(keys, max_size=3))
    def ack(self, who: int, worker: WorkerId, named: list[str]) -> None:
        self.queues[who].ack(worker, named)
        for job in self.model.held(worker):
            if job.key in named:
                del self.model.jobs[job.key]

    @rule(who=st.integers(0, 2), worker=workers, key=keys)
    def nack(self, who: int, worker: WorkerId, key: str) -> None:
        expected = False
        for job in self.model.held(worker):
            if job.key == key:
                expected = self.model.fail(job, "nacked")
        assert self.queues[who].nack(worker, key, "nacked") is expected

    @rule(who=st.integers(0, 2), worker=workers, named=st.lists(keys, max_size=3))
    def give_back(self, who: int, worker: WorkerId, named: list[str]) -> None:
        self.queues[who].give_back(worker, named)
        for job in self.model.held(worker):
            if job.key in named:
                job.place, job.worker = "waits", ""

    @rule(who=st.integers(0, 2), worker=workers)
    def take_from(self, who: int, worker: WorkerId) -> None:
        expected = [job.key for job in self.model.held(worker) if self.model.fail(job, "taken")]
        assert [job.key for job in self.queues[who].take_from(worker, "taken")] == expected

    @rule(who=st.integers(0, 2), worker=workers, times=st.integers(2, 5))
    def die_with_all_of_them(self, who: int, worker: WorkerId, times: int) -> None:
        for _ in range(times):
            self.clock.advance(20_000)
            self.claim(who, worker, 9)
            self.take_from(who, worker)

    @rule(who=st.integers(0, 2), run=st.sampled_from(RUNS))
    def drop(self, who: int, run: RunId) -> None:
        expected = [job.key for job in self.model.jobs.values() if job.run == run and job.place != "held"]
        assert self.queues[who].drop(run) == len(expected)
        for key in expected:
            del self.model.jobs[key]

    @rule(who=st.integers(0, 2), named=st.lists(keys, max_size=3, unique=True))
    def requeue(self, who: int, named: list[str]) -> None:
        dead = {job.key: job for job in self.model.dead()}
        expected = [key for key in named if key in dead]
        assert [job.key for job in self.queues[who].requeue(named)] == expected
        for key in expected:
            dead[key].failures, dead[key].reason = 0, ""
            self.model.wait(dead[key], 0)

    @rule(who=st.integers(0, 2), named=st.lists(keys, max_size=3, unique=True))
    def drop_dead(self, who: int, named: list[str]) -> None:
        dead = {job.key for job in self.model.dead()}
        expected = [key for key in named if key in dead]
        assert [job.key for job in self.queues[who].drop_dead(named)] == expected
        for key in expected:
            del self.model.jobs[key]

    @rule(who=st.integers(0, 2))
    def pause_or_resume(self, who: int) -> None:
        asked, undone = ("resume", "pause") if self.model.paused else ("pause", "resume")
        assert getattr(self.queues[who], undone)() is False
        assert getattr(self.queues[who], asked)() is True
        self.model.paused = not self.model.paused

    @rule(ms=st.sampled_from([0.5, 1, 2_000, 5_000, 20_000, -1, -1_500, -3_600_000, 3_600_000]))
    def time_passes(self, ms: float) -> None:
        self.clock.advance(ms)

    @rule(who=st.integers(0, 2))
    def restart(self, who: int) -> None:
        self.queues[who] = self.open()

    @rule(who=st.integers(0, 2))
    def look(self, who: int) -> None:
        self.check(self.queues[who])

    @invariant()
    def the_first_opener_sees_what_the_model_says(self) -> None:
        if self.queues:
            self.check(self.queues[0])

    def check(self, queue: Queue) -> None:
        model, now_us = self.model, self.clock.now_us()
        due, delayed = model.due(), model.delayed()
        oldest_ms = max([0, *((now_us - job.due_us) // 1000 for job in due)])
        assert queue.oldest_age_ms() == oldest_ms
        waiting = [(job.key, job.failures, job.reason, job.enqueued_us, job.delay_ms) for job in queue.waiting()]
        assert waiting == [(j.key, j.failures, j.reason, j.enqueued_us, j.delay_ms) for j in (*due, *delayed)]
        assert [(each.job.key, each.worker) for each in queue.claimed()] == [(j.key, j.worker) for j in model.held()]
        assert set(queue.holders()) == {job.worker for job in model.held()}
        assert [(job.key, job.reason) for job in queue.dead()] == [(job.key, job.reason) for job in model.dead()]
        first = queue.first_due()
        assert (first.key if first else None) == (due[0].key if due and not model.paused else None)
        pause_ms = 0 if due else (delayed[0].due_us - now_us) / 1000 if delayed else None
        assert queue.next_due_ms() == (None if model.paused else pause_ms)
        stats = queue.stats()
        assert (stats.due, stats.delayed, stats.claimed, stats.dead) == (
            len(due), len(delayed), len(model.held()), len(model.dead()),
        )  # fmt: skip
        assert (stats.oldest_age_ms, stats.paused, stats.damaged) == (oldest_ms, model.paused, 0)


class MemoryMachine(QueueMachine):
    """The openers share one queue in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = MemoryQueue(self.clock)

    def open(self) -> Queue:
        return self.shared


class FileMachine(QueueMachine):
    """Each opener reads the files by itself; some write the log anew every few operations, some every time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.spare_lines = cycle([5, 100, -100])

    def open(self) -> Queue:
        return FileQueue(Layout(self.folder, sync=False), self.clock, spare_lines=next(self.spare_lines))

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


def test_a_queue_in_memory_does_what_the_model_does() -> None:
    run_state_machine_as_test(MemoryMachine, settings=settings(stateful_step_count=40, max_examples=60))


def test_a_queue_in_files_does_what_the_model_does() -> None:
    run_state_machine_as_test(FileMachine, settings=settings(stateful_step_count=40, max_examples=40))
