"""The jobs that a worker puts for what it leaves to others, or to itself for later."""

from collections.abc import Sequence

from nofx_cli.domain import events as ev
from nofx_cli.engine.enqueue import pressure_of, put_jobs
from nofx_cli.engine.open_run import Batch
from nofx_cli.engine.ready_jobs import delayed_jobs, jobs_of, ready_jobs
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import Job
from nofx_cli.worker.execution import Execution
from nofx_cli.worker.fellows import Fellows


class Offers:
    """Puts no more jobs for a run than are missing."""

    def __init__(self, services: Services, fellows: Fellows) -> None:
        self._services, self._clock = services, services.clock
        self._fellows = fellows

    def pressure(self, execution: Execution, batch: Batch) -> ev.QueueBackpressure | None:
        """Tell, in the batch, that the jobs of the steps that it makes ready are due later; None where they are not."""
        if not any(isinstance(draft.payload, ev.StepEnqueued) for draft in batch.drafts):
            return None
        if not ready_jobs(execution.open_run.plan, batch.state, self._clock.now_us()):
            return None
        pressure = pressure_of(self._services)
        if pressure is not None:
            batch.add(pressure)
        return pressure

    def leave(self, execution: Execution, events: Sequence[ev.Event], pressure: ev.QueueBackpressure | None) -> None:
        """Put jobs for what is ready and was not started here, and for what these events have put off."""
        open_run, now_us = execution.open_run, self._clock.now_us()
        state = open_run.state
        jobs = self._missing(execution, ready_jobs(open_run.plan, state, now_us))
        put_jobs(self._services, jobs, pressure)
        put_off = {event.step for event in events if isinstance(event.payload, ev.StepRetryScheduled)}
        later = delayed_jobs(state, [state.steps[name] for name in put_off if name is not None], now_us)
        put_jobs(self._services, later, None)
        if jobs and self._fellows:
            self._services.workers.ring()

    def put_all(self, execution: Execution) -> None:
        """Put every job that the run needs; also for the retries that somebody else had put off."""
        plan, state = execution.open_run.plan, execution.open_run.state
        put_jobs(self._services, jobs_of(plan, state, self._clock.now_us()), None)

    def _missing(self, execution: Execution, jobs: list[Job]) -> list[Job]:
        """So many of the jobs as are missing beside those that this process put before and that are still there.

        Any of them lets the first ready step start, whichever it names.
        """
        offered = self._services.queue.present(execution.offered) if execution.offered else set()
        missing = [job for job in jobs if job.key not in offered][: max(len(jobs) - len(offered), 0)]
        execution.offered = offered | {job.key for job in missing}
        return missing
