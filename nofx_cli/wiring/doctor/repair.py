"""What can be mended without asking: the queue is rebuilt, and what the dead left is taken away.

It may be done beside living workers and runs: they do the same, and whoever comes second finds nothing to do.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.wording import counted
from nofx_cli.engine.dead_letters import set_free
from nofx_cli.engine.rebuild_queue import rebuild_queue
from nofx_cli.ports.workers import Standing
from nofx_cli.wiring.backups import finish_restore
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.doctor.store import cut_off_creations
from nofx_cli.wiring.projects import Projects
from nofx_cli.wiring.session import Session, open_session


def repair(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Mend what can be mended, and tell each thing that was done, or why it could not be.

    Where the settings are wrong, or there is no store that this nofx can use, nothing is done: the examination tells.
    """
    try:
        yield from _finish_restore(folder, environ)
        session = open_session(folder=folder, environ=environ)
    except (errors.InvalidInput, errors.StoreFailure):
        return
    if not session.layout.root.is_dir():
        return
    try:
        yield from _set_free(session)
        yield from _rebuild(session)
        yield from _clear_leftovers(session)
    except errors.StoreFailure as exc:
        yield fail("repair", exc.message, exc.hint)


def _finish_restore(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Bring a restore to its end that was cut off, before anything is looked at: it exchanges the whole store."""
    if done := finish_restore(open_session(folder=folder, environ=environ, newer=True).layout):
        yield ok("restore", done)


def _set_free(session: Session) -> Iterator[Finding]:
    """Let the jobs wait again that workers had which are gone, and take away their records."""
    workers, queue = session.services.workers, session.services.queue
    recorded = [one.info.id for one in workers.seen() if one.standing is Standing.GONE]
    holding = [holder for holder in queue.holders() if workers.standing(holder) is Standing.GONE]
    for worker in dict.fromkeys([*recorded, *holding]):
        held = sum(claimed.worker == worker for claimed in queue.claimed())
        dead = len(set_free(session.services, worker))
        workers.clear(worker)
        again = f", {counted(held - dead, 'job')} of it wait again" if held > dead else ""
        letters = f", {counted(dead, 'job')} of it became dead letters" if dead else ""
        yield ok("workers", f"{worker} is gone: its record was taken away{again}{letters}")


def _rebuild(session: Session) -> Iterator[Finding]:
    services = session.services
    damaged = services.queue.stats().damaged
    projects = Projects(session.settings.store.value, services.environ, services, session.masker)
    runs = jobs = 0
    for rebuilt in rebuild_queue(services, at=projects.services_at):
        runs += bool(rebuilt.jobs)
        jobs += len(rebuilt.jobs)
        if rebuilt.fault:
            yield warn("queue", f"run {rebuilt.run} has no job: {rebuilt.fault}", f"nofx show {rebuilt.run}")
    if jobs:
        yield ok("queue", f"{counted(jobs, 'job')} of {counted(runs, 'run')} put into it")
    if damaged and services.queue.stats().damaged == damaged:  # else there is new damage, perhaps of new jobs
        services.queue.mended()
        yield ok("queue", f"made anew from the journals: {counted(damaged, 'record')} could not be read")


def _clear_leftovers(session: Session) -> Iterator[Finding]:
    for folder in cut_off_creations(session):
        try:
            shutil.rmtree(folder)
        except OSError as exc:
            yield warn("leftover", f"{folder} cannot be removed: {exc.strerror or exc}", f"rm -r {folder}")
        else:
            yield ok("leftover", f"{folder} was removed: a run whose creation was cut off")
