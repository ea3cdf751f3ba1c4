"""What tests of workers share: steps, handlers, an observer that remembers, and workers in threads."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Step
from nofx_cli.engine.context import EngineContext
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import Rig
from nofx_cli.worker.attempts import Inbox, Stop
from nofx_cli.worker.observer import Silent

PATIENCE = 20
"""Seconds after which what did not happen is a failure; never a time that a test takes."""


def step(name: str, *needs: str, tool: str = "echo", **fields: object) -> Step:
    return Step(StepName(name), tool, tuple(StepName(need) for need in needs), **fields)  # type: ignore[arg-type]


def chain(*names: str, tool: str = "echo") -> list[Step]:
    """Steps of which each needs the one before it."""
    return [step(name, *names[max(place - 1, 0) : place], tool=tool) for place, name in enumerate(names)]


def fails(_ctx: StepContext) -> Outcome:
    return Failed(StepError("broken", "it broke"))


@dataclass
class Seen(Silent):
    """An observer that remembers."""

    told: list[ev.Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    stops: int = 0

    def events(self, events: Sequence[ev.Event]) -> None:
        self.told += events

    def note(self, text: str) -> None:
        self.notes.append(text)

    def fault(self, text: str) -> None:
        self.faults.append(text)

    def stopping(self) -> None:
        self.stops += 1


class Held:
    """A tool that begins, and goes on when it is told to; stopped, it ends at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._go: set[str] = set()
        self.began: list[str] = []
        self.stopped: dict[str, str] = {}

    def __call__(self, ctx: StepContext) -> Outcome:
        assert isinstance(ctx, EngineContext)
        name = f"{ctx.run_id}/{ctx.step}/{ctx.attempt}"
        with self._changed:
            self.began.append(name)
            self._changed.notify_all()
        unsubscribe = ctx.cancellation.subscribe(self._wake)
        with self._changed:
            assert self._changed.wait_for(
                lambda: name in self._go or "" in self._go or ctx.cancellation.reason, PATIENCE
            )
            self.stopped[name] = ctx.cancellation.reason
        unsubscribe()
        ctx.check_cancelled()
        return Succeeded({"attempt": ctx.attempt})

    def has_begun(self, times: int = 1) -> list[str]:
        """Wait until so many attempts have begun; gives all that have."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.began) >= times, PATIENCE), self.began
            return list(self.began)

    def go(self, name: str = "") -> None:
        """Let an attempt come to its end; all of them by default."""
        with self._changed:
            self._go.add(name)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class Working:
    """A worker in a thread of its own."""

    def __init__(self, rig: Rig, *, concurrency: int, drain: bool, seen: Seen) -> None:
        self.inbox: Inbox = Inbox()
        self.seen = seen
        self.answer: list[str | BaseException] = []
        me = rig.services.workers.register(concurrency=concurrency)
        self.id = me.id

        def serve() -> None:
            try:
                self.answer.append(
                    rig.worker(concurrency=concurrency, drain=drain, inbox=self.inbox, observer=seen, registration=me)
                )
            except BaseException as exc:  # noqa: BLE001 - told where the thread is waited for
                self.answer.append(exc)

        self._thread = threading.Thread(target=serve, name=f"worker {me.id}")
        self._thread.start()

    def signal(self, name: str = "SIGTERM") -> None:
        self.inbox.put(Stop(name))

    def ended(self) -> str:
        """Wait for its end; the name of the signal that ended it."""
        self._thread.join(PATIENCE)
        assert self.answer, "the worker goes on"
        (answer,) = self.answer
        if isinstance(answer, BaseException):
            raise answer
        return answer


@contextmanager
def working(rig: Rig, *, concurrency: int = 4, drain: bool = False, seen: Seen | None = None) -> Iterator[Working]:
    """A worker beside the test; whatever comes, it is ended with the block."""
    worker = Working(rig, concurrency=concurrency, drain=drain, seen=seen or Seen())
    try:
        yield worker
    finally:
        while not worker.answer:
            worker.signal()
            worker._thread.join(0.05)


def starts(rig: Rig, *runs: RunId) -> list[str]:
    """The steps that were started, over all runs, in the order of time: `<step>` each."""
    started = [event for run in runs for event in rig.events(run) if event.type == "step.started"]
    return [str(event.step) for event in sorted(started, key=lambda event: event.at)]


def at_once(rig: Rig, run: RunId) -> int:
    """How many of its steps went on at the same time, at most, as its journal tells."""
    now = most = 0
    for event in rig.events(run):
        if isinstance(event.payload, ev.StepStarted):
            now += 1
            most = max(most, now)
        elif isinstance(event.payload, ev.StepFinished | ev.StepRetryScheduled | ev.StepInterrupted):
            now -= 1
    return most


def payloads(rig: Rig, run: RunId, kind: type[ev.Payload]) -> list[ev.Payload]:
    """What stands in the journal of one type."""
    return [event.payload for event in rig.events(run) if isinstance(event.payload, kind)]
