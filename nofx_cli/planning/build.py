"""Checked entries become the `Plan`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nofx_cli.domain.ids import Digest, StepName
from nofx_cli.domain.plan import DEFAULT_CONCURRENCY, Param, Plan, Policy, Retry, Severity, Step
from nofx_cli.planning.reading import Found
from nofx_cli.planning.structures import Entry


def build_plan(found: Found, steps: tuple[Step, ...], *, digest: Digest) -> Plan:
    """The plan of a file's top-level values."""
    values: Mapping[str, Any] = found.values
    return Plan(
        steps=steps,
        digest=digest,
        goal=values.get("goal", ""),
        params=tuple(build_param(entry) for entry in values.get("params", ())),
        env=values.get("env", {}),
        policy=_policy(values.get("policy")),
        concurrency=values.get("concurrency", DEFAULT_CONCURRENCY),
    )


def build_steps(entries: Sequence[Entry], needs: Sequence[tuple[str, ...]]) -> tuple[Step, ...]:
    """The steps, in the order of the file."""
    return tuple(_step(entry.found.values, names) for entry, names in zip(entries, needs, strict=True))


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


def _step(values: Mapping[str, Any], needs: tuple[str, ...]) -> Step:
    given = {name: value for name, value in values.items() if name not in _CHANGED}
    for name in _CHANGED.keys() & values.keys():
        into, change = _CHANGED[name]
        if into:
            given[into] = change(values[name])
    given["needs"] = tuple(StepName(name) for name in needs)
    return Step(**given)


def _retry(value: Found | int) -> Retry:
    if isinstance(value, int):
        return Retry(max_attempts=value)
    values: Mapping[str, Any] = value.values
    if "backoff" not in values:
        return Retry(max_attempts=values["max_attempts"])
    backoff = values["backoff"]
    return Retry(values["max_attempts"], backoff if isinstance(backoff, tuple) else (backoff,))


_CHANGED: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "needs": ("", tuple),
    "workspace": ("", str),
    "timeout": ("timeout_ms", int),
    "retry": ("retry", _retry),
    "severity": ("severity", Severity),
    "approval": ("approval", lambda word: word == "required"),
}
"""Fields of a file that the domain keeps under another name or in another form; an empty name: not kept."""


def _policy(found: Found | None) -> Policy:
    if found is None:
        return Policy()
    tools, env = _values(found, "tools"), _values(found, "env")
    return Policy(tools.get("allow"), tools.get("deny", ()), env.get("allow", ()))


def _values(found: Found, name: str) -> Mapping[str, Any]:
    inner = found.values.get(name)
    return inner.values if isinstance(inner, Found) else {}
