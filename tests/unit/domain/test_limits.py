"""Which limits hold for a run and for a step."""

from decimal import Decimal

from nofx_cli.domain.budget import Budget, OnLimit
from nofx_cli.domain.ids import Digest, StepName
from nofx_cli.domain.limits import Limit, Limits, effective_budget
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.project import ProjectRules


def plan(budget: Budget = Budget(), policy: Budget = Budget(), *, step: Step | None = None) -> Plan:
    steps = (step or Step(StepName("a"), "shell"),)
    return Plan(steps=steps, digest=Digest(""), budget=budget, policy_budget=policy)


def test_where_nobody_limits_anything_nothing_is_limited() -> None:
    limits = effective_budget(ProjectRules(), plan())
    assert limits == Limits()
    assert not limits.is_limited


def test_of_each_limit_the_narrowest_counts_with_its_own_source() -> None:
    rules = ProjectRules(policy_budget=Budget(usd=Decimal(5), wall_ms=60_000, source="nofx.yaml:2"))
    found = plan(
        Budget(usd=Decimal("2.00"), tokens=900, wall_ms=90_000, on_limit=OnLimit.FAIL, source="x.yaml:3"),
        Budget(usd=Decimal(3), tokens=100, calls=7, source="x.yaml:2"),
    )
    limits = effective_budget(rules, found)
    assert limits == Limits(
        usd=Limit(Decimal("2.00"), "x.yaml:3", rule=Limit(Decimal(3), "x.yaml:2", of_policy=True)),
        tokens=Limit(100, "x.yaml:2", of_policy=True),
        calls=Limit(7, "x.yaml:2", of_policy=True),
        wall_ms=Limit(60_000, "nofx.yaml:2", of_policy=True),
        on_limit=OnLimit.FAIL,
    )
    assert limits.is_limited


def test_a_wider_limit_of_a_plan_widens_nothing_and_of_equal_ones_the_policy_counts() -> None:
    rules = ProjectRules(policy_budget=Budget(usd=Decimal(1), calls=3, source="nofx.yaml:2"))
    limits = effective_budget(rules, plan(Budget(usd=Decimal(2), calls=3, source="x.yaml:1")))
    assert limits.usd == Limit(Decimal(1), "nofx.yaml:2", of_policy=True)
    assert limits.calls == Limit(3, "nofx.yaml:2", of_policy=True)


def test_nothing_at_all_is_a_limit() -> None:
    rules = ProjectRules(policy_budget=Budget(usd=Decimal(0), source="nofx.yaml:2"))
    assert effective_budget(rules, plan()).usd == Limit(Decimal(0), "nofx.yaml:2", of_policy=True)


def test_a_step_has_limits_of_its_own_beside_those_of_its_run() -> None:
    step = Step(
        StepName("a"),
        "codegen",
        budget=Budget(usd=Decimal("0.5"), calls=9, on_limit=OnLimit.FAIL, source="x.yaml:9"),
        policy_budget=Budget(calls=2, source="x.yaml:8"),
    )
    rules = ProjectRules(policy_budget=Budget(usd=Decimal("0.1"), source="nofx.yaml:2"))
    found = plan(Budget(tokens=5, source="x.yaml:3"), step=step)
    assert effective_budget(rules, found, step) == Limits(
        usd=Limit(Decimal("0.5"), "x.yaml:9"),
        calls=Limit(2, "x.yaml:8", of_policy=True),
        on_limit=OnLimit.FAIL,
    )
