"""Budgets hold: reserved before, settled after, never overshot by steps that run side by side, and raised by people."""

import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, SystemClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.budget import Budget, OnLimit, Period, ProjectBudget
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.models import ChatMessage, ModelRequest
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.domain.plan import Step
from nofx_cli.domain.project import ProjectRules
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.answer import answer, waiting_steps
from nofx_cli.engine.budgets import begin_of
from nofx_cli.engine.context import EngineContext
from nofx_cli.engine.exit_codes import exit_code_of
from nofx_cli.engine.open_run import OpenRun
from nofx_cli.errors import ExitCode
from nofx_cli.ports.handler import StepContext
from nofx_cli.testing.models import ScriptedModels
from nofx_cli.testing.rig import Rig


def asks(ctx: StepContext) -> Outcome:
    return Succeeded({"text": ctx.ask_model(ModelRequest((ChatMessage("user", ctx.step),))).text})


def swallows(ctx: StepContext) -> Outcome:
    try:
        return asks(ctx)
    except errors.BudgetExhausted:
        return Succeeded({"text": "made up"})


def step(name: str, tool: str = "asks", **fields: object) -> Step:
    return Step(StepName(name), tool, **fields)  # type: ignore[arg-type]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path, tools={"asks": asks, "swallows": swallows})
    rig.models = ScriptedModels(lambda _request: "yes", most_usd="0.10", usd="0.10")
    return rig


def sent(rig: Rig) -> int:
    assert isinstance(rig.models, ScriptedModels)
    return len(rig.models.requests)


def exceeded(rig: Rig, run: OpenRun) -> list[ev.BudgetExceeded]:
    return [event.payload for event in rig.events(run.run) if isinstance(event.payload, ev.BudgetExceeded)]


def test_four_at_once_against_a_budget_for_two_then_raised(rig: Rig) -> None:
    both = threading.Barrier(2)

    def side_by_side(_request: ModelRequest) -> str:
        both.wait(20)  # the two that may run are under way at the same time
        return "yes"

    rig.models = ScriptedModels(side_by_side, most_usd="0.10", usd="0.10")
    run = rig.create(*(step(name) for name in "abcd"), budget=Budget(usd=Decimal("0.20"), source="plan.yaml:3"))

    ending = rig.execute(run)

    assert ending.state.status is RunStatus.WAITING
    assert sent(rig) == 2
    assert ending.state.spending.total.usd == Decimal("0.20")
    waiting = waiting_steps(run)
    assert len(waiting) == 2
    asked = ending.state.steps[waiting[0]].approval
    assert asked is not None
    assert asked.question == (
        "the budget of the run is $0.20 (plan.yaml:3): $0.20 is spent or reserved, and up to $0.10 is needed; "
        "raise it to $0.40?"
    )

    answer(run, waiting[0], "granted", note="go on")
    ending = rig.execute(run)

    assert ending.state.status is RunStatus.SUCCEEDED
    assert sent(rig) == 4
    assert ending.state.spending.total.usd == Decimal("0.40")


def test_what_a_handler_makes_of_the_refusal_does_not_count(rig: Rig) -> None:
    run = rig.create(step("a", "swallows"), budget=Budget(calls=0, on_limit=OnLimit.FAIL, source="plan.yaml:3"))

    ending = rig.execute(run)

    assert ending.state.status is RunStatus.FAILED
    assert exit_code_of(ending.state) is ExitCode.BUDGET_EXHAUSTED
    assert sent(rig) == 0
    error = ending.state.steps[StepName("a")].error
    assert error is not None
    assert (error.code, error.message) == (
        "budget-exhausted",
        "the budget of calls of the run is 0 (plan.yaml:3): 0 is spent or reserved, and up to 1 is needed",
    )
    assert [(one.budget, one.limit, one.needed, one.spent) for one in exceeded(rig, run)] == [
        ("run.calls", "0", "1", "0")
    ]


def test_the_budget_of_a_step_holds_beside_that_of_the_run(rig: Rig) -> None:
    tight = Budget(tokens=999, source="plan.yaml:9")
    run = rig.create(step("a", budget=tight), step("b"), budget=Budget(usd=Decimal(1)))

    ending = rig.execute(run)

    assert ending.state.status is RunStatus.WAITING
    assert ending.state.steps[StepName("b")].status is StepStatus.SUCCEEDED
    assert [one.budget for one in exceeded(rig, run)] == ["step.tokens"]
    answer(run, StepName("a"), "granted")
    assert rig.execute(run).state.status is RunStatus.SUCCEEDED


