"""Checked entries become the `Plan`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nofx_cli.domain.budget import Budget, OnLimit
from nofx_cli.domain.ids import Digest, StepName
from nofx_cli.domain.plan import DEFAULT_CONCURRENCY, Param, Plan, Repair, Retry, Severity, Step, WorkspaceMode
from nofx_cli.domain.policy import Aspect, Level
from nofx_cli.planning.budgets import budget_of
from nofx_cli.planning.database_policy import asks_for_of
from nofx_cli.planning.reading import Found
from nofx_cli.planning.rules import level_of, sandbox_of, scopes_of, with_allowed
from nofx_cli.planning.structures import Entry


def build_plan(found: Found, steps: tuple[Step, ...], *, digest: Digest, source: str) -> Plan:
    """The plan of a file's top-level values. `source` names the file."""
    values: Mapping[str, Any] = found.values
    return Plan(
        steps=steps,
        digest=digest,
        goal=values.get("goal", ""),
        params=tuple(build_param(entry) for entry in values.get("params", ())),
        env=values.get("env", {}),
        policy=level_of(values.get("policy")),
        concurrency=values.get("concurrency", DEFAULT_CONCURRENCY),
        budget=budget_of(found, source),
        policy_budget=budget_of(values.get("policy"), source),
        workspace=workspace_of(values.get("workspace")),
        database_approval=asks_for_of(values.get("policy"), source),
    )


def build_steps(
    entries: Sequence[Entry], needs: Sequence[tuple[str, ...]], *, plan: Found, source: str
) -> tuple[Step, ...]:
    """The steps, in the order of the file, with what the plan says for all of them. `source` names the file."""
    shared = _restrictions(plan, source)
    on_limit = budget_of(plan, source).on_limit
    if on_limit is not OnLimit.WAIT:
        shared["budget"] = Budget(on_limit=on_limit)
    return tuple(
        _step(entry.found.values, names, {**shared, **_restrictions(entry.found, source, on_limit)})
        for entry, names in zip(entries, needs, strict=True)
    )


def build_param(entry: Entry) -> Param:
    """A declared parameter."""
    values: Mapping[str, Any] = entry.found.values
    return Param(
        name=entry.name,
        type=values.get("type", "string"),
        required=values.get("required", False),
        default=values.get("default"),
        description=values.get("description", ""),
        choices=tuple(values.get("choices", ())),
    )


def workspace_of(value: object) -> WorkspaceMode:
    """What a `workspace:` says, in its short or its long form."""
    mode = value.values.get("mode") if isinstance(value, Found) else value
    return WorkspaceMode(mode) if isinstance(mode, str) else WorkspaceMode.AUTO


def _restrictions(found: Found, source: str, on_limit: OnLimit | None = None) -> dict[str, Any]:
    """What plan and step may both say; the step's counts. Budgets are looked at only with `on_limit`."""
    given: dict[str, Any] = {}
    if "secrets_scope" in found.values:
        given["secrets_scope"] = scopes_of(found.values["secrets_scope"])
    if "sandbox" in found.values:
        line = found.nodes["sandbox"].start_mark.line + 1
        given["sandbox"] = sandbox_of(found.values["sandbox"], f"{source}:{line}")
    if on_limit is not None and ("budget" in found.values or "policy" in found.values):
        given |= _spending(found, source, on_limit)
    return given


def _step(values: Mapping[str, Any], needs: tuple[str, ...], restrictions: Mapping[str, Any]) -> Step:
    given = {name: value for name, value in values.items() if name not in _CHANGED}
    given |= restrictions
    if level := _level(values):
        given["policy"] = level
    for name in _CHANGED.keys() & values.keys():
        into, change = _CHANGED[name]
        if into:
            given[into] = change(values[name])
    given["needs"] = tuple(StepName(name) for name in needs)
    return Step(**given)


def _spending(found: Found, source: str, on_limit: OnLimit) -> Mapping[str, Any]:
    """What a step may spend. Where it does not say what happens at a limit, it is what the plan says."""
    given: dict[str, Any] = {}
    policy = found.values.get("policy")
    if "budget" in found.values:
        given["budget"] = budget_of(found, source, on_limit=on_limit)
    if isinstance(policy, Found) and "budget" in policy.values:
        given["policy_budget"] = budget_of(policy, source)
    if asks := asks_for_of(policy, source):
        given["database_approval"] = asks
    return given


def _level(values: Mapping[str, Any]) -> Level:
    """The step's `policy`, and the shorter ways to write parts of it."""
    level = level_of(values.get("policy"))
    level = with_allowed(level, Aspect.TOOLS, values.get("tools_allowed"))
    return with_allowed(level, Aspect.ENV, values.get("env_allowed"))


def _retry(value: Found | int) -> Retry:
    if isinstance(value, int):
        return Retry(max_attempts=value)
    values: Mapping[str, Any] = value.values
    if "backoff" not in values:
        return Retry(max_attempts=values["max_attempts"])
    backoff = values["backoff"]
    return Retry(values["max_attempts"], backoff if isinstance(backoff, tuple) else (backoff,))


def _repair(value: Found) -> Repair:
    return Repair(**value.values)  # type: ignore[arg-type]  # its table has the kinds of its fields


_CHANGED: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "needs": ("", tuple),
    "policy": ("", level_of),
    "tools_allowed": ("", tuple),
    "env_allowed": ("", tuple),
    "secrets_scope": ("", tuple),
    "sandbox": ("", tuple),
    "workspace": ("", str),
    "budget": ("", str),
    "repair": ("repair", _repair),
    "timeout": ("timeout_ms", int),
    "retry": ("retry", _retry),
    "severity": ("severity", Severity),
    "approval": ("approval", lambda word: word == "required"),
}
"""Fields of a file that the domain keeps under another name or in another form; an empty name: not kept."""
