"""A plan as nofx understands it: every default written out."""

from collections.abc import Iterator
from dataclasses import asdict

from nofx_cli.cli.output import columns, safe
from nofx_cli.cli.render.limits_view import limits_json, limits_words
from nofx_cli.cli.render.run_view import fact_lines
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.limits import effective_budget
from nofx_cli.domain.plan import Param, Plan, Step, When
from nofx_cli.domain.policy import Aspect, Level, Rules
from nofx_cli.domain.project import ProjectRules

_HEAD = ("STEP", "TOOL", "NEEDS", "TIMEOUT", "TRIES", "")


def as_json(plan: Plan, *, name: str, source: str) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    return {
        "name": name,
        "source": source,
        "digest": plan.digest,
        "version": plan.version,
        "goal": plan.goal,
        "concurrency": plan.concurrency,
        "params": [asdict(param) for param in plan.params],
        "env": dict(plan.env),
        "policy": _policy(plan.policy),
        "budget": limits_json(effective_budget(ProjectRules(), plan)),
        "workspace": plan.workspace.value,
        "steps": [_step_json(plan, step) for step in plan.steps],
    }


def _step_json(plan: Plan, step: Step) -> dict[str, JsonValue]:
    fields = asdict(step)
    del fields["policy_budget"], fields["database_approval"]
    budget = limits_json(effective_budget(ProjectRules(), plan, step))
    return {**fields, "policy": _policy(step.policy), "budget": budget, "blocks": step.blocks}


def lines(plan: Plan, *, name: str, source: str) -> Iterator[str]:
    """The page for people."""
    yield f"plan {safe(name)}  {safe(source)}"
    yield from fact_lines(
        {
            "goal": plan.goal,
            "digest": plan.digest,
            "concurrency": str(plan.concurrency),
            "workspace": plan.workspace.value,
            "budget": limits_words(effective_budget(ProjectRules(), plan)),
            "tools": _tools(plan),
            "env": " ".join(plan.env),
        }
    )
    if plan.params:
        yield ""
        yield from columns(
            [("PARAMETER", "TYPE", "DEFAULT", ""), *map(_param, plan.params)], styles=_dim(4, plan.params)
        )
    yield ""
    yield from columns([_HEAD, *(_step(plan, step) for step in plan.steps)], styles=_dim(6, plan.steps))


def _dim(count: int, rows: tuple[object, ...]) -> list[tuple[str, ...]]:
    return [("dim",) * count, *[("",) * count] * len(rows)]


def _policy(level: Level) -> dict[str, JsonValue]:
    """By respect: what is allowed (null: not listed), and what is denied."""
    return {
        aspect.value: {
            "allow": None if rules.allow is None else [rule.pattern for rule in rules.allow],
            "deny": [rule.pattern for rule in rules.deny],
        }
        for aspect, rules in level.items()
    }


def _tools(plan: Plan) -> str:
    rules = plan.policy.get(Aspect.TOOLS, Rules())
    allowed = "" if rules.allow is None else f"only {', '.join(map(str, rules.allow)) or 'none'}"
    denied = f"never {', '.join(map(str, rules.deny))}" if rules.deny else ""
    return "; ".join(filter(None, (allowed, denied)))


def _param(param: Param) -> tuple[str, ...]:
    default = "required" if param.required else "-" if param.default is None else str(param.default)
    choices = f" ({', '.join(map(str, param.choices))})" if param.choices else ""
    return safe(param.name), safe(param.type), safe(default), safe(param.description + choices)


def _step(plan: Plan, step: Step) -> tuple[str, ...]:
    needs = ", ".join(step.needs) or "-"
    return (
        safe(step.name),
        safe(step.tool),
        safe(needs),
        format_duration(step.timeout_ms),
        str(step.retry.max_attempts),
        safe("; ".join(_remarks(plan, step))),
    )


def _remarks(plan: Plan, step: Step) -> Iterator[str]:
    if step.when != When.SUCCESS:
        yield f"when {step.when}"
    if step.approval or step.tool.startswith("manual:"):
        yield "asks a person"
    if not step.blocks:
        yield "its failure does not block"
    if step.repair is not None:
        yield f"its findings go back to {step.repair.step}, {step.repair.attempts} rounds at most"
    if budget := limits_words(effective_budget(ProjectRules(), plan, step)):
        yield f"spends at most {budget}"
    if step.retry_on_interrupt is not None:
        yield "runs again when cut off" if step.retry_on_interrupt else "asks when cut off"
    if step.outputs:
        yield f"outputs {', '.join(step.outputs)}"
    if step.artifacts:
        yield f"keeps {', '.join(step.artifacts)}"