def test_a_raise_of_one_steps_budget_is_not_one_of_anothers(rig: Rig) -> None:
    none = Budget(calls=0)
    run = rig.create(step("a", budget=none), step("b", budget=none))
    rig.execute(run)
    assert waiting_steps(run) == ["a", "b"]

    answer(run, StepName("a"), "granted")
    ending = rig.execute(run)

    assert ending.state.steps[StepName("a")].status is StepStatus.SUCCEEDED
    assert waiting_steps(run) == ["b"]
    assert sent(rig) == 1


def test_no_raise_goes_beyond_what_a_rule_says(rig: Rig) -> None:
    rules = ProjectRules(policy_budget=Budget(usd=Decimal("0.25"), source="nofx.yaml:4"))
    rig.services = replace(rig.services, rules=lambda: rules)
    steps = [step(name, needs=needs) for name, needs in (("a", ()), ("b", ("a",)), ("c", ("b",)))]
    run = rig.create(*steps, budget=Budget(usd=Decimal("0.15"), source="plan.yaml:3"))
    rig.execute(run)
    assert [one.raise_to for one in exceeded(rig, run)] == ["0.25"]

    answer(run, StepName("b"), "granted")
    ending = rig.execute(run)

    assert exit_code_of(ending.state) is ExitCode.BUDGET_EXHAUSTED
    assert (sent(rig), ending.state.spending.total.usd) == (2, Decimal("0.20"))
    error = ending.state.steps[StepName("c")].error
    assert error is not None
    assert error.message == (
        "the budget of the run is $0.25 (nofx.yaml:4): $0.20 is spent or reserved, and up to $0.10 is needed"
    )


def test_a_raise_that_was_asked_for_before_a_larger_one_takes_nothing_back(rig: Rig) -> None:
    run = rig.create(step("a"), step("b"), budget=Budget(calls=0))
    state = run.state
    for name, raise_to in (("a", "5"), ("b", "2")):
        for payload in (
            ev.BudgetExceeded("run.calls", "0", "1", "0", raise_to),
            ev.ApprovalRequested(name, "?", ev.AskReason.BUDGET),
            ev.ApprovalGranted(name),
        ):
            state.apply(ev.Draft(payload, StepName(name)), at="2026-11-22T00:00:00.000000Z")
    assert state.raised == {"run.calls": "5"}


def test_who_says_no_to_a_raise_ends_the_step(rig: Rig) -> None:
    run = rig.create(step("a"), budget=Budget(calls=0))
    rig.execute(run)

    answer(run, StepName("a"), "rejected", note="too dear")

    ending = rig.execute(run)
    assert ending.state.status is RunStatus.FAILED
    assert exit_code_of(ending.state) is ExitCode.DENIED


def test_an_approval_stands_while_a_budget_is_raised(rig: Rig) -> None:
    run = rig.create(step("a", approval=True), budget=Budget(calls=0))
    rig.execute(run)
    answer(run, StepName("a"), "granted", note="the step")
    rig.execute(run)
    asked = run.state.steps[StepName("a")].approval
    assert asked is not None
    assert asked.reason is ev.AskReason.BUDGET

    answer(run, StepName("a"), "granted", note="the money")

    assert rig.execute(run).state.status is RunStatus.SUCCEEDED
    asked_for = [event.payload for event in rig.events(run.run) if isinstance(event.payload, ev.ApprovalRequested)]
    assert [one.reason for one in asked_for] == [ev.AskReason.APPROVAL, ev.AskReason.BUDGET]


def test_without_a_price_a_budget_of_money_lets_nothing_through(rig: Rig) -> None:
    rig.models = ScriptedModels(["yes"], most_usd=None)
    run = rig.create(step("a"), budget=Budget(usd=Decimal(100), source="plan.yaml:3"))

    ending = rig.execute(run)

    assert sent(rig) == 0
    error = ending.state.steps[StepName("a")].error
    assert error is not None
    assert error.message == "what fake/model costs is not known, so the budget of the run (plan.yaml:3) cannot be kept"


