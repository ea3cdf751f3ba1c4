"""Leave a run to the workers instead of executing it here."""

from nofx_cli.cli.notified import told_of
from nofx_cli.cli.output import note, out, out_json
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import WorkerId
from nofx_cli.domain.plan import DEFAULT_CONCURRENCY
from nofx_cli.domain.record import record
from nofx_cli.engine.enqueue import enqueue
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.errors import ExitCode
from nofx_cli.wiring.session import Session


@record
class Left:
    """A run that is in the queue. `started` is the worker that was started for it, `alive` whether any lives."""

    run: OpenRun
    alive: bool
    started: WorkerId | None = None
    pressure: ev.QueueBackpressure | None = None


def goes_to_workers(session: Session, open_run: OpenRun, *, detach: bool, answered: bool = False) -> bool:
    """Whether a run is to be executed by a worker, as flag and settings say.

    With `auto`, who makes or resumes a run executes it; an answer goes to a worker where one lives, or has the run.
    """
    if detach:
        return True
    execution, services = session.settings.execution.value, session.services
    if execution == "queue" or not answered:
        return execution == "queue"
    holder = services.liveness.holder(open_run.run)
    return (holder is not None and holder.shared) or (execution == "auto" and services.workers.any_alive())


def leave(session: Session, open_run: OpenRun, *, start_worker: bool) -> Left:
    """Put the run into the queue and, where it is asked for and none lives, start a worker."""
    told_of(session, open_run.run)
    pressure = enqueue(open_run)
    alive, started = session.services.workers.any_alive(), None
    if start_worker and not alive:
        from nofx_cli.wiring import worker_start

        started = worker_start.start_worker(session, concurrency=DEFAULT_CONCURRENCY)
    return Left(open_run, alive or started is not None, started, pressure)


def tell_left(left: Left, *, as_json: bool = False, quiet: bool = False) -> int:
    """The run's id is the result; what becomes of it is told beside."""
    run = left.run.run
    if as_json:
        delay_ms = left.pressure.delay_ms if left.pressure else 0
        out_json({"run": run, "status": left.run.state.status.value, "worker": left.started, "delay_ms": delay_ms})
        return ExitCode.SUCCEEDED
    out(run)
    if quiet:
        return ExitCode.SUCCEEDED
    if left.started:
        note(f"worker {left.started} was started for it")
    if left.pressure:
        age, delay = format_duration(left.pressure.age_ms), format_duration(left.pressure.delay_ms)
        note(f"the queue is behind (its oldest job waits for {age}): the run begins {delay} later")
    note(
        f"watch it with: nofx timeline {run} --follow"
        if left.alive
        else "it is queued; no worker lives: nofx worker start"
    )
    return ExitCode.SUCCEEDED
