"""The executor on runs in memory: order, retries, skips, concurrency, and who may append what when."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from nofx_cli.clock import Inbox, ManualClock, parse_at
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Retry, Severity, Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.answer import Decision, answer
from nofx_cli.engine.cancel import cancel
from nofx_cli.engine.retry import retry
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.rig import FunctionHandler, Rig
from nofx_cli.worker.executor import Ending
from nofx_cli.worker.inline import execute
from nofx_cli.worker.observer import Silent

T = TypeVar("T")


def step(name: str, *needs: str, tool: str = "echo", **fields: object) -> Step:
    return Step(StepName(name), tool, tuple(StepName(need) for need in needs), **fields)  # type: ignore[arg-type]


def fails(ctx: StepContext) -> Outcome:
    return Failed(StepError("broken", "it broke"))


def test_a_chain_listed_in_reverse_runs_in_the_order_of_its_needs(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(step("c", "b"), step("b", "a"), step("a"))

    ending = rig.execute(run)

    assert ending.state.status is RunStatus.SUCCEEDED
    started = [event.step for event in rig.events(run.run) if event.type == "step.started"]
    assert started == ["a", "b", "c"]


def test_twenty_independent_steps_have_one_event_of_each_kind_and_no_gap(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(*(step(f"s{number}") for number in range(20)), concurrency=8)

    rig.execute(run)

    events = rig.events(run.run)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for number in range(20):
        of_step = [event.type for event in events if event.step == f"s{number}"]
        assert of_step == ["step.enqueued", "step.started", "step.finished"]
    assert [event.type for event in events if event.step is None] == ["run.created", "run.started", "run.succeeded"]


def test_a_chain_costs_one_append_a_step(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(*(step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(10)))

    rig.execute(run)

    batches = [event for event in rig.events(run.run) if b'"more":' not in event.line]
    assert len(batches) == 1 + 1 + 10  # created, the first claim, and one for each step


def test_never_more_steps_at_once_than_the_plan_allows_and_as_many_as_it_allows(tmp_path: Path) -> None:
    together = threading.Barrier(3)
    now, most, lock = [0], [0], threading.Lock()

    def meets(ctx: StepContext) -> Outcome:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(timeout=10)
        with lock:
            now[0] -= 1
        return Succeeded()

    rig = Rig(tmp_path, tools={"meet": meets})
    run = rig.create(*(step(f"s{number}", tool="meet") for number in range(9)), concurrency=3)

    assert rig.execute(run).state.status is RunStatus.SUCCEEDED
    assert most == [3]


def test_an_instant_handler_is_called_without_a_thread_and_any_other_in_one(tmp_path: Path) -> None:
    seen: dict[str, threading.Thread] = {}

    def notes(ctx: StepContext) -> Outcome:
        seen[ctx.step] = threading.current_thread()
        return Succeeded()

    rig = Rig(tmp_path, tools={"instant": FunctionHandler(notes, instant=True), "slow": notes})
    rig.execute(rig.create(step("a", tool="instant"), step("b", "a", tool="slow")))

    assert seen["a"] is threading.current_thread()
    assert seen["b"] is not threading.current_thread()


def test_a_failed_step_skips_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"fail": fails})
    run = rig.create(step("bad", tool="fail"), step("b", "bad"), step("c", "b"), step("free"))

    state = rig.execute(run).state

    assert {name: s.status.value for name, s in state.steps.items()} == {
        "bad": "failed", "b": "skipped", "c": "skipped", "free": "succeeded",
    }  # fmt: skip
    assert [state.steps[StepName(name)].cause for name in ("b", "c")] == ["bad", "bad"]
    assert rig.types(run.run).count("run.failed") == 1
    assert state.failure is not None
    assert (state.failure.step, state.failure.attempt, state.failure.error.code) == ("bad", 1, "broken")
    assert state.failure.next == f"nofx retry {run.run} --from bad"


def test_two_failures_then_success_are_tried_at_0_2_and_7_seconds(tmp_path: Path) -> None:
    def third_time(ctx: StepContext) -> Outcome:
        return (
            Failed(StepError("flaky", "not yet"), retryable=True) if ctx.attempt < 3 else Succeeded({"n": ctx.attempt})
        )

    rig = Rig(tmp_path, tools={"flaky": third_time}, clock=ManualClock())
    run = rig.create(step("a", tool="flaky", retry=Retry(3, (2_000, 5_000, 10_000))))

    state = rig.execute(run).state

    started = [parse_at(event.at) for event in rig.events(run.run) if event.type == "step.started"]
    assert [(at - started[0]) / 1_000_000 for at in started] == [0, 2, 7]
    assert rig.types(run.run).count("run.failed") == 0
    assert rig.types(run.run).count("step.finished a") == 1
    assert state.status is RunStatus.SUCCEEDED
    assert state.steps[StepName("a")].outputs == {"n": 3}


@pytest.mark.parametrize(("wait_ms", "seconds"), [(1, 2), (30_000, 30), (10**9, 3_600)])
def test_who_wants_to_be_left_alone_is_for_so_long_up_to_an_hour(tmp_path: Path, wait_ms: int, seconds: int) -> None:
    def busy(ctx: StepContext) -> Outcome:
        busy = Failed(StepError("busy", "not now"), retryable=True, wait_ms=wait_ms)
        return busy if ctx.attempt == 1 else Succeeded()

    rig = Rig(tmp_path, tools={"busy": busy}, clock=ManualClock())
    run = rig.create(step("a", tool="busy", retry=Retry(2, (2_000,))))

    assert rig.execute(run).state.status is RunStatus.SUCCEEDED

    first, second = (parse_at(event.at) for event in rig.events(run.run) if event.type == "step.started")
    assert (second - first) / 1_000_000 == seconds


def test_a_failure_that_is_not_retryable_is_not_retried(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"fail": fails})
    run = rig.create(step("a", tool="fail", retry=Retry(5, (0,))))

    rig.execute(run)

    assert rig.types(run.run).count("step.started a") == 1


def test_retries_end_with_the_last_error(tmp_path: Path) -> None:
    def never(ctx: StepContext) -> Outcome:
        return Failed(StepError("flaky", f"attempt {ctx.attempt}"), retryable=True)

    rig = Rig(tmp_path, tools={"never": never})
    run = rig.create(step("a", tool="never", retry=Retry(3, (1_000,))))

    state = rig.execute(run).state

    assert state.failure is not None
    assert (state.failure.attempt, state.failure.error.message) == (3, "attempt 3")


def test_continue_on_error_and_warning_gates_do_not_fail_the_run(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"fail": fails})
    run = rig.create(
        step("soft", tool="fail", continue_on_error=True),
        step("warned", tool="fail", severity=Severity.WARNING),
        step("after", "soft", "warned"),
    )

    state = rig.execute(run).state

    assert state.status is RunStatus.SUCCEEDED
    assert [s.status.value for s in state.steps.values()] == ["failed", "failed", "succeeded"]


def test_when_decides_over_success_failure_always_and_an_expression(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"fail": fails})
    run = rig.create(
        step("ok"),
        step("bad", tool="fail"),
        step("on_failure", "bad", when="failure"),
        step("no_failure", "ok", when="failure"),
        step("past_skip", "no_failure"),
        step("always", "bad", "past_skip", when="always"),
        step("if_ok", "ok", "bad", when="ok"),
        step("spoiled", "on_failure"),
    )

    state = rig.execute(run).state

    assert {name: s.status.value for name, s in state.steps.items()} == {
        "ok": "succeeded", "bad": "failed", "on_failure": "succeeded", "no_failure": "skipped",
        "past_skip": "succeeded", "always": "succeeded", "if_ok": "succeeded", "spoiled": "skipped",
    }  # fmt: skip
    assert state.status is RunStatus.FAILED


def test_a_handler_that_raises_is_a_failure_of_its_step_only(tmp_path: Path) -> None:
    def broken(ctx: StepContext) -> Outcome:
        raise ValueError("no such thing")

    rig = Rig(tmp_path, tools={"broken": broken})
    run = rig.create(step("a", tool="broken"), step("b"))

    state = rig.execute(run).state

    error = state.steps[StepName("a")].error
    assert error is not None
    assert error.code == "handler-fault"
    assert "ValueError: no such thing" in error.message
    log = rig.services.artifacts.log_path(run.run, StepName("a"), 1).read_text()
    assert "Traceback" in log
    assert state.steps[StepName("b")].status is StepStatus.SUCCEEDED


def test_a_declared_output_that_is_not_set_fails_the_step(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    run = rig.create(step("a", outputs=("version",)))

    error = rig.execute(run).state.steps[StepName("a")].error

    assert error is not None
    assert error.code == "output-missing"


def test_a_cancellation_by_somebody_else_ends_the_run_and_drops_what_comes_late(tmp_path: Path) -> None:
    rig_holder: list[Rig] = []

    def cancelled_meanwhile(ctx: StepContext) -> Outcome:
        cancel(rig_holder[0].reopen(ctx.run_id), reason="enough")
        return Succeeded({"late": "yes"})

    rig = Rig(tmp_path, tools={"slow": cancelled_meanwhile})
    rig_holder.append(rig)
    run = rig.create(step("a", tool="slow"), step("b", "a"))

    state = rig.execute(run).state

    assert state.status is RunStatus.CANCELLED
    assert rig.types(run.run)[-1] == "run.cancelled"
    assert {s.status for s in state.steps.values()} == {StepStatus.CANCELLED}


def test_retry_does_the_failed_part_again_and_keeps_what_succeeded(tmp_path: Path) -> None:
    healed: list[bool] = []

    def fails_once(ctx: StepContext) -> Outcome:
        return Succeeded() if healed else Failed(StepError("broken", "it broke"))

    rig = Rig(tmp_path, tools={"once": fails_once})
    run = rig.create(step("first"), step("bad", "first", tool="once"), step("last", "bad"))
    rig.execute(run)
    healed.append(True)

    reopened = rig.reopen(run.run)
    assert retry(reopened) == ["bad", "last"]
    state = rig.execute(reopened).state

    assert state.status is RunStatus.SUCCEEDED
    assert rig.types(run.run).count("step.started first") == 1
    assert state.steps[StepName("bad")].attempt == 2


def test_a_step_that_was_running_when_its_process_died_runs_again_where_that_is_safe(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"gate": FunctionHandler(lambda _ctx: Succeeded(), rerun_safe=True)})
    run = rig.create(step("a"), step("b", "a", tool="gate"))
    _run_until_claim_of(rig, run.run, "b")

    state = rig.execute(rig.reopen(run.run)).state

    assert state.status is RunStatus.SUCCEEDED
    types = rig.types(run.run)
    assert types.count("step.started a") == 1
    assert types.count("step.interrupted b") == 1
    assert types.count("worker.lost") == 1
    assert state.steps[StepName("b")].attempt == 2


def test_a_cut_off_step_that_is_not_safe_waits_for_a_person(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"shell": FunctionHandler(lambda _ctx: Succeeded(), rerun_safe=False)})
    run = rig.create(step("a"), step("b", "a", tool="shell"))
    _run_until_claim_of(rig, run.run, "b")

    state = rig.execute(rig.reopen(run.run)).state
    assert state.status is RunStatus.WAITING
    approval = state.steps[StepName("b")].approval
    assert approval is not None
    assert approval.reason == "interrupted"

    state = rig.execute(rig.reopen(run.run), rerun_interrupted=True).state
    assert state.status is RunStatus.SUCCEEDED
    assert state.steps[StepName("b")].attempt == 2


def test_retry_on_interrupt_says_that_it_is_safe(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"shell": FunctionHandler(lambda _ctx: Succeeded(), rerun_safe=False)})
    run = rig.create(step("a"), step("b", "a", tool="shell", retry_on_interrupt=True))
    _run_until_claim_of(rig, run.run, "b")

    assert rig.execute(rig.reopen(run.run)).state.status is RunStatus.SUCCEEDED


class Died(BaseException):
    """The process is gone."""


def _run_until_claim_of(rig: Rig, run: object, name: str) -> None:
    """Execute until the claim of `name` is durable, and then be gone: its handler is never called."""
    from nofx_cli.worker.attempts import Attempts

    opened = rig.reopen(run)  # type: ignore[arg-type]
    start = Attempts.start

    def dies(attempts: Attempts, services: object, claimed: object) -> None:
        if claimed.step.name == name:  # type: ignore[attr-defined]
            raise Died
        start(attempts, services, claimed)  # type: ignore[arg-type]

    Attempts.start = dies  # type: ignore[method-assign,assignment]
    try:
        rig.execute(opened)
    except Died:
        pass
    finally:
        Attempts.start = start  # type: ignore[method-assign]


class TestPatience:
    """A wait for a person that is bounded; the clock stands still but for it."""

    def waits(
        self, tmp_path: Path, *, answers: dict[float, str], patience_ms: float, decision: Decision = "granted"
    ) -> tuple[Rig, Ending]:
        """Execute two steps that ask, one after the other, and answer after so many ms."""
        rig = Rig(tmp_path, clock=AnsweringClock())
        run = rig.create(step("a", approval=True), step("b", "a", approval=True))
        assert isinstance(rig.clock, AnsweringClock)
        rig.clock.answers = {
            at_ms: lambda name=name: answer(rig.reopen(run.run), StepName(name), decision)  # type: ignore[misc]
            for at_ms, name in answers.items()
        }
        return rig, execute(run, observer=Silent(), stay=True, patience_ms=patience_ms)

    def test_it_leaves_when_it_is_over(self, tmp_path: Path) -> None:
        rig, ending = self.waits(tmp_path, answers={}, patience_ms=30_000)
        assert (ending.state.status, rig.clock.monotonic_ms()) == (RunStatus.WAITING, 30_000)
        assert rig.services.liveness.holder(RunId(str(ending.state.run))) is None

    @pytest.mark.parametrize("decision", ["granted", "waived"])
    def test_each_wait_has_its_own(self, tmp_path: Path, decision: Decision) -> None:
        """Also where nothing runs between the two."""
        rig, ending = self.waits(tmp_path, answers={20_000: "a"}, patience_ms=30_000, decision=decision)
        assert (ending.state.status, rig.clock.monotonic_ms()) == (RunStatus.WAITING, 50_000)

    def test_answers_in_time_bring_it_to_its_end(self, tmp_path: Path) -> None:
        rig, ending = self.waits(tmp_path, answers={20_000: "a", 45_000: "b"}, patience_ms=30_000)
        assert (ending.state.status, rig.clock.monotonic_ms()) == (RunStatus.SUCCEEDED, 45_000)


class AnsweringClock(ManualClock):
    """Lets people answer at their times, while somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[float, Callable[[], object]] = {}

    def receive(self, inbox: Inbox[T], *, timeout_ms: float | None, idle: bool) -> T | None:
        if idle and timeout_ms is not None and self.answers:
            at_ms = min(self.answers)
            if self.monotonic_ms() + timeout_ms >= at_ms:
                self.advance(at_ms - self.monotonic_ms())
                self.answers.pop(at_ms)()
                return None
        return super().receive(inbox, timeout_ms=timeout_ms, idle=idle)
