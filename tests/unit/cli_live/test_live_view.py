"""The view on a real pseudo-terminal: what is seen, what keys do, and what is left behind."""

import os
import signal
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from fcntl import ioctl

import pytest

from nofx_cli import errors
from nofx_cli.cli.live import live_view
from nofx_cli.cli.live.keyboard import Keyboard
from nofx_cli.cli.live.live_view import LiveView
from nofx_cli.cli.live.watched import LEFT
from nofx_cli.clock import SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.engine.answer import Decision
from nofx_cli.testing.waiting import wait_until
from nofx_cli.worker.attempts import Stop
from tests.unit.cli_live.stage import NO_ROUTE, RUN, Stage, failed, started, step, succeeded

BUILD = StepName("build")


@dataclass
class Terminal:
    """A pseudo-terminal of 100 columns and 30 lines, and all that was written to it so far."""

    person: int
    fd: int
    seen: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.stream = os.fdopen(os.dup(self.fd), "w", encoding="utf-8")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        return self.seen.decode("utf-8", "replace")

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.text(), why=f"{text!r} on the terminal")

    def press(self, keys: str) -> None:
        os.write(self.person, keys.encode())

    def modes(self) -> object:
        return termios.tcgetattr(self.fd)

    def close(self) -> None:
        """End the reader before the number of its file is given to another."""
        self.stream.close()
        os.close(self.fd)
        self._reader.join()
        os.close(self.person)

    def _read(self) -> None:
        try:
            while data := os.read(self.person, 65536):
                self.seen += data
        except OSError:
            return  # it was closed


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm-256color")
    person, fd = os.openpty()
    terminal = Terminal(person, fd)
    yield terminal
    terminal.close()


@dataclass
class Answers:
    """Takes decisions; `refuse` is raised instead."""

    given: list[tuple[str, str, str, str]] = field(default_factory=list)
    refuse: Exception | None = None

    def __call__(self, step: StepName, decision: Decision, *, note: str, digest: str) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.given.append((step, decision, note, digest))


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def stage(answers: Answers) -> Stage:
    stage = Stage(step("build"), step("ship"))
    stage.clock = SystemClock()  # type: ignore[assignment] # the view waits for real
    stage.answer = answers
    return stage


def _view(stage: Stage, terminal: Terminal, *, keys: bool = True) -> LiveView:
    return LiveView(stage.watched, stream=terminal.stream, keyboard=Keyboard(terminal.fd) if keys else None)


def _asking(stage: Stage) -> ev.ApprovalRequested:
    asked = stage.request("build", "Build it?", inputs={"colour": "seven"})
    stage.tell(asked, ev.RunWaiting(("build",)))
    return asked[0]


def test_shows_a_run_and_leaves_its_summary(stage: Stage, terminal: Terminal) -> None:
    with _view(stage, terminal) as view:
        view.events(stage.tell(started("build")))
        view.line(BUILD, "compiling \x1b[31m7 of 9")
        terminal.shows("compiling 7 of 9")
        view.events(stage.tell(succeeded("build"), ev.RunSucceeded(10)))
        terminal.shows("1/2")
    terminal.shows("✓ succeeded in")
    assert terminal.text().count("\x1b[?25l") >= 1
    assert terminal.text().rindex("\x1b[?25h") > terminal.text().rindex("\x1b[?25l")


def test_events_of_the_history_are_not_taken_in_twice(stage: Stage, terminal: Terminal) -> None:
    events = stage.tell(started("build"), failed("build"), (ev.StepReset("retry"), "build"), started("build", 2))
    with _view(stage, terminal) as view:
        view.events(events)
        view.events(stage.tell(succeeded("build", 2), ev.RunSucceeded(10)))
    terminal.shows("✓ succeeded in")
    assert "✗" not in terminal.text()


def test_short_run_is_summed_up_too(stage: Stage, terminal: Terminal) -> None:
    with _view(stage, terminal) as view:
        view.events(
            stage.tell(started("build"), failed("build"), ev.RunFailed("build", 1, NO_ROUTE, "nofx retry x", 5))
        )
    terminal.shows("nofx retry x")


def test_one_key_approves_what_was_shown(stage: Stage, terminal: Terminal, answers: Answers) -> None:
    asked = _asking(stage)
    with _view(stage, terminal):
        terminal.shows("build waits for you")
        terminal.shows("colour")
        terminal.press("a")
        wait_until(lambda: answers.given)
        terminal.shows("approving…")
    assert answers.given == [("build", "granted", "", asked.digest)]


def test_keys_typed_before_the_question_are_no_answer(stage: Stage, terminal: Terminal, answers: Answers) -> None:
    with _view(stage, terminal) as view:
        view.events(stage.tell(started("ship")))
        terminal.shows("ship")
        terminal.press("a")
        asked = stage.request("build", "Build it?")
        view.events(stage.tell(asked))
        terminal.shows("build waits for you")
        terminal.press("r")
        terminal.shows("why?")
    assert answers.given == []


def test_refused_answer_is_shown_and_can_be_given_again(stage: Stage, terminal: Terminal, answers: Answers) -> None:
    answers.refuse = errors.Conflict("it has changed since it was shown")
    _asking(stage)
    with _view(stage, terminal):
        terminal.shows("waits for you")
        terminal.press("a")
        terminal.shows("it has changed since it was shown")
        answers.refuse = None
        terminal.press("w")
        terminal.shows("why?")
        terminal.press("by hand\r")
        wait_until(lambda: answers.given)
    assert answers.given[0][:3] == ("build", "waived", "by hand")


