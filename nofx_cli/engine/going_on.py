"""Whether a run can go on as it stands."""

from nofx_cli import errors
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.open_run import OpenRun


def check_can_go_on(open_run: OpenRun) -> None:
    """Refuse a run that has ended, and say what can be done instead.

    Raises:
        errors.Conflict: it has ended (code `run-ended`).
    """
    if not open_run.state.ended:
        return
    again = "rerun" if open_run.state.status is RunStatus.SUCCEEDED else "retry"
    raise errors.Conflict(
        f"run {open_run.run} has ended: it is {open_run.state.status}",
        code="run-ended",
        hint=f"nofx {again} {open_run.run}",
        context={"run": open_run.run, "status": open_run.state.status.value},
    )
