"""The view where standard error is no terminal: one line for each event that a person or a CI job wants to read."""

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from nofx_cli.cli.live import telling
from nofx_cli.cli.live.event_words import words_of
from nofx_cli.cli.live.watched import WatchedRun
from nofx_cli.cli.output import safe
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.events import Event, GateEvaluated
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.step_state import StepState

_NAME_LIMIT = 24
_WORD_WIDTH = 9
_DETAIL_LIMIT = 400


class PlainView:
    """Writes whole lines. It keeps no state of the run, and asks for it only at the end.

    Args:
        verbose: with the time of each event, and with every line of output.
    """

    def __init__(self, watched: WatchedRun, *, stream: TextIO | None = None, verbose: bool = False) -> None:
        self._watched, self._verbose = watched, verbose
        self._stream = sys.stderr if stream is None else stream
        self._lock = threading.Lock()
        self._gates: dict[tuple[StepName | None, int | None], GateEvaluated] = {}
        self._width = min(max((len(step.name) for step in watched.plan.steps), default=0), _NAME_LIMIT)
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._say(self._ending())

    def events(self, events: Sequence[Event]) -> None:
        self._say([line for event in events for line in self._told(event)])

    def line(self, step: StepName, text: str) -> None:
        if self._verbose:
            self._say([f"{'':12}  {step:<{self._width}}  | {safe(telling.newest(text))}"])

    def stopping(self) -> None:
        self._say(["stopping… (Ctrl-C again kills)"])

    def _told(self, event: Event) -> list[str]:
        if isinstance(event.payload, GateEvaluated):
            self._gates[event.step, event.attempt] = event.payload
            return []
        gate = self._gates.pop((event.step, event.attempt), None)
        words = words_of(event, plan=self._watched.plan, gate=gate)
        if words is None:
            return []
        when = f"{event.at[11:23]}  " if self._verbose else ""
        took = f"   {format_duration(words.took_ms)}" if words.took_ms else ""
        detail = words.detail[:_DETAIL_LIMIT]
        line = f"{when}{event.step or 'run':<{self._width}}  {words.word:<{_WORD_WIDTH}}  {detail}{took}"
        return [line.rstrip()]

    def _ending(self) -> list[str]:
        state, run = self._watched.state(), self._watched.run
        lines = [line for step in telling.failures(state) for line in self._failure(step)]
        lines += [f"warning: {step.name}: {telling.error_words(step.error)}" for step in telling.warnings(state)]
        lines.append(f"run {run} {telling.headline(state, format_duration(state.duration_ms))}")
        return lines + [f"next: {command}" for command in telling.next_commands(state, run)]

    def _failure(self, step: StepState) -> list[str]:
        lines = [f"{step.name} failed: {telling.error_words(step.error)}"]
        found = telling.findings_lines(self._watched.findings(step), self._watched.run)
        lines += [f"  | {line}" for line in found or telling.log_tail(self._watched.log_path, step)]
        hint = safe(step.error.hint) if step.error else ""
        return [*lines, f"  hint: {hint}"] if hint else lines

    def _say(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        with self._lock:
            if self._closed:
                return
            try:
                self._stream.write("".join(f"{line}\n" for line in lines))
                self._stream.flush()
            except (OSError, ValueError):
                self._closed = True  # nobody reads any more, which is no reason to end the run
