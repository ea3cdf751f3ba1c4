"""The digest of a project's rules differs just where they say something else."""

from decimal import Decimal
from typing import Any

from nofx_cli.domain.budget import Budget, Period, ProjectBudget
from nofx_cli.domain.models import ModelSettings, ModelsSpec, Price, ProviderSpec, TimeLimits
from nofx_cli.domain.policy import Aspect, Rule, Rules
from nofx_cli.domain.project import AgentSpec, GateSpec, ProjectRules, SecretKind, SecretSpec, Weakened

RULES = Rules((Rule("a", "nofx.yaml:1"),), (Rule("b", "nofx.yaml:2"),), "nofx.yaml:1")
SECRET = SecretSpec("vault", "TOKEN", SecretKind.ENV, ("MARK",), "nofx.yaml:3")


def test_it_is_another_one_for_each_thing_that_is_said() -> None:
    every = [
        ProjectRules(),
        ProjectRules(policy={Aspect.TOOLS: RULES}),
        ProjectRules(policy={Aspect.COMMANDS: RULES}),
        ProjectRules(policy={Aspect.TOOLS: Rules(None, RULES.deny)}),
        ProjectRules(policy={Aspect.TOOLS: Rules((), RULES.deny)}),
        ProjectRules(policy={Aspect.TOOLS: Rules(RULES.deny, RULES.allow or ())}),
        ProjectRules(gates={"lint": GateSpec("lint")}),
        ProjectRules(gates={"lint": GateSpec("lint", ("true",))}),
        ProjectRules(secrets={"vault": (SECRET,)}),
        ProjectRules(secrets={"vault": (SecretSpec("vault", "TOKEN", SecretKind.FILE, ("MARK",)),)}),
        ProjectRules(weakened=Weakened.TELL),
        ProjectRules(models=ModelsSpec()),
        ProjectRules(models=ModelsSpec(attempts=2)),
        ProjectRules(models=ModelsSpec(routes={"docs": ("openai/a",)})),
        ProjectRules(models=ModelsSpec(routes={"docs": ("openai/b",)})),
        ProjectRules(models=ModelsSpec(providers={"a": ProviderSpec("a", "http://localhost", "none")})),
        ProjectRules(models=ModelsSpec(providers={"a": ProviderSpec("a", "http://localhost", "s/K")})),
        ProjectRules(models=ModelsSpec(settings={"a/b": ModelSettings(price=Price(Decimal(1), Decimal(2)))})),
        ProjectRules(models=ModelsSpec(settings={"a/b": ModelSettings(price=Price(Decimal(1), Decimal(3)))})),
        ProjectRules(models=ModelsSpec(limits=TimeLimits(whole_ms=1))),
        ProjectRules(agents={"a": AgentSpec("a", ("x",))}),
        ProjectRules(agents={"a": AgentSpec("a", ("x",), "file")}),
        ProjectRules(budget=ProjectBudget(usd=Decimal(1))),
        ProjectRules(budget=ProjectBudget(usd=Decimal(1), per=Period.MONTH)),
        ProjectRules(policy_budget=Budget(usd=Decimal(1))),
        ProjectRules(handlers="d1"),
        ProjectRules(fault="it cannot be read"),
    ]
    assert len({rules.digest for rules in every}) == len(every)


def _said(source: str) -> dict[str, Any]:
    return {
        "models": ModelsSpec(providers={"a": ProviderSpec("a", source=source)}),
        "agents": {"a": AgentSpec("a", source=source)},
        "budget": ProjectBudget(calls=1, source=source),
        "policy_budget": Budget(calls=1, source=source),
    }


def test_the_place_in_the_file_does_not_count() -> None:
    elsewhere = Rules((Rule("a", "nofx.yaml:8"),), (Rule("b", "nofx.yaml:9"),), "nofx.yaml:8")
    moved = SecretSpec("vault", "TOKEN", SecretKind.ENV, ("MARK",), "nofx.yaml:7")
    here = ProjectRules(
        policy={Aspect.TOOLS: RULES}, gates={"a": GateSpec("a", source="1")}, secrets={"v": (SECRET,)}, **_said("1")
    )
    there = ProjectRules(
        policy={Aspect.TOOLS: elsewhere}, gates={"a": GateSpec("a", source="2")}, secrets={"v": (moved,)}, **_said("2")
    )
    assert here.digest == there.digest
