"""The queue made anew from the journals: every run that a worker could bring forward gets the jobs that it needs.

It may be done at any time, beside living workers: a job that is in the queue is not put twice, one that leads to
nothing is taken out by whoever claims it, and a run that a process executes alone is left to that process.
"""

from collections.abc import Iterable, Iterator

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.going_on import is_young, may_go_on
from nofx_cli.engine.open_run import OpenRun, ServicesAt
from nofx_cli.engine.ready_jobs import jobs_of
from nofx_cli.engine.services import Services
from nofx_cli.engine.view_run import view_run
from nofx_cli.ports.journal import RunSummary
from nofx_cli.ports.liveness import Holder
from nofx_cli.ports.queue import Job
from nofx_cli.ports.workers import Standing


@record
class RebuiltRun:
    """A run that was looked at: the jobs that were not in the queue before, or why it cannot be opened."""

    run: RunId
    jobs: tuple[Job, ...] = ()
    fault: str = ""


def rebuild_queue(services: Services, *, at: ServicesAt | None = None) -> Iterator[RebuiltRun]:
    """Put the jobs that are missing, oldest run first, and wake the workers at the end.

    Args:
        at: gives the services of the project that a run was made in, where that may be another one.

    Raises:
        errors.StoreFailure: the queue cannot be read or written.
    """
    known = {job.key for job in _all_jobs(services)}
    for run, holder in _open_runs(services, reversed([*services.store.runs()])):
        if holder is not None and not holder.shared:
            continue
        try:
            jobs = _needed(services, run, holder, at=at)
        except errors.NofxError as exc:
            yield RebuiltRun(run, fault=exc.message)
            continue
        finally:
            services.store.forget(run)
        services.queue.put(jobs)
        new = tuple(job for job in jobs if job.key not in known)
        if new:
            yield RebuiltRun(run, new)
    services.workers.ring()


def stranded_runs(services: Services) -> Iterator[RunId]:
    """The runs that have not ended, do not only wait for a person, have no job, and that no process executes."""
    with_jobs = {job.run for job in _all_jobs(services)}
    for run, holder in _open_runs(services, services.store.runs()):
        if holder is None and run not in with_jobs:
            # Meanwhile a worker may have left it to others, taken it up or ended it: so all is looked at again.
            with_jobs = {job.run for job in _all_jobs(services)}
            if run not in with_jobs and services.liveness.holder(run) is None and _is_open(services, run):
                yield run


def _all_jobs(services: Services) -> list[Job]:
    queue = services.queue
    return [*queue.waiting(), *(claimed.job for claimed in queue.claimed()), *queue.dead()]


def _open_runs(services: Services, runs: Iterable[RunId]) -> Iterator[tuple[RunId, Holder | None]]:
    """Those of `runs` that something else than a person can bring forward, with who executes them."""
    for run in runs:
        if _is_open(services, run):
            yield run, services.liveness.holder(run)


def _is_open(services: Services, run: RunId) -> bool:
    try:
        summary = services.store.summary(run)
        return summary is not None and _goes_on(services, summary)
    except (errors.NotFound, errors.StoreFailure, ValueError):  # taken away, or damaged: others tell of that
        return False


def _goes_on(services: Services, summary: RunSummary) -> bool:
    if not may_go_on(summary) or is_young(summary, services.clock):
        return False
    if not isinstance(summary.last_run_event.payload, ev.RunWaiting | ev.RunRolledBack):
        return True
    state = view_run(services, summary.run).state
    if state.set_back:
        return False
    return state.status is not RunStatus.WAITING or bool(state.answered or state.counts[StepStatus.QUEUED])


def _needed(services: Services, run: RunId, holder: Holder | None, *, at: ServicesAt | None) -> list[Job]:
    open_run = OpenRun.load(services, run, at=at)
    jobs = jobs_of(open_run.plan, open_run.state, services.clock.now_us())
    return jobs if holder is not None else [*jobs, *_jobs_of_lost_steps(open_run)]


def _jobs_of_lost_steps(open_run: OpenRun) -> list[Job]:
    """One for each step in the hands of the dead: who takes the run up for it sets the step free first."""
    state, workers = open_run.state, open_run.services.workers
    if state.status is not RunStatus.RUNNING:
        return []
    return [
        Job(open_run.run, step.name, step.next_attempt, priority=state.priority)
        for step in state.in_status(StepStatus.RUNNING)
        if workers.standing(WorkerId(step.worker)) is Standing.GONE
    ]
