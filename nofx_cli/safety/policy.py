"""What a plan lets its steps use. It fails closed: what no rule allows, and what cannot be decided, is denied."""

from collections.abc import Sequence
from typing import NamedTuple

from nofx_cli.domain.plan import Policy, Step
from nofx_cli.safety.globs import common, matches, matches_any


class Denial(NamedTuple):
    """Why a step may not run: the rule as it is written, where it stands, and a sentence for people."""

    rule: str
    source: str
    message: str


def check_tool(policy: Policy, step: Step) -> Denial | None:
    """Whether the step may use its tool; None when it may.

    `deny` wins over `allow`. The step's own `tools_allowed` only narrows what the plan allows.
    """
    denied = next((pattern for pattern in policy.tools_deny if matches(step.tool, pattern)), None)
    if denied is not None:
        return _denial(step, f"deny: {denied}", "policy.tools.deny", f"the plan denies `{denied}`")
    for allowed, source in (
        (policy.tools_allow, "policy.tools.allow"),
        (step.tools_allowed, f"steps.{step.name}.tools_allowed"),
    ):
        if allowed is not None and not matches_any(step.tool, allowed):
            return _denial(step, f"allow: {_listed(allowed)}", source, f"`{source}` allows only {_listed(allowed)}")
    return None


def allowed_env(policy: Policy, step: Step) -> tuple[str, ...]:
    """The names and globs of environment variables that processes of the step see.

    What the plan allows (`policy.env.allow`), narrowed to what the step's `env_allowed` names, where it names
    anything: the intersection, so a step never sees more than the plan allows, and nothing where the plan allows
    nothing. Of two globs neither of which contains the other (`A*` and `*B`) the intersection is taken as empty.
    """
    if not step.env_allowed:
        return policy.env_allow
    shared = (common(wide, narrow) for narrow in step.env_allowed for wide in policy.env_allow)
    return tuple(dict.fromkeys(pattern for pattern in shared if pattern is not None))


def _denial(step: Step, rule: str, source: str, why: str) -> Denial:
    return Denial(rule, source, f"step {step.name} may not use `{step.tool}`: {why}")


def _listed(patterns: Sequence[str]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns) or "no tool"
