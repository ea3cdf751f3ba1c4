"""Which runs have a job in the queue: they go on as soon as a worker takes it."""

from functools import cached_property

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.engine.services import Services


class QueuedRuns:
    """Looked up when it is first asked for, and not again."""

    def __init__(self, services: Services) -> None:
        self._queue = services.queue

    def __contains__(self, run: RunId) -> bool:
        return run in self._runs

    @cached_property
    def _runs(self) -> frozenset[RunId]:
        try:
            waiting, claimed = self._queue.waiting(), self._queue.claimed()
        except errors.StoreFailure:  # `nofx doctor` tells; the runs are no different for it
            return frozenset()
        return frozenset([*(job.run for job in waiting), *(held.job.run for held in claimed)])
