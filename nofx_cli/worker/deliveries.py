"""The jobs in the hands of a worker, and those that the dead had: done, refused, given back, set free, put aside."""

from collections.abc import Sequence
from dataclasses import replace

from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.engine.dead_letters import set_free, tell_dead_letter
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import Job
from nofx_cli.ports.workers import Standing
from nofx_cli.worker.observer import WorkerObserver


class Deliveries:
    """What a worker does with the queue."""

    def __init__(self, services: Services, *, me: WorkerId, observer: WorkerObserver) -> None:
        self._services, self._queue = services, services.queue
        self._me, self._observer = me, observer

    def claim(self, *, limit: int) -> dict[RunId, list[Job]]:
        """Due jobs, by run, in the order of the queue."""
        found: dict[RunId, list[Job]] = {}
        for job in self._queue.claim(self._me, limit=limit):
            found.setdefault(job.run, []).append(job)
        return found

    def done(self, jobs: Sequence[Job]) -> None:
        """Their steps have started, or nothing is to be done for them."""
        if jobs:
            self._queue.ack(self._me, [job.key for job in jobs])

    def refuse(self, jobs: Sequence[Job], reason: str) -> None:
        """Their runs cannot be gone on with: they come again, and after the last time they are put aside."""
        reason = self._services.mask_text(reason)
        for job in jobs:
            dead = self._queue.nack(self._me, job.key, reason)
            self._observer.fault(f"the job {job.key} could not be delivered: {reason}")
            if dead:
                letter = replace(job, reason=reason)
                tell_dead_letter(self._services, letter)
                self._tell(letter)

    def give_all_back(self) -> None:
        """Between two turns a worker holds no job; those that a failure left in its hands are delivered again."""
        self._queue.give_back(self._me, [held.job.key for held in self._queue.claimed() if held.worker == self._me])

    def set_free(self, worker: WorkerId) -> None:
        """Let the jobs of a worker that is gone be delivered again."""
        for letter in set_free(self._services, worker):
            self._tell(letter)

    def set_all_free(self) -> None:
        """Do that for everybody who holds jobs and is gone, whether or not there is a record of him."""
        for holder in self._queue.holders():
            if holder != self._me and self._services.workers.standing(holder) is Standing.GONE:
                self.set_free(holder)

    def _tell(self, letter: Job) -> None:
        self._observer.fault(f"the job {letter.key} is a dead letter: {letter.reason}; nofx dlq show {letter.key}")
