"""What the live view knows of a run: its own fold of the events it was told, and the newest line of each step.

`tell` and `hear` are called from any thread and only leave a note; all else belongs to the thread that draws, which
takes the notes in before each frame. So the executor never waits for the view, and no lock is held.
"""

from collections import deque
from collections.abc import Sequence

from nofx_cli.cli.live.documents import Documents
from nofx_cli.cli.live.telling import newest, waiting_steps
from nofx_cli.cli.live.watched import WatchedRun
from nofx_cli.clock import parse_at
from nofx_cli.domain.events import Event, StepStarted
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.state import RunState, RunStatus, advance, fold
from nofx_cli.domain.step_state import StepState, StepStatus

_LINE_LIMIT = 1_000


class Board:
    """The run as it is shown."""

    def __init__(self, watched: WatchedRun) -> None:
        self.run, self.plan = watched.run, watched.plan
        self._history = watched.history
        history = list(self._history())
        self.state: RunState = fold(watched.plan, history)
        self.documents = Documents(watched.shown)
        self.findings = watched.findings
        self.stopping = False
        self._seq = history[-1].seq if history else 0
        self._told: deque[Event] = deque()
        self._lines: dict[StepName, str] = {}

    def tell(self, events: Sequence[Event]) -> None:
        """Note events, of which some may be known from the history. An attempt begins without a line."""
        for event in events:
            if event.step is not None and isinstance(event.payload, StepStarted):
                self._lines.pop(event.step, None)
        self._told.extend(events)

    def hear(self, step: StepName, text: str) -> None:
        """Note a line of output. A line without anything to see does not take the place of one with."""
        if text and not text.isspace():
            self._lines[step] = text[-_LINE_LIMIT:] if "\r" in text else text[:_LINE_LIMIT]

    def take_in(self) -> bool:
        """Fold what was told; whether that was anything new."""
        changed = False
        while self._told:
            event = self._told.popleft()
            if event.seq <= self._seq:
                continue
            self.state = advance(self.state, [event], self._history)
            self._seq, changed = event.seq, True
        return changed

    def untaken(self) -> list[Event]:
        """Take away what was told and not folded, for a view that goes on without this board."""
        taken = []
        while self._told:
            taken.append(self._told.popleft())
        return taken

    def line_of(self, step: StepState) -> str:
        """The newest line of its output, as it came."""
        return newest(self._lines.get(step.name, ""))

    def questions(self) -> list[StepState]:
        """The steps that wait for an answer."""
        return waiting_steps(self.state)

    def elapsed_ms(self, now_us: int) -> int:
        """Since the run first started, until it ended."""
        if not self.state.started_at:
            return 0
        end_us = parse_at(self.state.ended_at) if self.state.ended_at else now_us
        return max(end_us - parse_at(self.state.started_at), 0) // 1000

    @property
    def moves(self) -> bool:
        """Whether a frame differs from the last one although nothing was told: something runs or counts down."""
        counts = self.state.counts
        return bool(counts[StepStatus.RUNNING] or counts[StepStatus.QUEUED])

    @property
    def may_be_left(self) -> bool:
        """Whether a person can go away without cutting anything off."""
        return self.state.status is RunStatus.WAITING and not self.state.counts[StepStatus.RUNNING]
