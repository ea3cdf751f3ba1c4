"""See the events of a run as they come: each once, in order, from before the run exists until it has ended.

A terminal event ends it, unless the run was reopened (retried) by the time that event was read: then what follows
belongs to it as well. Whoever stops looking changes nothing.
"""

from collections.abc import Callable, Iterator

from nofx_cli import errors
from nofx_cli.clock import Inbox
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, is_run_id
from nofx_cli.engine.find_run import find_run
from nofx_cli.engine.services import Services

_TURN_MS = 1_000
_LOOK_MS = 25
_REOPENS = (ev.RunStarted, ev.RunResumed, ev.RunRolledBack, ev.StepReset)


def await_run(services: Services, text: str, *, waiting: Callable[[], None]) -> RunId:
    """The run that a person means, waited for where it is not there yet: `latest` in an empty store, or a whole id.

    Args:
        waiting: is called once, when there is something to wait for.

    Raises:
        errors.NotFound: there is no such run, and the text is no whole id.
    """
    told = False
    while True:
        try:
            if is_run_id(text):
                services.store.head(RunId(text))
                return RunId(text)
            return find_run(services.store, text)
        except errors.NotFound:
            if text != "latest" and not is_run_id(text):
                raise
        if not told:
            waiting()
            told = True
        services.clock.receive(Inbox[None](), timeout_ms=_LOOK_MS, idle=True)


def follow(
    services: Services, run: RunId, *, idle: Callable[[], None] | None = None, turn_ms: float = _TURN_MS
) -> Iterator[list[ev.Event]]:
    """The events of a run in the pieces in which they are found, until it has ended.

    Args:
        idle: is called whenever nothing has come for `turn_ms`.
    """
    seq, ended = 0, False
    while True:
        events = list(services.store.read(run, after_seq=seq))
        if events:
            seq, ended = events[-1].seq, has_ended(events, before=ended)
            yield events
        if ended and services.store.head(run).seq == seq:
            return
        if not services.store.wait(run, after_seq=seq, timeout_ms=turn_ms) and idle is not None:
            idle()


def has_ended(events: list[ev.Event], *, before: bool = False) -> bool:
    """Whether the run has ended after these events; `before` says whether it had ended before them."""
    for event in reversed(events):
        if ev.ends_run(event.payload):
            return True
        if isinstance(event.payload, _REOPENS):
            return False
    return before
