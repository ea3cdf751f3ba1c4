"""Effects over several attempts: what was found out, and said, about one holds for no other."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.effects import Intent, NotDone, Reconciled
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Retry, Step
from nofx_cli.domain.state import RunState, RunStatus
from nofx_cli.engine.answer import answer
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import Rig

SEND = StepName("send")
TWICE = Step(SEND, "sender", retry=Retry(max_attempts=2, backoff_ms=(0,)))


class Sender:
    """Sends to a target that another attempt may name otherwise, and cannot look whether it was sent."""

    def __init__(self) -> None:
        self.target = "a"
        self.sent: list[str] = []
        self.loses = 0
        self.announces = False

    def match(self, tool: str) -> bool:
        return True

    def run(self, ctx: StepContext) -> Outcome:
        if self.announces and (announced := ctx.effect("announce", "all", "d")).result is None:
            announced.done({})
        effect = ctx.effect("send", self.target, "d")
        if effect.result is None:
            self.sent.append(f"{self.target} {ctx.attempt}")
            if self.loses:
                self.loses -= 1
                return Failed(StepError("lost", "no answer"), retryable=True)
            effect.done({})
        return Succeeded({})


class Looking(Sender):
    """It can look."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Reconciled | BaseException = NotDone()

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def cut_off(rig: Rig, step: Step = TWICE) -> OpenRun:
    """A run whose process died between the sending and its record."""
    run = rig.create(step)
    rig.append(run.run, ev.RunStarted({}))
    rig.append(run.run, ev.StepEnqueued(), step.name)
    rig.append(run.run, ev.StepStarted(step.tool), step.name, 1)
    rig.append(run.run, ev.EffectIntended("send", "a", "d"), step.name, 1)
    return rig.reopen(run.run)


def goes_on(rig: Rig, run: OpenRun) -> RunState:
    return rig.execute(rig.reopen(run.run)).state


@pytest.mark.parametrize("announces", [False, True], ids=["all of it", "a part of it"])
def test_who_said_that_it_runs_again_did_not_say_so_of_what_that_attempt_sent(tmp_path: Path, announces: bool) -> None:
    """The answer was about the attempt that was cut off; what the next one left open, nobody has seen."""
    sender = Sender()
    sender.announces = announces
    rig = Rig(tmp_path, tools={"sender": sender})
    run = cut_off(rig)
    assert goes_on(rig, run).status is RunStatus.WAITING
    answer(rig.reopen(run.run), SEND, "granted")
    sender.loses = 1

    state = goes_on(rig, run)

    assert sender.sent == ["a 2"]
    assert state.steps[SEND].asked_because(ev.AskReason.EFFECT)


def test_what_was_not_made_is_no_open_end_of_an_attempt_that_made_something_else(tmp_path: Path) -> None:
    """After a rollback, or with another environment, a step may well act on another target."""
    sender = Looking()
    rig = Rig(tmp_path, tools={"sender": sender})
    run = cut_off(rig)
    sender.target = "b"

    state = goes_on(rig, run)

    assert sender.sent == ["b 2"]
    assert state.status is RunStatus.SUCCEEDED, state.steps[SEND].error


def test_a_handler_that_ends_the_process_where_it_looks_only_fails_its_step(tmp_path: Path) -> None:
    sender = Looking()
    sender.found = SystemExit(3)
    rig = Rig(tmp_path, tools={"sender": sender})

    state = goes_on(rig, cut_off(rig))

    error = state.steps[SEND].error
    assert error is not None
    assert error.code == "handler-fault"
    assert state.steps[SEND].open_effects


@pytest.mark.parametrize("method", ["preview", "asks_with"])
@pytest.mark.parametrize("raised", [SystemExit(3), ValueError("no")], ids=["exit", "error"])
def test_so_does_one_that_cannot_say_what_it_would_do(tmp_path: Path, method: str, raised: BaseException) -> None:
    def broken(ctx: StepContext) -> None:
        raise raised

    sender = Sender()
    setattr(sender, method, broken)
    rig = Rig(tmp_path, tools={"sender": sender})

    state = rig.execute(rig.create(Step(SEND, "sender", approval=method == "preview"))).state

    error = state.steps[SEND].error
    assert error is not None
    assert error.code == "handler-fault"
    assert sender.sent == []


def test_one_that_does_not_come_back_is_not_waited_for_longer_than_the_step_may_take(tmp_path: Path) -> None:
    """Every step of the run, or of the worker, would wait with it."""
    comes_back = threading.Event()

    class Hanging(Sender):
        def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
            comes_back.wait()
            return NotDone()

    sender = Hanging()
    rig = Rig(tmp_path, tools={"sender": sender})

    run = cut_off(rig, replace(TWICE, timeout_ms=50))
    try:
        state = goes_on(rig, run)
    finally:
        comes_back.set()

    error = state.steps[SEND].error
    assert error is not None
    assert (error.code, sender.sent) == ("handler-hangs", [])
    assert "did not come to an end within 50ms" in error.message
    assert rig.types(run.run).count("step.retry_scheduled send") == 1
    assert state.steps[SEND].open_effects


def test_a_grant_is_for_the_effect_that_was_asked_about(tmp_path: Path) -> None:
    """Of two that were unclear once, one was asked about now."""
    sender = Looking()
    rig = Rig(tmp_path, tools={"sender": sender})
    run = cut_off(rig)
    rig.append(run.run, ev.EffectUnknown("send", "a", "who knows"), SEND)
    rig.append(run.run, ev.EffectIntended("send", "b", "d"), SEND, 1)
    rig.append(run.run, ev.EffectUnknown("send", "b", "who knows"), SEND)
    rig.append(run.run, ev.ApprovalRequested("0" * 64, "?", ev.AskReason.EFFECT, "x"), SEND)
    rig.append(run.run, ev.ApprovalGranted("0" * 64), SEND)

    [left] = rig.reopen(run.run).state.steps[SEND].open_effects

    assert left.intent.target == "a"
