"""Who is told of events, put together for a project: loaded only where `nofx.yaml` has `notify:`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.domain.record import record
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.outbox import FileOutbox
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.engine.deliver import Courier, Told
from nofx_cli.engine.services import Services
from nofx_cli.wiring.session import Session
from nofx_cli.worker.notifier import Notifier

AT_THE_END_SECONDS = 2.0
"""How long the end of a command waits for what is still to be told, all targets together."""
_AGAIN_MS = 50
_SWITCH_SECONDS = 0.0005
"""How long a thread goes on while another could: the run must not wait at each write for what tells of it."""


@record
class NotTold:
    """A target that has not been told everything; `why` is empty where it has only not answered yet."""

    target: str
    why: str = ""


def courier_of(layout: Layout, services: Services, target: NotifyTarget) -> Courier:
    """Who tells a target of the runs of a project. It has a view of the journals of its own."""
    return Courier(
        target,
        FileOutbox(layout, services.workspace, target.name),
        store=FileRunStore(layout),
        project=str(services.workspace),
        secrets_of=services.secrets_of,
        clock=services.clock,
        mask=services.mask,
    )


def notifier_of(layout: Layout, services: Services, target: NotifyTarget) -> Notifier:
    """Tells a target of all runs of a project from now on, and of those that were overlooked."""
    notifier = Notifier(courier_of(layout, services, target), looks_for_overlooked=True)
    notifier.start()
    return notifier


def couriers_of(session: Session, name: str = "") -> list[Courier]:
    """Who tells the targets of the project, or one of them.

    Raises:
        errors.NotFound: there is no such target (code `target-not-found`).
    """
    targets = session.services.rules().notify
    if name and name not in targets:
        raise no_such_target(name, targets)
    wanted = [targets[name]] if name else list(targets.values())
    return [courier_of(session.layout, session.services, target) for target in wanted]


def no_such_target(name: str, there: "Sequence[str] | object") -> errors.NotFound:
    from difflib import get_close_matches

    names = [str(one) for one in there] if isinstance(there, dict | list | tuple) else []
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}" if names else ""
    return errors.NotFound(
        f"nofx.yaml has no target {name!r} below `notify`",
        code="target-not-found",
        hint=hint or "declare it: notify: {team: {url: https://…}}",
    )


def open_in_outboxes(session: Session, run: RunId) -> list[NotTold]:
    """Have a run told of to every target, whoever executes it."""
    return _opened(couriers_of(session), run)


def _opened(couriers: Sequence[Courier], run: RunId) -> list[NotTold]:
    """A target that cannot be used hinders no run."""
    failed = []
    for courier in couriers:
        try:
            courier.outbox.open(run)
        except errors.StoreFailure as exc:
            failed.append(NotTold(courier.target.name, exc.message))
    return failed


@contextmanager
def told_while_executed(session: Session, run: RunId) -> Iterator[list[NotTold]]:
    """Tell of a run while the block lasts; afterwards the list has who was not told everything."""
    couriers = couriers_of(session)
    not_told = _opened(couriers, run)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    notifiers = [Notifier(courier, own=run) for courier in couriers]
    for notifier in notifiers:
        notifier.start()
    try:
        yield not_told
    finally:
        not_told += finished(notifiers)
        sys.setswitchinterval(usual)


def finished(notifiers: Sequence[Notifier], *, within_seconds: float = AT_THE_END_SECONDS) -> list[NotTold]:
    """Have them tell what is left, wait a little, and give who was not told. Ctrl-C ends the wait."""
    clock = SystemClock()
    for notifier in notifiers:
        notifier.finish()
    deadline_ms = clock.monotonic_ms() + within_seconds * 1000
    found = []
    try:
        for notifier in notifiers:
            told = notifier.outcome(within_seconds=max(deadline_ms - clock.monotonic_ms(), 0) / 1000)
            if told is None or told.left:
                found.append(NotTold(notifier.courier.target.name, told.error if told else ""))
    except KeyboardInterrupt:
        pass
    return found


def tell_what_is_left(courier: Courier) -> Told:
    """Tell now, also what was put off and what nobody noted. Waits a little for others that tell the same.

    Raises:
        errors.StoreFailure: the store cannot be used.
    """
    courier.look_for_overlooked()
    deadline_ms, clock = SystemClock().monotonic_ms() + AT_THE_END_SECONDS * 1000, SystemClock()
    total = Told()
    while True:
        told = courier.round(force=True)
        total = Told(total.sent + told.sent, told.left, told.error)
        if not told.left or told.error or clock.monotonic_ms() > deadline_ms:
            return total
        clock.sleep(_AGAIN_MS)
