"""One job of a queue and where it stands."""

from typing import Final

from nofx_cli.domain.ids import RunId, StepName, WorkerId
from nofx_cli.ports.queue import Job

DUE: Final = "due"
DELAYED: Final = "delayed"
HELD: Final = "held"
DEAD: Final = "dead"
GONE: Final = "gone"


class Entry:
    """A job of the queue; a hundred thousand of them have to fit into a worker, so its key is its only name.

    Attributes:
        order_us: its place among those of its priority, on a clock that is never set back.
        seq: new whenever it begins to wait, and so the later place among equals; what a heap holds under another
            number is out of date.
        place: DUE and DELAYED depend on the time of the last look, and only `WaitingJobs` tells them apart.
        worker: who holds it, while it is HELD.
    """

    __slots__ = (
        "delay_ms",
        "enqueued_us",
        "failures",
        "key",
        "order_us",
        "place",
        "priority",
        "reason",
        "seq",
        "topic",
        "worker",
    )

    def __init__(self, key: str, *, topic: str, priority: int) -> None:
        self.key, self.topic, self.priority = key, topic, priority
        self.delay_ms = self.enqueued_us = self.order_us = self.seq = self.failures = 0
        self.reason, self.place, self.worker = "", GONE, WorkerId("")

    @property
    def due_us(self) -> int:
        return self.enqueued_us + self.delay_ms * 1000 if self.delay_ms else self.enqueued_us

    def job(self, *, failures: int | None = None, reason: str | None = None) -> Job:
        """The job as the port shows it; with other failures and another reason where they are given."""
        run, _, rest = self.key.partition("/")
        step, _, attempt = rest.rpartition("/")
        return Job(
            RunId(run),
            StepName(step),
            int(attempt),
            priority=self.priority,
            delay_ms=self.delay_ms,
            enqueued_us=self.enqueued_us,
            failures=self.failures if failures is None else failures,
            reason=self.reason if reason is None else reason,
            topic=self.topic,
        )


def is_key(text: object) -> bool:
    """Whether it names a job: `<run>/<step>/<attempt>`."""
    if not isinstance(text, str):
        return False
    run_and_step, _, attempt = text.rpartition("/")
    return attempt.isdecimal() and "/" in run_and_step
