"""What a worker says while it works: one line for each attempt and run, and for what hinders it."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from nofx_cli.cli.live.telling import error_words
from nofx_cli.cli.output import safe
from nofx_cli.cli.render.event_text import local_time
from nofx_cli.clock import Clock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import StepName


class WorkerLog:
    """Writes whole lines to a stream; that nobody reads them does not end the worker."""

    def __init__(self, clock: Clock, *, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._clock, self._quiet, self._is_heard = clock, quiet, True
        self._stream = sys.stderr if stream is None else stream

    def events(self, events: Sequence[ev.Event]) -> None:
        if self._quiet:
            return
        for event in events:
            words = _words(event)
            if words:
                where = f"{event.step}#{event.attempt}" if event.attempt else event.step or "run"
                self._say(f"{local_time(event.at)}  {event.run}  {safe(where):<16}  {words}")

    def line(self, step: StepName, text: str) -> None:
        pass

    def stopping(self) -> None:
        self.note("stopping: what runs comes to its end, nothing new is taken (once more interrupts)")

    def note(self, text: str) -> None:
        if not self._quiet:
            self._say(f"{self._now()}  {safe(text)}")

    def fault(self, text: str) -> None:
        self._say(f"{self._now()}  warning: {safe(text)}")

    def _now(self) -> str:
        return local_time(format_at(self._clock.now_us()))

    def _say(self, line: str) -> None:
        if not self._is_heard:
            return
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._fall_silent()
        except OSError:  # a full disk, as a rule: what is in the stream goes out with a later line
            pass

    def _fall_silent(self) -> None:
        """Nobody reads any more: what still lies in the stream goes nowhere, or the process would end with a fault."""
        self._is_heard = False
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


def _words(event: ev.Event) -> str:
    match event.payload:
        case ev.StepStarted():
            return "started"
        case ev.StepFinished() as done:
            return f"{done.status} in {format_duration(done.duration_ms)}  {error_words(done.error)}".rstrip()
        case ev.StepRetryScheduled() as retry:
            return f"failed, again in {format_duration(retry.delay_ms)}  {error_words(retry.error)}".rstrip()
        case ev.StepInterrupted() as cut:
            return f"was cut off: {safe(cut.reason)}"
        case ev.WorkerLost() as lost:
            return f"lost worker {safe(lost.worker)}"
        case ev.QueueBackpressure() as pressure:
            return f"new jobs wait {pressure.delay_ms} ms: the oldest is {pressure.age_ms} ms old"
        case ev.RunWaiting() as waiting:
            return f"waits for a person: {safe(', '.join(waiting.steps))}"
        case ev.RunSucceeded() | ev.RunFailed() | ev.RunCancelled():
            return event.type.removeprefix("run.")
        case _:
            return ""
