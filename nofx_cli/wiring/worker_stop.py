"""Stop worker processes of this host."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress

from nofx_cli import errors
from nofx_cli.ports.workers import Standing, WorkerInfo, Workers
from nofx_cli.safety import identity
from nofx_cli.wiring.session import Session

_TELL_APART_MS = 100  # two signals that come at once may be seen as one


def find_workers(session: Session, names: Sequence[str]) -> list[WorkerInfo]:
    """The living workers of this host whose ids are, or contain, `names`; all of them where none is given.

    Raises:
        errors.NotFound: a name fits none that lives (code `worker-not-found`).
        errors.Conflict: a name fits several (code `worker-ambiguous`), or one of another host (`worker-elsewhere`).
    """
    there = [one for one in session.services.workers.seen() if one.standing is not Standing.GONE]
    here = [one.info for one in there if _pid_here(one.info) and one.standing is Standing.ALIVE]
    if not names:
        return here
    return list({info.id: info for info in (_find(name, here, [one.info for one in there]) for name in names)}.values())


def stop_workers(session: Session, infos: Sequence[WorkerInfo], *, now: bool) -> Iterator[WorkerInfo]:
    """Ask workers of this host to stop, all of them before any is waited for, and give each when it is gone.

    With `now` their running steps are interrupted.

    Raises:
        errors.Denied: a worker belongs to another user (code `worker-not-yours`).
    """
    workers = session.services.workers
    for info in infos:
        _ask_to_stop(workers, info)
    if now:
        for info in infos:
            if not workers.wait_until_gone(info.id, timeout_ms=_TELL_APART_MS):
                _ask_to_stop(workers, info)
    for info in infos:
        workers.wait_until_gone(info.id, timeout_ms=None)
        yield info


def _ask_to_stop(workers: Workers, info: WorkerInfo) -> None:
    pid = _pid_here(info)
    if pid is None or workers.standing(info.id) is not Standing.ALIVE:
        return
    try:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    except PermissionError as exc:
        raise errors.Denied(
            f"worker {info.id} belongs to another user",
            code="worker-not-yours",
            hint=f"stop it as the user who started it, or: sudo nofx worker stop {info.id}",
        ) from exc


def _pid_here(info: WorkerInfo) -> int | None:
    """The process of a worker, as its id tells it; None where it is not one of this host.

    A lock may be seen to be held from another host, or another container: there the number means another process.
    """
    name = identity.parse_worker_id(info.id)
    return name.pid if name is not None and identity.is_of_this_host(name) else None


def _find(name: str, living: Sequence[WorkerInfo], there: Sequence[WorkerInfo]) -> WorkerInfo:
    exact = [info for info in living if info.id == name]
    found = exact or [info for info in living if name in info.id]
    if len(found) == 1:
        return found[0]
    if found:
        raise errors.Conflict(
            f"{name!r} names {len(found)} workers: {', '.join(info.id for info in found)}",
            code="worker-ambiguous",
            hint="give the whole id",
        )
    if any(name in info.id for info in there):
        raise errors.Conflict(
            f"worker {name} is not one of this host",
            code="worker-elsewhere",
            hint=f"stop it there; if it is gone for good: nofx worker forget {name}",
        )
    raise errors.NotFound(f"no living worker is named {name!r}", code="worker-not-found", hint="nofx worker status")
