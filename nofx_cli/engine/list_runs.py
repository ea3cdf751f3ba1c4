"""The newest runs, each from the head and the tail of its journal."""

from collections.abc import Iterator, Mapping

from nofx_cli.clock import parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.record import record
from nofx_cli.domain.state import RunStatus
from nofx_cli.engine.queued_runs import QueuedRuns
from nofx_cli.engine.services import Services
from nofx_cli.errors import NotFound, StoreFailure
from nofx_cli.ports.journal import RunSummary

INTERRUPTED = "interrupted"
"""How a run is shown that its journal calls `running` and that no process executes."""

_STATUS: Mapping[type[ev.Payload], RunStatus] = {
    ev.RunCreated: RunStatus.QUEUED,
    ev.RunWaiting: RunStatus.WAITING,
    ev.RunSucceeded: RunStatus.SUCCEEDED,
    ev.RunFailed: RunStatus.FAILED,
    ev.RunCancelled: RunStatus.CANCELLED,
}


@record
class ListedRun:
    """A run in the list. `live` says that a process executes it now, `queued` that none does and a job of it waits;
    `steps` counts those that have ended.

    `fault` is why its journal cannot be read; then everything but the id is empty.
    """

    run: RunId
    status: str = ""
    live: bool = False
    queued: bool = False
    plan: str = ""
    goal: str = ""
    actor: str = ""
    created_at: str = ""
    ended_at: str = ""
    duration_ms: int = 0
    total_steps: int = 0
    steps: Mapping[str, int] | None = None
    fault: str = ""

    @property
    def interrupted(self) -> bool:
        return self.status == RunStatus.RUNNING and not self.live and not self.queued

    @property
    def shown_status(self) -> str:
        return INTERRUPTED if self.interrupted else self.status or "damaged"


def list_runs(services: Services, *, limit: int | None, status: str = "") -> Iterator[ListedRun]:
    """The newest runs first, at most `limit` (None: all), only those that are shown with `status` where it is given."""
    found, queued = 0, QueuedRuns(services)
    for run in services.store.runs():
        if limit is not None and found >= limit:
            return
        listed = listed_run(services, run, queued)
        if listed is None or (status and status != listed.shown_status):
            continue
        found += 1
        yield listed


def listed_run(services: Services, run: RunId, queued: QueuedRuns | None = None) -> ListedRun | None:
    """One run as the list shows it; None where there is no such run."""
    try:
        summary = services.store.summary(run)
    except NotFound:  # taken away since it was listed
        return None
    except (StoreFailure, ValueError) as exc:
        return ListedRun(run, fault=str(exc))
    if summary is None:
        return ListedRun(run, fault="its journal has no event that can be read")
    created = summary.first.payload
    if not isinstance(created, ev.RunCreated):
        return ListedRun(run, fault="its journal does not begin with run.created")
    told = summary.last_run_event.payload
    if isinstance(told, ev.RunRolledBack) and ev.ends_run(told):
        return _as_it_ended(services, run, created)
    status = _status(told)
    ended = summary.last_run_event.at if ev.ends_run(told) else ""
    live = status in _MAY_LIVE and services.liveness.holder(run) is not None
    return ListedRun(
        run=run,
        status=status.value,
        live=live,
        queued=status in _MAY_LIVE and not live and run in (queued or QueuedRuns(services)),
        plan=created.plan_name,
        goal=created.goal,
        actor=summary.first.actor.id,
        created_at=summary.first.at,
        ended_at=ended,
        duration_ms=_duration_ms(services, summary, ended),
        total_steps=created.steps,
        steps=told.steps if isinstance(told, ev.RunSucceeded | ev.RunFailed) else None,
    )


def _status(told: ev.Payload) -> RunStatus:
    if isinstance(told, ev.RunRolledBack):
        return next((status for status in RunStatus if status == told.status), RunStatus.RUNNING)
    return _STATUS.get(type(told), RunStatus.RUNNING)


def _as_it_ended(services: Services, run: RunId, created: ev.RunCreated) -> ListedRun:
    """A run whose rollback was rolled back has the end that it had: that stands in the middle of its journal."""
    from nofx_cli.engine.view_run import view_run

    try:
        view = view_run(services, run)
    except (NotFound, StoreFailure) as exc:
        return ListedRun(run, fault=str(exc))
    state = view.state
    return ListedRun(
        run=run,
        status=state.status.value,
        plan=created.plan_name,
        goal=created.goal,
        actor=view.events[0].actor.id,
        created_at=state.created_at,
        ended_at=state.ended_at,
        duration_ms=state.duration_ms,
        total_steps=created.steps,
        steps={status.value: count for status, count in state.counts.items() if count},
    )


_MAY_LIVE = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING})


def _duration_ms(services: Services, summary: RunSummary, ended: str) -> int:
    """What the last event says; else from the creation to the end, or to now."""
    told = summary.last_run_event.payload
    if isinstance(told, ev.RunSucceeded | ev.RunFailed) and told.duration_ms:
        return told.duration_ms
    until_us = parse_at(ended) if ended else services.clock.now_us()
    return max(until_us - parse_at(summary.first.at), 0) // 1000
