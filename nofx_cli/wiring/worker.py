"""Put a worker process together and let it work."""

import threading
from dataclasses import replace

from nofx_cli.domain.events import Actor
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.workers import Registration
from nofx_cli.wiring.projects import Projects
from nofx_cli.wiring.session import Session
from nofx_cli.worker.attempts import Changed, Inbox
from nofx_cli.worker.observer import WorkerObserver
from nofx_cli.worker.process import WorkerProcess

_ANY_PLAN = 'steps: [{name: any, tool: "manual:any"}]\n'
_RING_TURN_MS = 60_000


def serve(
    session: Session,
    registration: Registration,
    *,
    concurrency: int,
    drain: bool,
    observer: WorkerObserver,
    inbox: Inbox,
) -> str:
    """Work as the registered worker until a signal or, with `drain`, the end of the queue; returns the signal's name.

    Signals come as `Stop` messages in the inbox.
    """
    services = replace(session.services, actor=Actor("worker", registration.id))
    at = Projects(session.settings.store.value, session.services.environ, services, session.masker)
    process = WorkerProcess(
        services,
        registration,
        concurrency=concurrency,
        drain=drain,
        observer=observer,
        inbox=inbox,
        at=at.services_at,
    )
    _warm_up(session)
    over = threading.Event()
    threading.Thread(target=_hear_the_bell, args=(registration, inbox, over), name="bell", daemon=True).start()
    try:
        return process.serve()
    finally:
        over.set()
        registration.release()


def _warm_up(session: Session) -> None:
    """Import now what the first run would have to wait for."""
    plan = session.services.load_plan(_ANY_PLAN, "warm-up")
    session.services.renderer_for(plan, {}, RunId("warm-up"))


def _hear_the_bell(registration: Registration, inbox: Inbox, over: threading.Event) -> None:
    while not over.is_set():
        if registration.wait_for_ring(timeout_ms=_RING_TURN_MS):
            inbox.put(Changed())
