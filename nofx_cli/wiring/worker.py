"""Put a worker process together and let it work."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli.domain.events import Actor
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.workers import Registration
from nofx_cli.wiring.projects import Projects
from nofx_cli.wiring.session import Session
from nofx_cli.worker.attempts import Changed, Inbox
from nofx_cli.worker.observer import WorkerObserver
from nofx_cli.worker.process import WorkerProcess

if TYPE_CHECKING:
    from nofx_cli.domain.notify import NotifyTarget
    from nofx_cli.worker.notifier import Notifier

_ANY_PLAN = 'steps: [{name: any, tool: "manual:any"}]\n'
_RING_TURN_MS = 60_000
_LOOK_SECONDS = 5.0


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
    telling = Telling(session, at)
    threading.Thread(target=telling.watch, args=(over,), name="notify", daemon=True).start()
    try:
        return process.serve()
    finally:
        over.set()
        telling.finish()
        registration.release()


class Telling:
    """Tells others of the runs of every project that has somebody to tell; nothing is loaded where none has."""

    def __init__(self, session: Session, projects: Projects) -> None:
        self._session, self._projects = session, projects
        self._lock = threading.Lock()
        self._notifiers: dict[tuple[Path, NotifyTarget], Notifier] = {}

    def watch(self, over: threading.Event) -> None:
        """Look at what the projects say now and then, until the worker ends."""
        self.look()
        while not over.wait(_LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        with self._lock:
            wanted = {
                (services.workspace, target): services
                for services in self._projects.known()
                for target in services.rules().notify.values()
            }
            for key in [key for key in self._notifiers if key not in wanted]:
                self._notifiers.pop(key).finish()
            for key, services in wanted.items():
                if key not in self._notifiers:
                    from nofx_cli.wiring.notify import notifier_of

                    self._notifiers[key] = notifier_of(self._session.layout, services, key[1])

    def finish(self) -> None:
        """Tell what is left; what takes long is left for later."""
        self.look()
        if self._notifiers:
            from nofx_cli.wiring.notify import finished

            finished(list(self._notifiers.values()))


def _warm_up(session: Session) -> None:
    """Import now what the first run would have to wait for."""
    plan = session.services.load_plan(_ANY_PLAN, "warm-up")
    session.services.renderer_for(plan, {}, RunId("warm-up"))


def _hear_the_bell(registration: Registration, inbox: Inbox, over: threading.Event) -> None:
    while not over.is_set():
        if registration.wait_for_ring(timeout_ms=_RING_TURN_MS):
            inbox.put(Changed())
