"""Levels of a policy, written shortly."""

from collections.abc import Sequence

from nofx_cli.domain.policy import Aspect, Level, Rule, Rules


def level(
    aspect: Aspect, *, allow: Sequence[str] | None = None, deny: Sequence[str] = (), source: str = "x.yaml:1"
) -> Level:
    """A level that says something in one respect; all of it stands at `source`."""
    allowed = None if allow is None else tuple(Rule(pattern, source) for pattern in allow)
    return {aspect: Rules(allowed, tuple(Rule(pattern, source) for pattern in deny), source)}
