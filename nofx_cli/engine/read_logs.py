"""The output of a run's steps: as it lies there, or as it comes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.state import advance
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.services import Services
from nofx_cli.engine.view_run import RunView

_BLOCK = 256 * 1024
_LONGEST = 64 * 1024
_TURN_MS = 100


@dataclass(slots=True)
class AttemptLog:
    """The log of one attempt, read piece by piece. Nothing is there before the attempt has written something."""

    step: StepName
    attempt: int
    path: Path
    _offset: int = 0
    _rest: bytes = b""
    _file: BinaryIO | None = field(default=None, repr=False)

    def lines(self, *, final: bool) -> Iterator[bytes]:
        """The whole lines written since the last call, without their ends; with `final` also one that has no end.

        A line longer than 64 KiB comes in pieces.
        """
        while block := self._read():
            *whole, self._rest = (self._rest + block).split(b"\n")
            for line in whole:
                yield from _pieces(line)
            if len(self._rest) > _LONGEST:
                *long, self._rest = _pieces(self._rest)
                yield from long
        if final:
            if self._rest:
                yield self._rest
            self.close()

    def blocks(self) -> Iterator[bytes]:
        """The bytes as they are."""
        while block := self._read():
            yield block
        self.close()

    def close(self) -> None:
        self._rest = b""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> bytes:
        if self._file is None:
            try:
                self._file = open(self.path, "rb")  # noqa: SIM115 - stays open from call to call
            except FileNotFoundError:
                return b""
        return self._file.read(_BLOCK)


def _pieces(line: bytes) -> Iterator[bytes]:
    """Cut a long line, never inside a character of UTF-8. The last piece may be empty only if the line is."""
    start = 0
    while len(line) - start > _LONGEST:
        end = start + _LONGEST
        while end > start + _LONGEST - 4 and line[end] & 0xC0 == 0x80:
            end -= 1
        yield line[start:end]
        start = end
    yield line[start:]


def logs_of(services: Services, view: RunView, *, step: StepName | None = None, attempt: int = 0) -> list[AttemptLog]:
    """The logs of the steps that have started, in the order of the plan: of one attempt (0: of the last one)."""
    steps = [view.state.steps[step]] if step is not None else list(view.state.steps.values())
    return [
        _log(services, view.run, found.name, attempt or found.attempt)
        for found in steps
        if 0 < (attempt or found.attempt) <= max(found.attempt, found.last_attempt)
    ]


def follow_logs(
    services: Services, view: RunView, *, step: StepName | None = None, attempt: int = 0
) -> Iterator[tuple[AttemptLog, bytes]]:
    """Each line of the logs as it comes, until the step, or else the run, has ended. Takes over the view's state."""
    state, seq = view.state, view.head.seq
    logs = {(log.step, log.attempt): log for log in logs_of(services, view, step=step, attempt=attempt)}
    while True:
        done = state.ended if step is None else state.ended or state.steps[step].ended
        for key, log in list(logs.items()):
            now = state.steps[log.step]
            over = now.attempt != log.attempt or now.status is not StepStatus.RUNNING
            for line in log.lines(final=over):
                yield log, line
            if over:
                del logs[key]
        if done:
            return
        services.store.wait(view.run, after_seq=seq, timeout_ms=_TURN_MS)
        events = list(services.store.read(view.run, after_seq=seq))
        state = advance(state, events, lambda: services.store.read(view.run))
        for event in events:
            seq = event.seq
            new = event.step is not None and event.type == "step.started" and event.step in state.steps
            if new and event.step is not None and step in (None, event.step) and attempt in (0, event.attempt):
                logs[event.step, event.attempt or 0] = _log(services, view.run, event.step, event.attempt or 0)


def _log(services: Services, run: RunId, step: StepName, attempt: int) -> AttemptLog:
    return AttemptLog(step, attempt, services.artifacts.log_path(run, step, attempt))
