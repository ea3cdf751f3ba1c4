"""The view on a terminal: a thread that draws the run a few times a second and takes the keys of an approval.

Who does what:

- the executor's threads only leave notes (`events`, `line`), so that they never wait for the terminal;
- the view's thread takes the notes in, draws, and reads keys while a question is open; it alone knows Rich, which
  it imports while the first steps already run;
- a decision is recorded in a thread of its own, since that writes to the journal; what comes of it is a note too;
- the main thread enters, leaves, and is told of Ctrl-Z: then the terminal is put right before this process stops.

A fault of the view is no fault of the run: the terminal is put right, and plain lines go on.
"""

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from nofx_cli import errors
from nofx_cli.cli.live.board import Board
from nofx_cli.cli.live.desk import Act, Decide, Desk, Leave, Question, ShowAll
from nofx_cli.cli.live.keyboard import Keyboard, is_foreground, readable
from nofx_cli.cli.live.plain import PlainView
from nofx_cli.cli.live.printed import Diversion
from nofx_cli.cli.live.terminal_signals import TerminalSignals
from nofx_cli.cli.live.watched import LEFT, WatchedRun
from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import StepName
from nofx_cli.worker.attempts import Stop

if TYPE_CHECKING:
    from nofx_cli.cli.live.screen import Screen

_FRAME_MS = 100
_STILL_MS = 1_000


