"""Which steps are ready, and when: several at a time, put off, put aside, and with a clock that is set back."""

from nofx_cli.clock import format_at, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import Digest, RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import RunState

AT = "2026-11-22T09:15:30.000000Z"
NOW_US = parse_at(AT)
SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US


def wide(*names: str, begun: bool = True) -> RunState:
    """A run whose steps are all roots and, where it has begun, queued."""
    state = RunState(Plan(tuple(Step(StepName(name), "echo") for name in names), Digest("")))
    state.run = RunId("20261122-091530-7k3f9q")
    if begun:
        tell(state, ev.RunStarted())
        for name in names:
            tell(state, ev.StepEnqueued(), name)
    return state


def tell(state: RunState, payload: ev.Payload, step: str = "", attempt: int = 0) -> None:
    draft = ev.Draft(payload, StepName(step) if step else None, attempt or None)
    state.apply(draft, at=AT, actor=ev.Actor("worker", "w"))


def put_off(state: RunState, name: str, seconds: int) -> None:
    """Let an attempt fail, to be tried again after some seconds."""
    due_at = format_at(NOW_US + seconds * SECOND_US)
    tell(state, ev.StepStarted(), name, 1)
    tell(state, ev.StepRetryScheduled(StepError("x", "y"), seconds * 1000, due_at), name, 1)


def ready(state: RunState, now_us: int = NOW_US, *, limit: int = 10) -> str:
    return "".join(step.name for step in state.ready(now_us, limit=limit))


def test_the_first_ones_in_the_order_of_the_plan_and_no_more_than_asked_for() -> None:
    state = wide("c", "a", "b")
    assert ready(state, limit=2) == "ca"
    assert ready(state, limit=0) == ""
    assert ready(state) == "cab"


def test_a_look_changes_nothing() -> None:
    state = wide("a", "b", "c")
    for _ in range(3):
        assert ready(state, limit=2) == "ab"
    first = state.next_ready(NOW_US)
    assert first is not None
    assert first.name == "a"


def test_those_that_were_started_or_have_ended_are_left_out() -> None:
    state = wide("a", "b", "c")
    tell(state, ev.StepStarted(), "a", 1)
    tell(state, ev.StepStarted(), "b", 1)
    tell(state, ev.StepFinished(), "b", 1)
    assert ready(state) == "c"


def test_one_that_came_in_twice_stands_once() -> None:
    state = wide("a", "b")
    tell(state, ev.StepEnqueued(), "a")
    tell(state, ev.StepStarted(), "b", 1)
    tell(state, ev.StepInterrupted("", True), "b", 1)
    assert ready(state) == "ab"
    assert ready(state) == "ab"


def test_none_after_the_end() -> None:
    state = wide("a", "b")
    tell(state, ev.RunCancelled("enough"))
    assert ready(state) == ""


def test_what_was_put_off_comes_when_it_is_due_behind_what_was_due_before() -> None:
    state = wide("a", "b", "c")
    put_off(state, "a", 5)
    put_off(state, "b", 2)
    assert ready(state) == "c"
    assert ready(state, NOW_US + 2 * SECOND_US) == "cb"
    assert ready(state, NOW_US + 5 * SECOND_US - 1) == "cb"
    assert ready(state, NOW_US + 5 * SECOND_US) == "cba"


def test_a_clock_that_is_set_back_behind_the_instant_of_the_delay_makes_it_due() -> None:
    """Too early is better than hours too late."""
    state = wide("a")
    put_off(state, "a", 5)
    assert state.steps[StepName("a")].delayed_us == NOW_US
    assert ready(state, NOW_US) == ""
    assert ready(state, NOW_US - 1) == "a"
    assert ready(state, NOW_US - HOUR_US) == "a"


def test_a_clock_that_is_set_back_a_little_only_makes_it_wait_longer() -> None:
    state = wide("a")
    put_off(state, "a", 5)
    assert ready(state, NOW_US + 3 * SECOND_US) == ""
    assert ready(state, NOW_US + 1 * SECOND_US) == ""


def test_what_is_enqueued_again_forgets_its_delay() -> None:
    for payload in (ev.StepEnqueued(), ev.StepInterrupted("", True)):
        state = wide("a")
        put_off(state, "a", 5)
        tell(state, payload, "a", 1)
        assert (state.steps[StepName("a")].due_us, state.steps[StepName("a")].delayed_us) == (0, 0)
        assert ready(state) == "a"


class TestDeadLetters:
    def test_it_is_known_of_a_step_that_is_queued_until_something_happens_to_it(self) -> None:
        state = wide("a")
        tell(state, ev.StepDeadLettered("the plan is gone"), "a")
        assert state.steps[StepName("a")].dead_letter == "the plan is gone"
        tell(state, ev.StepEnqueued(), "a")
        assert state.steps[StepName("a")].dead_letter == ""

    def test_it_is_known_of_the_first_step_of_a_run_that_has_not_begun(self) -> None:
        state = wide("a", "b", begun=False)
        tell(state, ev.StepDeadLettered("the plan is gone"), "a")
        assert state.steps[StepName("a")].dead_letter == "the plan is gone"

    def test_it_says_nothing_of_a_step_that_runs_or_has_ended(self) -> None:
        state = wide("a", "b")
        tell(state, ev.StepStarted(), "a", 1)
        tell(state, ev.StepDeadLettered("late"), "a")
        tell(state, ev.StepStarted(), "b", 1)
        tell(state, ev.StepFinished(), "b", 1)
        tell(state, ev.StepDeadLettered("late"), "b")
        assert {step.dead_letter for step in state.steps.values()} == {""}
