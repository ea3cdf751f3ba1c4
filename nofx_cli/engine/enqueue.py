"""Leave a run to the workers."""

from collections.abc import Sequence
from dataclasses import replace

from nofx_cli.domain import backpressure
from nofx_cli.domain import events as ev
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.ready_jobs import jobs_of, look_jobs
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import Job


def enqueue(open_run: OpenRun) -> ev.QueueBackpressure | None:
    """Put the jobs that the run needs into the queue, and wake the workers.

    Where the queue is behind, the jobs are delayed, and that goes on record; the event is returned.

    Crash points: before the put the run is there and no job is; a worker finds it, at its start or as it looks around.

    Raises:
        errors.StoreFailure: journal or queue cannot be written.
    """
    services = open_run.services
    open_run.commit(_go_on)
    pressure = pressure_of(services)
    if pressure is not None:
        open_run.commit(lambda batch: _tell(batch, pressure))
    state = open_run.state
    running = [step.name for step in state.in_status(StepStatus.RUNNING)]  # it may be that their worker is gone
    jobs = jobs_of(open_run.plan, state, services.clock.now_us()) or look_jobs(state, running)
    put_jobs(services, jobs, pressure)
    services.workers.ring()
    return pressure


def pressure_of(services: Services) -> ev.QueueBackpressure | None:
    """How much the queue is behind; None while it is not."""
    age_ms = services.queue.oldest_age_ms()
    delay_ms = backpressure.delay_ms(age_ms, services.limits.backpressure_age_ms)
    return ev.QueueBackpressure(age_ms, delay_ms) if delay_ms else None


def put_jobs(services: Services, jobs: Sequence[Job], pressure: ev.QueueBackpressure | None) -> None:
    """Put jobs, later where the queue is behind."""
    if not jobs:
        return
    later_ms = pressure.delay_ms if pressure else 0
    services.queue.put([replace(job, delay_ms=job.delay_ms + later_ms) for job in jobs] if later_ms else jobs)


def _go_on(batch: Batch) -> None:
    """A run that was rolled back is left alone by workers until somebody goes on with it: that is said here."""
    if batch.state.set_back and not batch.state.ended:
        batch.add(ev.RunResumed("goes on after it was rolled back"))


def _tell(batch: Batch, pressure: ev.QueueBackpressure) -> None:
    if not batch.state.ended:
        batch.add(pressure)