class LiveView:
    """Draws on `stream`, a terminal; takes keys from `keyboard`, a terminal too, or from nobody where that is None."""

    def __init__(self, watched: WatchedRun, *, stream: TextIO | None = None, keyboard: Keyboard | None = None) -> None:
        self._watched = watched
        self._stream = sys.stderr if stream is None else stream
        self._keyboard = keyboard if watched.answer is not None else None
        self._board = Board(watched)
        self._desk = Desk(is_open=self._keyboard is not None)
        self._plain: PlainView | None = None
        self._screen: Screen | None = None
        self._drawing = threading.RLock()  # taken again by a signal that comes while the main thread has it
        self._paused = self._closing = self._woken = self._any_told = False
        self._printed: deque[str] = deque()
        self._refusals: deque[str] = deque()
        self._recording: threading.Thread | None = None
        self._signals = TerminalSignals(stop=self._pause, go_on=self._go_on, resized=self._wake)
        self._diversion = Diversion(self._print)
        self._thread = threading.Thread(target=self._work, name="live view", daemon=True)

    def __enter__(self) -> Self:
        self._wake_fd, self._waker_fd = os.pipe()
        os.set_blocking(self._waker_fd, False)
        if self._keyboard is not None:
            self._keyboard.take()
        self._signals.begin()
        self._diversion.begin()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone, which is nothing to tell anybody
            try:
                self._stop_drawing()
            finally:  # another Ctrl-C may come while the thread ends: the terminal is put right all the same
                self._diversion.end()
                self._signals.end()
                self._pause()
            self._finish(told=kind is None or self._any_told)
        self._woken = True  # whoever was left behind wakes nobody any more
        os.close(self._wake_fd)
        os.close(self._waker_fd)

    def _stop_drawing(self) -> None:
        self._closing = True
        self._wake(always=True)
        self._thread.join()
        if self._recording is not None:
            self._recording.join()

    def events(self, events: Sequence[Event]) -> None:
        self._any_told = self._any_told or bool(events)
        self._board.tell(events)
        if self._plain is not None:
            self._plain.events(self._board.untaken())
        self._wake()

    def line(self, step: StepName, text: str) -> None:
        self._board.hear(step, text)

    def stopping(self) -> None:
        self._board.stopping = True
        self._wake()

    def _work(self) -> None:
        try:
            from nofx_cli.cli.live.screen import Screen

            self._screen = Screen(self._stream)
            while not self._closing:
                self._turn(self._screen)
                self._wait()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the run goes on, and plain lines tell of it
            self._fall_back(exc)

    def _turn(self, screen: "Screen") -> None:
        """Take in what was noted and draw."""
        self._woken = False
        self._board.take_in()
        while self._refusals:
            self._desk.refused(self._refusals.popleft())
        self._lay_out_questions()
        with self._drawing:
            if self._paused or not is_foreground(self._stream.fileno()):
                return
            if self._keyboard is not None:
                self._keyboard.take()
            self._print_notes(screen)
            screen.draw(self._board, self._desk, now_us=self._watched.clock.now_us())

    def _lay_out_questions(self) -> None:
        open_questions = [
            Question(step.name, step.approval.digest) for step in self._board.questions() if step.approval is not None
        ]
        self._desk.may_leave = self._board.may_be_left
        if self._desk.lay_out(open_questions) and self._keyboard is not None:
            self._keyboard.forget()  # what was typed before the question stood there is no answer to it

    def _wait(self) -> None:
        """Until the next frame is due: soon when something moves or was noted, at once after a key."""
        now_ms = self._watched.clock.monotonic_ms
        earliest = now_ms() + _FRAME_MS
        until = earliest if self._board.moves else now_ms() + _STILL_MS
        keys = [self._keyboard.fd] if self._takes_keys() and self._keyboard is not None else []
        while not self._closing and (left_ms := until - now_ms()) > 0:
            ready = readable([self._wake_fd, *keys], timeout_ms=left_ms)
            if self._wake_fd in ready:
                os.read(self._wake_fd, 64)
                until = min(until, earliest)
            if any(fd in ready for fd in keys):
                self._take_keys()
                return

    def _takes_keys(self) -> bool:
        keyboard = self._keyboard
        return keyboard is not None and keyboard.is_ready and self._desk.current is not None and not self._paused

    def _take_keys(self) -> None:
        assert self._keyboard is not None
        with self._drawing:
            keys = self._keyboard.read()
        act = self._desk.press(keys) if keys else None
        if act is not None:
            self._do(act)

    def _do(self, act: Act) -> None:
        match act:
            case Decide():
                self._decide(act)
            case ShowAll(question):
                with self._drawing:
                    if self._screen is not None and not self._paused:
                        self._screen.print_document(self._board, question)
            case Leave():
                self._watched.inbox.put(Stop(LEFT))

    def _decide(self, act: Decide) -> None:
        problem = self._board.documents.of(self._board.state.steps[act.question.step]).problem
        if problem and act.decision == "granted":
            self._desk.refused("what cannot be shown cannot be approved here")
            return
        self._recording = threading.Thread(target=self._record, args=(act,), name="answer", daemon=True)
        self._recording.start()

    def _record(self, act: Decide) -> None:
        assert self._watched.answer is not None
        try:
            self._watched.answer(act.question.step, act.decision, note=act.note, digest=act.question.digest)
        except errors.NofxError as exc:
            self._refusals.append(exc.message)
        except Exception as exc:  # noqa: BLE001 - told where the person looks; the question stays open
            self._refusals.append(f"a fault in nofx: {type(exc).__name__}: {exc}")
        self._wake()

    def _print(self, line: str) -> None:
        self._printed.append(line)
        self._wake()

    def _print_notes(self, screen: "Screen") -> None:
        if self._printed:
            screen.print_lines([self._printed.popleft() for _ in range(len(self._printed))])

    def _wake(self, *, always: bool = False) -> None:
        """Let the view's thread look; one note is enough until it has."""
        if self._woken and not always:
            return
        self._woken = True
        with contextlib.suppress(BlockingIOError):  # full of notes already
            os.write(self._waker_fd, b".")

    def _pause(self) -> None:
        """Draw no more, and put the terminal right."""
        with self._drawing:
            self._paused = True
            if self._screen is not None and self._plain is None:
                self._screen.clear()
            if self._keyboard is not None:
                self._keyboard.give_back()

    def _go_on(self) -> None:
        with self._drawing:
            self._paused = False
            if self._keyboard is not None:
                self._keyboard.give_back()  # a shell may have set the modes meanwhile
                self._keyboard.take()
        self._wake()

    def _fall_back(self, exc: Exception) -> None:
        plain = PlainView(self._watched, stream=self._stream)
        with self._drawing, contextlib.suppress(OSError):
            if self._screen is not None:
                self._screen.clear()
            if self._keyboard is not None:
                self._keyboard.give_back()
            if not isinstance(exc, OSError):
                self._stream.write(f"the live view failed ({type(exc).__name__}: {exc}); plain lines from here on\n")
        self._plain = plain
        plain.events(self._board.untaken())  # told meanwhile: before this was set, or else `events` has seen it

    def _finish(self, *, told: bool) -> None:
        if self._plain is not None:
            if told:
                self._plain.__exit__(None, None, None)
            return
        assert self._screen is not None
        self._board.take_in()
        self._print_notes(self._screen)
        if told:
            now_us = self._watched.clock.now_us()
            self._screen.leave(self._board, log_path=self._watched.log_path, now_us=now_us)
