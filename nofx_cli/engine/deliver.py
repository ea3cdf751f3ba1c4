"""Tell a target of events: at least once each, those of a run in their order, none left out.

Whoever is there delivers: the process that executes a run, a worker, `nofx notify send`. The cursor of a run is held
while its events are sent, so that two do not send the same at the same time; the protocol stands in `ports.outbox`.

A target that cannot be reached, is busy, or refuses for what it is told by whom (401, 404, …) is left alone for longer
each time, and every run's events wait for it. What is refused for what it says (400, 413, 422) keeps up only its run.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from nofx_cli import errors
from nofx_cli.clock import Clock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId
from nofx_cli.domain.notices import notice_of
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.domain.record import record
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.outbox import Cursor, Health, Outbox
from nofx_cli.safety.globs import matches
from nofx_cli.safety.notice_request import LIMITS, notice_body, notice_request, refusal
from nofx_cli.safety.web_request import Request, Response, Unanswered

SecretsOf: TypeAlias = Callable[[tuple[str, ...]], Mapping[str, str]]
Send: TypeAlias = Callable[[Request], Response]

PAUSES_MS = (1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000)
_FOR_WHAT_IT_SAYS = frozenset({400, 413, 422})
_LONGEST_MS = 3_600_000


@record
class Told:
    """What came of telling.

    Attributes:
        sent: how many events were told.
        left: how many runs have events that were not.
        error: why not; empty where all was told.
    """

    sent: int = 0
    left: int = 0
    error: str = ""

    def __add__(self, other: "Told") -> "Told":
        return Told(self.sent + other.sent, self.left + other.left, self.error or other.error)


def post(request: Request) -> Response:
    """Send a notice, within the limits of notices."""
    from nofx_cli.safety.web import send

    return send(request, limits=LIMITS)


class Courier:
    """Tells one target of the events of one project's runs. For one thread."""

    def __init__(
        self,
        target: NotifyTarget,
        outbox: Outbox,
        *,
        store: RunStore,
        project: str,
        secrets_of: SecretsOf,
        clock: Clock,
        mask: Callable[[JsonValue], JsonValue],
        send: Send = post,
    ) -> None:
        self.target, self.outbox = target, outbox
        self._store, self._project, self._clock = store, project, clock
        self._secrets_of, self._mask, self._send = secrets_of, mask, send
        self._told: dict[RunId, int] = {}
        """Up to where runs were told that have not ended."""
        self._secrets: dict[str, str] = {}

    def round(
        self, *, only: RunId | None = None, force: bool = False, stop: Callable[[], bool] = lambda: False
    ) -> Told:
        """Tell of everything that is to be told now, of all open runs or of one.

        Args:
            force: also what is put off.
            stop: asked between runs whether the rest is left for later.

        Raises:
            errors.StoreFailure: the store cannot be used.
        """
        health = self.outbox.health
        if not force and self._is_put_off(health):
            return Told(left=1, error=health.error)
        total = Told()
        for run in self.outbox.runs() if only is None else [only]:
            if stop():
                break
            told = self._tell_run(run, force=force)
            if only is None:
                self._store.forget(run)
            total += told
            if told.error and self.outbox.health.tries:
                break  # the target is out of reach for all of them
        return total

    def look_anew(self) -> None:
        """Look at the journals next, and not only at the heads that were noted of them.

        A head is noted after its event: who dies in between leaves an event that the note does not show.
        """
        self._told.clear()

    def look_for_overlooked(self) -> None:
        """Open every run of the project that has events nobody noted."""
        for run in self.outbox.overlooked():
            if self._is_ours(run):
                self.outbox.open(run)

    def test(self, notice: JsonObject) -> str:
        """Tell a notice of its own; gives what is wrong, empty where nothing is."""
        try:
            response = self._send(self._request(notice))
        except errors.NofxError as exc:
            return exc.message
        return "" if response.ok else refusal(response)

    def drop(self) -> int:
        """Let go of what was not told; gives of how many runs there was something."""
        dropped = 0
        for run in self.outbox.runs():
            with self.outbox.hold(run) as cursor:
                if cursor is not None and (head := self._store.head(run).seq) > cursor.seq:
                    dropped += any(self._wanted(event) for event in self._store.read(run, after_seq=cursor.seq))
                    cursor.reached(head)
            self._close(run, head=self._store.head(run).seq)
        self.outbox.note(Health())
        return dropped

    def left(self) -> tuple[int, int]:
        """How many runs have events that are to be told, and how many events these are."""
        numbers = []
        for run in self.outbox.runs():
            with self.outbox.hold(run) as cursor:
                seq = cursor.seq if cursor else self._store.head(run).seq
            numbers.append(sum(self._wanted(event) for event in self._store.read(run, after_seq=seq)))
        return sum(1 for number in numbers if number), sum(numbers)

    def _tell_run(self, run: RunId, *, force: bool) -> Told:
        try:
            noted = self._store.noted_head(run)
            if noted is not None and self._told.get(run) == noted.seq:
                return Told()
            head = self._store.head(run).seq
            if not self._is_ours(run):
                self.outbox.drop(run)
                return Told()
            with self.outbox.hold(run) as cursor:
                if cursor is None:  # another tells of it, but may not have seen its newest event
                    return Told(left=1)
                if not force and self._is_put_off(cursor.health):
                    return Told(left=1, error=cursor.health.error)
                told = self._tell_events(run, cursor)
        except errors.NotFound:
            self.outbox.drop(run)
            return Told()
        except errors.StoreFailure as exc:
            if exc.code != "journal-damaged":
                raise
            return Told(left=1, error=exc.message)
        if not told.left:
            self._told[run] = head
            self._close(run, head=head)
        return told

    def _tell_events(self, run: RunId, cursor: Cursor) -> Told:
        sent = 0
        summary = self._store.summary(run)
        created = summary.first.payload if summary else None
        last = cursor.seq
        for event in self._store.read(run, after_seq=cursor.seq):
            if self._wanted(event) and isinstance(created, ev.RunCreated):
                error = self._tell(event, created, cursor)
                if error:
                    return Told(sent, 1, error)
                cursor.reached(event.seq)
                sent += 1
            last = event.seq
        if last > cursor.seq:
            cursor.reached(last)
        return Told(sent)

    def _tell(self, event: ev.Event, created: ev.RunCreated, cursor: Cursor) -> str:
        """Send one event; gives what is wrong, and notes that, empty where nothing is."""
        try:
            response = self._send(self._request(notice_of(event, created)))
        except Unanswered as exc:
            return self._failed(exc.message)
        except errors.NofxError as exc:  # an address or a secret that cannot be used
            return self._failed(exc.message)
        if response.ok:
            if self.outbox.health.tries:
                self.outbox.note(Health())
            return ""
        error = refusal(response)
        self._secrets.clear()  # they may have been changed
        if response.status in _FOR_WHAT_IT_SAYS:
            cursor.put_off(self._later(cursor.health, error))
            return f"{error} ({event.run}:{event.seq})"
        return self._failed(error, at_least_ms=response.retry_after_ms(self._clock.now_us()))

    def _failed(self, error: str, *, at_least_ms: float = 0) -> str:
        self.outbox.note(self._later(self.outbox.health, error, at_least_ms=at_least_ms))
        return error

    def _later(self, health: Health, error: str, *, at_least_ms: float = 0) -> Health:
        now_us = self._clock.now_us()
        pause_ms = PAUSES_MS[min(health.tries, len(PAUSES_MS) - 1)]
        next_us = now_us + round(max(pause_ms, min(at_least_ms, _LONGEST_MS)) * 1000)
        return Health(health.tries + 1, health.since or format_at(now_us), next_us, error)

    def _request(self, notice: JsonObject) -> Request:
        target = self.target
        url = self._secret(target.url) if target.is_named_secret else target.url
        secret = self._secret(target.secret) if target.secret else ""
        body = self._mask(notice_body(notice, target.format))
        return notice_request(notice, body, url=url, secret=secret, now_us=self._clock.now_us())

    def _secret(self, name: str) -> str:
        if name not in self._secrets:
            scope, _, variable = name.partition("/")
            self._secrets[name] = self._secrets_of((scope,))[variable].strip()
        return self._secrets[name]

    def _wanted(self, event: ev.Event) -> bool:
        return event.at >= self.outbox.since() and any(matches(event.type, pattern) for pattern in self.target.events)

    def _close(self, run: RunId, *, head: int) -> None:
        """Nothing more comes of a run that has ended, unless somebody wrote to it just now."""

        def is_over() -> bool:
            summary = self._store.summary(run)
            return summary is not None and summary.last.seq == head and ev.ends_run(summary.last_run_event.payload)

        if is_over():
            self.outbox.close(run, is_over=is_over)
            self._told.pop(run, None)

    def _is_ours(self, run: RunId) -> bool:
        """Whether the run is the project's own; a replay, which does nothing anew, is nobody's."""
        summary = self._store.summary(run)
        created = summary.first.payload if summary else None
        if not isinstance(created, ev.RunCreated) or created.origin.get("kind") == "replay":
            return False
        return self._store.place(run).get("path", created.workspace.get("path")) == self._project

    def _is_put_off(self, health: Health) -> bool:
        """Whether its time is still to come; nobody is put off for so long that only a clock set back explains it."""
        return bool(health.tries) and 0 < health.next_us - self._clock.now_us() <= _LONGEST_MS * 1000
