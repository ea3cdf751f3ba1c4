"""Who is told of events: whether they could be, lately. Nothing is sent."""

from collections.abc import Iterator

from nofx_cli import errors
from nofx_cli.clock import parse_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.session import Session

_FOR_LONG_MS = 60_000


def checks(session: Session) -> Iterator[Finding]:
    if not session.notifies:
        return
    from nofx_cli.wiring.notify import couriers_of

    now_us = session.services.clock.now_us()
    for courier in couriers_of(session):
        name = courier.target.name
        try:
            health = courier.outbox.health
        except errors.StoreFailure as exc:
            yield fail(f"notify {name}", exc.message, exc.hint)
            continue
        failing_ms = (now_us - parse_at(health.since)) / 1000 if health.since else 0
        if failing_ms < _FOR_LONG_MS:
            yield ok(f"notify {name}", "could be told, as far as is known", f"to see: nofx notify test {name}")
        else:
            told = f"could not be told for {format_duration(failing_ms)}: {session.services.mask_text(health.error)}"
            yield warn(f"notify {name}", told, f"mend it, then: nofx notify send {name}")
