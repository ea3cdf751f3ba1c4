"""Whether a run can go on as it stands, and whether somebody has to see to it."""

from nofx_cli import errors
from nofx_cli.clock import Clock, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.ports.journal import RunSummary

_YOUNG_US = 2_000_000


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


def may_go_on(summary: RunSummary) -> bool:
    """Whether anything but a person may bring the run forward, as far as the last lines of its journal tell."""
    if ev.ends_run(summary.last_run_event.payload):
        return False
    return not isinstance(summary.last.payload, ev.RunWaiting | ev.RunRolledBack)


def is_young(summary: RunSummary, clock: Clock) -> bool:
    """Whether it has only just been made: its maker is about to execute it, or to put a job."""
    age_us = clock.now_us() - parse_at(summary.first.at)
    return summary.last.seq == summary.first.seq and 0 <= age_us < _YOUNG_US
