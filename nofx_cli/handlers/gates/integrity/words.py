"""Words for what was changed."""

from collections.abc import Sequence

_MOST = 5


def listed(names: Sequence[str]) -> str:
    """The first few of some names: `a, b, c, d, e and 2 others`."""
    left = len(names) - _MOST
    more = f" and {left} other{'s' if left > 1 else ''}" if left > 0 else ""
    return ", ".join(names[:_MOST]) + more


def how(was: object, now: object) -> str:
    """What became of a thing that is None where it is not there."""
    return "added" if was is None else "removed" if now is None else "changed"
