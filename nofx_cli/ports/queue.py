"""The queue of steps that are ready: how a worker learns at once that there is work. It holds no truth of its own.

A job says that a step of a run is ready. Delivery is at-least-once: what a job leads to is decided by the append of
`step.started` to the run's journal, which a duplicate loses. Every job follows from a journal, so the whole queue may
be deleted at any time and is rebuilt (see `engine.rebuild_queue`); nothing in it has to survive a power cut.

States of a job, and who moves it:

    put ──▶ waiting ──claim──▶ claimed ──ack──▶ gone
               ▲  ▲                │ ├─give_back──▶ waiting (not counted: the worker stops, or the store is full)
               │  └──────nack──────┘ ├─nack, take_from──▶ waiting, later each time
               └──requeue── dead ◀───┘   after the last retry

Crash points: before the put, the job is missing until somebody rebuilds; between claim and ack it is held by a worker
that is gone, and `take_from` sets it free; between the append and the ack it is delivered twice, and the second
delivery finds nothing to do.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.domain.record import record

STEP_READY = "step.ready"
RETRY_DELAYS_MS = (0, 2_000, 5_000, 10_000)
"""The pause after the first, second, … failed delivery; after one more the job is a dead letter."""


@record
class Job:
    """A step that is ready. `attempt` is the one it would start; run, step and attempt name the job.

    Attributes:
        priority: higher goes first.
        delay_ms: it is due that long after `enqueued_us`, or when the clock shows a time before `enqueued_us`: then
            the clock was set back, and too early is better than hours too late.
        enqueued_us: when it was put, or put back to wait; microseconds since the epoch.
        failures: deliveries that have failed; `reason` says why the last one did.
    """

    run: RunId
    step: StepName
    attempt: int
    priority: int = 0
    delay_ms: int = 0
    enqueued_us: int = 0
    failures: int = 0
    reason: str = ""
    topic: str = STEP_READY

    @property
    def key(self) -> str:
        """What names the job: `<run>/<step>/<attempt>`."""
        return f"{self.run}/{self.step}/{self.attempt}"


@record
class ClaimedJob:
    """A job in the hands of a worker."""

    job: Job
    worker: WorkerId


@record
class QueueStats:
    """The queue at a glance.

    Attributes:
        due, delayed, claimed, dead: how many jobs there are of each kind.
        oldest_age_ms: how long the oldest due job has been due; 0 where none is. Never negative.
        paused: whether claims are answered with nothing.
        damaged: records that could not be read since the queue was last rebuilt; then it may lack jobs.
    """

    due: int = 0
    delayed: int = 0
    claimed: int = 0
    dead: int = 0
    oldest_age_ms: int = 0
    paused: bool = False
    damaged: int = 0

    @property
    def depth(self) -> int:
        """Jobs that wait, due or not."""
        return self.due + self.delayed


class Queue(Protocol):
    """Jobs of one store, shared by all its processes. Every method may be called from any thread.

    Methods raise `errors.StoreFailure` where the queue cannot be read or written, or where its lock was not free for a
    long time (code `queue-locked`); then nothing was changed.
    """

    def put(self, jobs: Iterable[Job]) -> None:
        """Add jobs, in this order. `enqueued_us`, `failures` and `reason` are set here, whatever they say.

        A job whose key waits, is claimed or is dead already changes nothing, so that a rebuild is harmless.
        Costs the same however many jobs wait, also in a process that has just begun.
        """
        ...

    def claim(self, worker: WorkerId, *, limit: int) -> list[Job]:
        """Hand up to `limit` due jobs to `worker`: highest priority first, then the one that is due longest.

        A job is handed to one worker at a time. Nothing is handed out while the queue is paused.
        """
        ...

    def ack(self, worker: WorkerId, keys: Iterable[str]) -> None:
        """Take jobs that `worker` holds out of the queue; those that it does not hold (any more) stay as they are."""
        ...

    def nack(self, worker: WorkerId, key: str, reason: str) -> bool:
        """Say that a delivery failed: the job waits for its next retry, or becomes a dead letter; True for the latter.

        False, too, when `worker` does not hold it.
        """
        ...

    def give_back(self, worker: WorkerId, keys: Iterable[str]) -> None:
        """Let jobs that `worker` holds wait again, in their old places, without counting a failure."""
        ...

    def take_from(self, worker: WorkerId, reason: str) -> list[Job]:
        """Let all jobs of a worker that is gone wait again; each counts as a failed delivery.

        Returns those that became dead letters by it.
        """
        ...

    def holders(self) -> list[WorkerId]:
        """The workers that hold jobs."""
        ...

    def drop(self, run: RunId) -> int:
        """Take every job of a run out that waits or is dead; returns how many there were."""
        ...

    def next_due_ms(self) -> float | None:
        """In how many milliseconds the next job is due: 0 when one is, None when none waits or the queue is paused."""
        ...

    def first_due(self) -> Job | None:
        """The job that a claim would hand out now; nothing is changed."""
        ...

    def present(self, keys: Iterable[str]) -> set[str]:
        """Those of the jobs that wait or are claimed."""
        ...

    def oldest_age_ms(self) -> int:
        """As `QueueStats.oldest_age_ms`; costs the same however many jobs wait, also in a new process."""
        ...

    def stats(self) -> QueueStats:
        """The queue at a glance."""
        ...

    def waiting(self) -> Sequence[Job]:
        """The jobs that wait: due ones in the order of their claims, then delayed ones by the time they are due."""
        ...

    def claimed(self) -> Sequence[ClaimedJob]:
        """The jobs in the hands of workers, longest held first."""
        ...

    def dead(self) -> Sequence[Job]:
        """The dead letters, oldest first."""
        ...

    def requeue(self, keys: Iterable[str]) -> list[Job]:
        """Let dead letters wait again as if they were new, due at once; returns them."""
        ...

    def drop_dead(self, keys: Iterable[str]) -> list[Job]:
        """Take dead letters out; returns them."""
        ...

    def pause(self) -> bool:
        """Hand out nothing until `resume`; False when it was so before."""
        ...

    def resume(self) -> bool:
        """Hand out jobs again; False when it was so before."""
        ...

    def mended(self) -> None:
        """Say that the queue was rebuilt: `damaged` counts from 0 again."""
        ...