def test_fault_while_recording_is_told_not_raised(stage: Stage, terminal: Terminal, answers: Answers) -> None:
    answers.refuse = ZeroDivisionError("oh")
    _asking(stage)
    with _view(stage, terminal):
        terminal.shows("waits for you")
        terminal.press("a")
        terminal.shows("a fault in nofx: ZeroDivisionError: oh")


def test_what_cannot_be_shown_cannot_be_approved(stage: Stage, terminal: Terminal, answers: Answers) -> None:
    _asking(stage)
    stage.documents.clear()
    with _view(stage, terminal):
        terminal.shows("cannot be read")
        terminal.press("a")
        terminal.shows("what cannot be shown cannot be approved here")
    assert answers.given == []


def test_approval_from_elsewhere_is_seen_at_once(stage: Stage, terminal: Terminal) -> None:
    asked = _asking(stage)
    with _view(stage, terminal) as view:
        terminal.shows("waits for you")
        view.events(stage.tell((ev.ApprovalGranted(asked.digest, "from afar"), "build"), started("build")))
        view.events(stage.tell(succeeded("build")))
        terminal.shows("approved by ada")


def test_all_that_is_bound_is_printed_above(stage: Stage, terminal: Terminal) -> None:
    asked = _asking(stage)
    with _view(stage, terminal):
        terminal.shows("waits for you")
        terminal.press("v")
        terminal.shows(f"bound to {asked.digest}")
        terminal.shows("inputs.colour")


def test_leaving_a_wait_stops_without_a_signal(stage: Stage, terminal: Terminal) -> None:
    _asking(stage)
    with _view(stage, terminal):
        terminal.shows("waits for you")
        terminal.press("d")
        assert wait_until(lambda: stage.inbox.get() if not stage.inbox.empty() else None) == Stop(LEFT)
    terminal.shows(f"nofx approve build --run {RUN}")


def test_without_a_keyboard_the_command_is_shown(stage: Stage, terminal: Terminal) -> None:
    _asking(stage)
    with _view(stage, terminal, keys=False):
        terminal.shows("build waits for a person")
        terminal.shows(f"nofx approve build --run {RUN}")


def test_terminal_is_put_back(stage: Stage, terminal: Terminal) -> None:
    before = terminal.modes()
    with _view(stage, terminal):
        assert terminal.modes() != before
    assert terminal.modes() == before


def test_terminal_is_put_back_after_an_exception(stage: Stage, terminal: Terminal) -> None:
    before = terminal.modes()

    def run() -> None:
        with _view(stage, terminal):
            terminal.shows("ship")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert terminal.modes() == before
    terminal.shows("\x1b[?25h")


def test_error_before_anything_happened_leaves_no_summary(stage: Stage, terminal: Terminal) -> None:
    def run() -> None:
        with _view(stage, terminal):
            raise errors.Conflict("it is held")

    with pytest.raises(errors.Conflict):
        run()
    assert "was stopped before its end" not in terminal.text()


def test_fault_of_the_view_falls_back_to_plain_lines(
    stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nofx_cli.cli.live import screen

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("drawn wrong")

    monkeypatch.setattr(screen, "frame", broken)
    before = terminal.modes()
    with _view(stage, terminal) as view:
        terminal.shows("the live view failed (ZeroDivisionError: drawn wrong)")
        view.events(stage.tell(started("build")))
        terminal.shows("build  started")
        view.events(stage.tell(succeeded("build"), ev.RunSucceeded(10)))
    terminal.shows(f"run {RUN} succeeded")
    assert terminal.modes() == before


def test_what_a_plugin_prints_goes_above(stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal.stream)
    with _view(stage, terminal) as view:
        terminal.shows("ship")
        sys.stdout.write("hello \x1b[2Jfrom a plugin")
        sys.stdout.write(" and more\n")
        terminal.shows("hello from a plugin and more")
        view.events(stage.tell(ev.RunSucceeded(10)))
    assert sys.stdout is terminal.stream


def test_ctrl_z_puts_the_terminal_right_and_fg_takes_it_again(
    stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_stop = []
    before = terminal.modes()

    def stop_instead(pid: int, number: int) -> None:
        at_stop.append((number, terminal.modes(), signal.getsignal(signal.SIGTSTP)))

    with _view(stage, terminal) as view:
        terminal.shows("ship")
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", stop_instead)
            signal.raise_signal(signal.SIGTSTP)
        assert at_stop == [(signal.SIGTSTP, before, signal.SIG_DFL)]
        terminal.shows("\x1b[?25h")
        seen = len(terminal.seen)
        signal.raise_signal(signal.SIGCONT)
        assert terminal.modes() != before
        wait_until(lambda: "ship" in terminal.seen[seen:].decode(), why="the frame, drawn anew")
        view.events(stage.tell(ev.RunSucceeded(10)))
    assert terminal.modes() == before
    assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL


def test_new_size_is_drawn_at_once(stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_view, "_STILL_MS", 60_000)
    _asking(stage)
    with _view(stage, terminal):
        terminal.shows("waits for you")
        seen = len(terminal.seen)
        ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 50, 0, 0))
        signal.raise_signal(signal.SIGWINCH)
        wait_until(lambda: "╭" in terminal.seen[seen:].decode("utf-8", "replace"))


def test_stream_that_a_plugin_kept_stays_usable(
    stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", terminal.stream)
    with _view(stage, terminal):
        kept = sys.stdout
    kept.write("written afterwards\n")
    terminal.stream.flush()
    terminal.shows("written afterwards")


def test_says_that_it_is_stopping(stage: Stage, terminal: Terminal) -> None:
    with _view(stage, terminal) as view:
        view.stopping()
        terminal.shows("Ctrl-C again kills")
