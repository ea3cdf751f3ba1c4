"""Execute a run here and now, in the foreground of whoever asked."""

from nofx_cli.engine.open_run import OpenRun
from nofx_cli.worker.attempts import Inbox
from nofx_cli.worker.executor import Ending, Executor
from nofx_cli.worker.observer import Observer


def execute(
    open_run: OpenRun,
    *,
    observer: Observer,
    inbox: Inbox | None = None,
    stay: bool = False,
    patience_ms: float | None = None,
    rerun_interrupted: bool = False,
) -> Ending:
    """Take the run and execute it to its end, to a wait for a person (unless `stay`), or until a signal.

    With `stay` and `patience_ms` it waits so long each time, and no longer.

    An answer that comes while this process is about to leave is not lost: whoever gave it saw that the run was
    held and went away, so after the hold is released the journal is looked at once more.

    Raises:
        errors.Conflict: a living process executes the run (code `run-is-held`).
        errors.StoreFailure: the journal cannot be written.
    """
    while True:
        hold = open_run.services.liveness.hold(open_run.run)
        observer.events(open_run.refresh())
        executor = Executor(open_run, hold, observer=observer, inbox=inbox, stay=stay, patience_ms=patience_ms)
        ending = executor.execute(rerun_interrupted=rerun_interrupted)
        if ending.state.ended or ending.signal or not open_run.changed_by_others():
            return ending
        if open_run.services.liveness.holder(open_run.run) is not None:
            return ending
