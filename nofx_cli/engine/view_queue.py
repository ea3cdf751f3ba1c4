"""The queue as a person looks at it: what waits, in the order in which it goes, and what is in whose hands."""

from collections.abc import Sequence

from nofx_cli.domain.record import record
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import ClaimedJob, Job


@record
class WaitingJob:
    """A job that waits. `due_in_ms` is 0 for one that is due."""

    job: Job
    due_in_ms: int


@record
class QueueView:
    """`waiting` stands in the order in which claims hand it out, `claimed` with what is held longest first."""

    waiting: Sequence[WaitingJob]
    claimed: Sequence[ClaimedJob]


def view_queue(services: Services) -> QueueView:
    """Look at every job but the dead letters; nothing is changed."""
    jobs, claimed = services.queue.waiting(), services.queue.claimed()
    now_us = services.clock.now_us()
    return QueueView([WaitingJob(job, _due_in_ms(job, now_us)) for job in jobs], claimed)


def _due_in_ms(job: Job, now_us: int) -> int:
    if now_us < job.enqueued_us:  # the clock was set back, and it is due
        return 0
    return -(-max(job.enqueued_us + job.delay_ms * 1000 - now_us, 0) // 1000)
