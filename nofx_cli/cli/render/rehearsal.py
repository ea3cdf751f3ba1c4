"""What `nofx run --dry-run` shows: each step with what it would do and what it may use."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from nofx_cli.cli.output import out, paint, safe
from nofx_cli.cli.render import policy_view
from nofx_cli.domain.ids import JsonObject, JsonValue, canonical_json
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.wording import counted
from nofx_cli.engine.explain_policy import Explained
from nofx_cli.engine.rehearse import Rehearsed


def rehearsal_json(
    plan: Plan, params: JsonObject, steps: Sequence[Rehearsed], explained: Sequence[Explained]
) -> dict[str, JsonValue]:
    """The same as one object."""
    from dataclasses import fields

    names = [field.name for field in fields(Rehearsed)]
    return {
        "plan_digest": plan.digest,
        "goal": plan.goal,
        "params": params,
        "concurrency": plan.concurrency,
        "steps": [
            {**{name: getattr(step, name) for name in names}, "policy": policy_view.as_json(policy)}
            for step, policy in zip(steps, explained, strict=True)
        ],
    }


def tell_rehearsal(plan: Plan, steps: Sequence[Rehearsed], explained: Sequence[Explained]) -> None:
    """Print it for people, in the order of the plan."""
    out(f"{counted(len(steps), 'step')} would run, at most {plan.concurrency} at a time; nothing was created")
    for line in policy_view.spending_lines(explained):
        out(safe(line))
    for step, policy in zip(steps, explained, strict=True):
        needs = f" after {', '.join(step.needs)}" if step.needs else ""
        out(f"{paint(step.step, 'bold')}  {safe(step.tool)}{paint(needs, 'dim')}")
        for label, text in _lines(step):
            colour = ["red"] if label == "denied" else ["dim"]
            out(f"  {paint(label + ':', *colour)} {safe(text)}")
        if policy.rows or policy.secrets or policy.sandbox or policy.fault or policy.budget.is_limited:
            out(f"  {paint('may use:', 'dim')}")
            for line in policy_view.lines(replace(policy, denied=())):
                out(f"    {line}")


def _lines(step: Rehearsed) -> Iterator[tuple[str, str]]:
    if step.denied:
        yield "denied", step.denied
    if step.when != "success":
        yield "when", step.when
    if step.approval:
        yield "asks", "a person first"
    if step.later:
        yield "inputs", f"known when earlier steps have run ({step.later})"
    elif step.preview is None:
        if step.inputs:
            yield "inputs", canonical_json(step.inputs)
    else:
        yield "would do", canonical_json(step.preview)
    if step.env_allowed:
        yield "sees", ", ".join(step.env_allowed)
