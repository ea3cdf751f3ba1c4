"""Cancel a run: whoever appends `run.cancelled` has ended it; the process that executes it sees that and stops."""

from nofx_cli import errors
from nofx_cli.domain.events import RunCancelled
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.open_run import Batch, OpenRun


def cancel(open_run: OpenRun, *, reason: str) -> bool:
    """End the run; False when it was cancelled before.

    Raises:
        errors.Conflict: it has succeeded or failed already (code `run-ended`).
    """

    def build(batch: Batch) -> None:
        if batch.state.status is RunStatus.CANCELLED:
            return
        if batch.state.ended:
            raise errors.Conflict(
                f"run {open_run.run} has {batch.state.status} already",
                code="run-ended",
                hint=f"nofx show {open_run.run}",
            )
        batch.add(RunCancelled(reason))

    return bool(open_run.commit(build))
