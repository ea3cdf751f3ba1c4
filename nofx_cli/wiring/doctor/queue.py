"""The queue and the workers: what waits, whether anybody takes it, and what the dead left."""

from collections.abc import Iterator, Sequence
from itertools import islice

from nofx_cli import errors
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.wording import counted
from nofx_cli.engine.rebuild_queue import stranded_runs
from nofx_cli.ports.queue import QueueStats
from nofx_cli.ports.workers import SeenWorker, Standing
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.session import Session

REPAIR = "nofx doctor --repair"
_NAMED = 5


def checks(session: Session) -> Iterator[Finding]:
    services = session.services
    try:
        stats, seen = services.queue.stats(), services.workers.seen()
        yield from _of_queue(stats)
        yield from _of_workers(seen, stats)
        yield from _jobs_of_the_gone(session, seen)
        yield from _stranded(session)
    except errors.StoreFailure as exc:
        yield fail("queue", exc.message, exc.hint)


def _of_queue(stats: QueueStats) -> Iterator[Finding]:
    told = f"{stats.due} due, {stats.delayed} delayed, {stats.claimed} claimed"
    if stats.due:
        told += f"; the oldest is due for {format_duration(stats.oldest_age_ms)}"
    if stats.paused:
        yield warn("queue", f"{told}; it is paused, so no worker gets a job", "nofx queue resume")
    else:
        yield ok("queue", told)
    if stats.damaged:
        lost = f"{counted(stats.damaged, 'record')} of the queue cannot be read; it may lack jobs"
        yield warn("queue records", lost, REPAIR)
    if stats.dead:
        yield warn("dead letters", f"{counted(stats.dead, 'job')} could not be delivered", "nofx dlq list")


def _of_workers(seen: Sequence[SeenWorker], stats: QueueStats) -> Iterator[Finding]:
    alive = sum(one.standing is Standing.ALIVE for one in seen)
    if alive or not stats.depth:
        yield ok("workers", f"{alive} alive" if alive else "none; none is needed now")
    else:
        yield warn("workers", f"{counted(stats.depth, 'job')} in the queue, and no worker lives", "nofx worker start")
    for one in seen:
        if one.standing is Standing.GONE:
            yield warn("workers", f"{one.info.id} is gone; its record is left", REPAIR)
        elif one.standing is Standing.ELSEWHERE:
            told = f"{one.info.id} is of another host, {one.info.host}; whether it lives cannot be known here"
            yield ok("workers", told, f"if it is gone: nofx worker forget {one.info.id}")


def _jobs_of_the_gone(session: Session, seen: Sequence[SeenWorker]) -> Iterator[Finding]:
    """Jobs in the hands of workers that are gone and left no record."""
    recorded = {one.info.id for one in seen}
    for holder in session.services.queue.holders():
        if holder not in recorded and session.services.workers.standing(holder) is Standing.GONE:
            yield warn("workers", f"{holder} is gone, and jobs are in its hands", REPAIR)


def _stranded(session: Session) -> Iterator[Finding]:
    """Some by name; of more only that there are more."""
    runs = stranded_runs(session.services)
    for run in islice(runs, _NAMED):
        told = f"run {run}: no process executes it, and the queue has no job of it"
        yield warn("interrupted", told, f"nofx resume {run}; or leave it to a worker: {REPAIR}")
    more = sum(1 for _ in runs)
    if more:
        yield warn("interrupted", f"{more} more such runs", REPAIR)