class TestTime:
    def test_a_step_does_not_start_when_the_time_of_the_run_is_over(self, tmp_path: Path) -> None:
        clock = ManualClock()

        def takes_a_minute(ctx: StepContext) -> Outcome:
            clock.advance(60_000)
            return Succeeded()

        rig = Rig(tmp_path, tools={"slow": takes_a_minute}, clock=clock)
        steps = [step("a", "slow"), step("b", "slow", needs=(StepName("a"),))]
        run = rig.create(*steps, budget=Budget(wall_ms=60_000, source="plan.yaml:3"))

        ending = rig.execute(run)

        assert ending.state.status is RunStatus.WAITING
        [told] = exceeded(rig, run)
        assert (told.budget, told.raise_to) == ("run.wall", "120000")
        clock.advance(3_600_000)  # that a person took an hour does not count
        answer(run, StepName("b"), "granted")
        assert rig.execute(run).state.status is RunStatus.SUCCEEDED

    def test_no_raise_of_time_goes_beyond_what_a_rule_says(self, tmp_path: Path) -> None:
        clock = ManualClock()

        def takes_a_minute(ctx: StepContext) -> Outcome:
            clock.advance(60_000)
            return Succeeded()

        rig = Rig(tmp_path, tools={"slow": takes_a_minute}, clock=clock)
        rules = ProjectRules(policy_budget=Budget(wall_ms=90_000, source="nofx.yaml:4"))
        rig.services = replace(rig.services, rules=lambda: rules)
        names = [("a", ()), ("b", ("a",)), ("c", ("b",))]
        steps = [step(name, "slow", needs=needs) for name, needs in names]
        run = rig.create(*steps, budget=Budget(wall_ms=60_000, source="plan.yaml:3"))
        rig.execute(run)
        assert [one.raise_to for one in exceeded(rig, run)] == ["90000"]

        answer(run, StepName("b"), "granted")
        ending = rig.execute(run)

        assert exit_code_of(ending.state) is ExitCode.BUDGET_EXHAUSTED
        error = ending.state.failure.error if ending.state.failure else None
        assert error is not None
        assert error.message == "the time budget of the run, 1m30s (nofx.yaml:4), is used up"

    def test_a_step_is_cut_off_when_the_time_is_over(self, tmp_path: Path) -> None:
        def never_ends(ctx: StepContext) -> Outcome:
            assert isinstance(ctx, EngineContext)
            stopped = threading.Event()
            ctx.cancellation.subscribe(stopped.set)
            stopped.wait(20)
            ctx.check_cancelled()
            return Succeeded()

        rig = Rig(tmp_path, tools={"slow": never_ends}, clock=SystemClock())
        run = rig.create(step("a", "slow"), budget=Budget(wall_ms=200, on_limit=OnLimit.FAIL, source="plan.yaml:3"))

        ending = rig.execute(run)

        error = ending.state.steps[StepName("a")].error
        assert error is not None
        assert (error.code, error.message) == (
            "budget-exhausted", "the time budget of the run, 200ms (plan.yaml:3), is used up",
        )  # fmt: skip

    def test_the_project_can_bound_every_run(self, tmp_path: Path) -> None:
        clock = ManualClock()

        def slow(ctx: StepContext) -> Outcome:
            clock.advance(2_000)
            return Succeeded()

        rig = Rig(tmp_path, tools={"slow": slow}, clock=clock)
        rules = ProjectRules(budget=ProjectBudget(wall_ms=1_000, source="nofx.yaml:4"))
        rig.services = replace(rig.services, rules=lambda: rules)
        run = rig.create(step("a", "slow"), step("b", "slow", needs=(StepName("a"),)))

        assert rig.execute(run).state.status is RunStatus.WAITING
        assert [one.budget for one in exceeded(rig, run)] == ["run.wall"]


class TestProject:
    def test_all_runs_of_a_day_share_it_and_a_raise_is_for_one_run(self, rig: Rig) -> None:
        rules = ProjectRules(budget=ProjectBudget(usd=Decimal("0.25"), source="nofx.yaml:4"))
        rig.services = replace(rig.services, rules=lambda: rules)
        for name in "xy":
            assert rig.execute(rig.create(step(name))).state.status is RunStatus.SUCCEEDED
        third = rig.create(step("a"))

        assert rig.execute(third).state.status is RunStatus.WAITING
        [told] = exceeded(rig, third)
        assert (told.budget, Decimal(told.spent), told.raise_to) == ("project.usd", Decimal("0.20"), "0.50")
        answer(third, StepName("a"), "granted")
        assert rig.execute(third).state.status is RunStatus.SUCCEEDED
        assert rig.execute(fourth := rig.create(step("b"))).state.status is RunStatus.WAITING
        assert [one.limit for one in exceeded(rig, fourth)] == ["0.25"]

    @pytest.mark.parametrize(
        ("period", "begin"),
        [
            (Period.DAY, "2026-11-22T00:00:00.000000Z"),
            (Period.MONTH, "2026-11-01T00:00:00.000000Z"),
            (Period.TOTAL, "1970-01-01T00:00:00.000000Z"),
        ],
    )
    def test_periods_begin_at_midnight(self, period: Period, begin: str) -> None:
        assert begin_of(period, "2026-11-22T23:59:59.999999Z") == begin
