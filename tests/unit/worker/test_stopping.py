"""Signals reach a run in memory: what has ended counts, what is cut off does not, and everything is told once."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from nofx_cli.domain.events import Event
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.plan import Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.answer import answer
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.testing.waiting import wait_until
from nofx_cli.worker.attempts import Inbox, Stop
from nofx_cli.worker.inline import execute

A, B = StepName("a"), StepName("b")


class Seen:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.stops = 0

    def events(self, events: Sequence[Event]) -> None:
        self.seqs += [event.seq for event in events]

    def line(self, step: StepName, text: str) -> None:
        pass

    def stopping(self) -> None:
        self.stops += 1


@pytest.mark.parametrize(("signal", "status"), [("SIGTERM", RunStatus.RUNNING), ("SIGINT", RunStatus.CANCELLED)])
def test_what_ends_together_with_a_signal_counts(tmp_path: Path, signal: str, status: RunStatus) -> None:
    inbox: Inbox = Inbox()
    stopped = threading.Event()

    def ends_when_stopped(ctx: StepContext) -> Outcome:
        inbox.put(Stop(signal))
        assert stopped.wait(10)
        return Succeeded({"done": "yes"})

    class Watching(Seen):
        def stopping(self) -> None:
            super().stopping()
            stopped.set()

    rig = Rig(tmp_path, tools={"work": ends_when_stopped})
    run = rig.create(Step(A, "work"), Step(B, "echo", (A,)))
    seen = Watching()

    ending = execute(run, observer=seen, inbox=inbox)

    assert (ending.signal, seen.stops) == (signal, 1)
    state = rig.reopen(run.run).state
    assert state.status is status
    if signal == "SIGTERM":
        assert state.steps[A].outputs == {"done": "yes"}
        assert state.steps[B].status is StepStatus.QUEUED
        assert rig.execute(rig.reopen(run.run)).state.status is RunStatus.SUCCEEDED
        assert rig.types(run.run).count("step.started a") == 1


def test_a_result_that_is_in_before_ctrl_c_is_on_record_before_the_run_is_cancelled(tmp_path: Path) -> None:
    inbox: Inbox = Inbox()
    go = threading.Event()

    def waits(ctx: StepContext) -> Outcome:
        assert go.wait(10)
        return Succeeded()

    class Interrupts(Seen):
        """Lets Ctrl-C come right behind the result of `b`, while the executor is busy telling of `a`."""

        def events(self, events: Sequence[Event]) -> None:
            super().events(events)
            if any((event.type, event.step) == ("step.finished", A) for event in events):
                go.set()
                wait_until(lambda: not inbox.empty(), why="the result of b")
                inbox.put(Stop("SIGINT"))

    rig = Rig(tmp_path, tools={"work": waits})
    run = rig.create(Step(A, "echo"), Step(B, "work"), Step(StepName("c"), "echo", (B,)))

    ending = execute(run, observer=Interrupts(), inbox=inbox)

    assert ending.state.status is RunStatus.CANCELLED
    assert rig.types(run.run)[-3:] == ["step.finished b", "step.enqueued c", "run.cancelled"]


class GivesAnAnswer(FunctionHandler):
    """Has somebody answer `b` while the executor makes up what it appends next."""

    def preview(self, ctx: StepContext) -> JsonObject:
        if not self.shown:
            self.shown = {"answered": True}
            answer(self.rig.reopen(ctx.run_id), B, "granted")
        return dict(self.shown)

    rig: Rig


def test_what_others_append_in_between_is_told_too_once_and_in_order(tmp_path: Path) -> None:
    gives = GivesAnAnswer(lambda _ctx: Succeeded(), needs_approval=True)
    ask = FunctionHandler(lambda _ctx: Succeeded(), needs_approval=True)
    gives.rig = rig = Rig(tmp_path, tools={"gives": gives, "ask": ask})
    run = rig.create(Step(B, "ask"), Step(A, "echo"), Step(StepName("c"), "gives", (A,)))
    seen = Seen()

    assert execute(run, observer=seen).state.status is RunStatus.WAITING
    assert rig.types(run.run).count("step.finished b") == 1
    assert seen.seqs == list(range(2, len(rig.events(run.run)) + 1))
