"""What each step of a plan may use, and where each rule comes from, before anything runs."""

from collections.abc import Iterator

from nofx_cli import errors
from nofx_cli.domain.budget import ProjectBudget
from nofx_cli.domain.databases import AsksFor, strictest
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.limits import Limits, effective_budget
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.policy import DB_WRITE, NEVER_BY_DEFAULT, Aspect, Sandbox
from nofx_cli.domain.record import record
from nofx_cli.engine.services import Services
from nofx_cli.safety.never_written import NEVER_WRITTEN
from nofx_cli.safety.policy import Permissions, permissions_of


@record
class Row:
    """One thing that one level says in one respect. `says` is `allow` or `deny`; `level` project, plan, step, nofx."""

    aspect: str
    says: str
    patterns: tuple[str, ...]
    source: str
    level: str


@record
class Explained:
    """A step's permissions, and what it, its run and all runs together may spend.

    `unlimited` are the respects in which no level says anything: there, anything goes. Of the environment nothing is
    seen where no level says anything, besides the few variables that all steps have.
    """

    step: StepName
    tool: str
    rows: tuple[Row, ...]
    unlimited: tuple[str, ...]
    secrets: tuple[str, ...]
    sandbox: Sandbox | None
    denied: tuple[str, ...]
    fault: str
    budget: Limits
    run_budget: Limits
    project_budget: ProjectBudget
    database_approval: AsksFor


def explain_policy(services: Services, plan: Plan, step: StepName | None = None) -> list[Explained]:
    """Explain every step of a plan, in its order, or only one.

    Raises:
        errors.NotFound: the plan has no such step.
    """
    if step is not None and step not in plan.index:
        raise errors.NotFound(f"the plan has no step {step}", hint=f"it has {', '.join(plan.index)}")
    return [explain_step(services, plan, one) for one in plan.steps if step in (None, one.name)]


def explain_step(services: Services, plan: Plan, step: Step) -> Explained:
    """Explain one step."""
    rules = services.rules()
    permissions = permissions_of(rules, plan, step)
    found = (permissions.check_tool(step.tool), *map(permissions.check_scope, step.secrets_scope))
    undeclared = [
        f"step {step.name} has the scope {scope}, which `secrets` in nofx.yaml does not declare"
        for scope in step.secrets_scope
        if scope not in rules.secrets
    ]
    unlimited = [aspect for aspect in Aspect if not permissions.said(aspect) and aspect is not Aspect.ENV]
    return Explained(
        step=step.name,
        tool=step.tool,
        rows=tuple(_rows(permissions, step.tool)),
        unlimited=tuple(unlimited),
        secrets=step.secrets_scope,
        sandbox=step.sandbox,
        denied=(*(denial.message for denial in found if denial is not None), *undeclared),
        fault=rules.fault,
        budget=effective_budget(rules, plan, step),
        run_budget=effective_budget(rules, plan),
        project_budget=rules.budget,
        database_approval=strictest(rules.database_approval, plan.database_approval, step.database_approval),
    )


def _rows(permissions: Permissions, tool: str) -> Iterator[Row]:
    for aspect in Aspect:
        for said in permissions.said(aspect):
            rules = said.rules
            if rules.allow is not None:
                allowed = tuple(rule.pattern for rule in rules.allow)
                yield Row(aspect, "allow", allowed, rules.source, said.level)
            for source in dict.fromkeys(rule.source for rule in rules.deny):
                denied = tuple(rule.pattern for rule in rules.deny if rule.source == source)
                yield Row(aspect, "deny", denied, source, said.level)
        never = tuple(name for name in sorted(NEVER_BY_DEFAULT) if not permissions.lists_operation(name))
        if aspect is Aspect.OPERATIONS and never and tool == DB_WRITE:
            yield Row(aspect, "deny", never, "", "nofx")
        if aspect is Aspect.WRITE and permissions.said(aspect):
            yield Row(aspect, "deny", (*NEVER_WRITTEN, "the store"), "", "nofx")
