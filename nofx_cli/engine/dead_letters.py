"""Jobs that could not be delivered: on record in the journals of their runs, and back into the queue.

The plan of such a run is often what cannot be read, so nothing here needs it.
"""

from contextlib import suppress

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import WorkerId
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.services import Services
from nofx_cli.ports.journal import AppendConflict
from nofx_cli.ports.queue import Job

_ATTEMPTS = 20


def tell_dead_letter(services: Services, job: Job) -> None:
    """Put it on record that a job is a dead letter, unless its run has ended or its journal cannot be written."""
    draft = ev.Draft(ev.StepDeadLettered(services.mask_text(job.reason)), job.step)
    store = services.store
    with suppress(errors.NotFound, errors.StoreFailure):
        for _ in range(_ATTEMPTS):
            head, summary = store.head(job.run), store.summary(job.run)
            if summary is None or ev.ends_run(summary.last_run_event.payload):
                return
            with suppress(AppendConflict):
                at = format_at(services.clock.now_us())
                store.append(job.run, head.seq, [draft], at=at, actor=services.actor)
                return


def set_free(services: Services, worker: WorkerId) -> list[Job]:
    """Let the jobs of a worker that is gone be delivered again; returns those that became dead letters by it."""
    dead = services.queue.take_from(worker, f"worker {worker} was gone while it had the job")
    for job in dead:
        tell_dead_letter(services, job)
    return dead


def requeue(services: Services, keys: list[str]) -> list[Job]:
    """Let dead letters wait again, as new; returns them. Their steps are enqueued on record, where that can be done."""
    found = services.queue.requeue(keys)
    for job in found:
        with suppress(errors.NofxError):  # why it was put aside may still hold; then its next delivery tells
            _enqueue_again(OpenRun.load(services, job.run), job)
    services.workers.ring()
    return found


def _enqueue_again(open_run: OpenRun, job: Job) -> None:
    def build(batch: Batch) -> None:
        step = batch.state.steps.get(job.step)
        if step is not None and step.dead_letter and not batch.state.ended:
            batch.add(ev.StepEnqueued(), job.step)

    open_run.commit(build)
