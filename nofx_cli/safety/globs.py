"""Globs over names of tools and of environment variables: `*`, `?` and `[…]`, case matters."""

from collections.abc import Iterable

_SPECIAL = frozenset("*?[")


def matches(name: str, pattern: str) -> bool:
    """Whether the glob matches the whole name."""
    if _SPECIAL.isdisjoint(pattern):
        return name == pattern
    if pattern[-1] == "*" and _SPECIAL.isdisjoint(pattern[:-1]):
        return name.startswith(pattern[:-1])
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the globs matches."""
    return any(matches(name, pattern) for pattern in patterns)


def common(one: str, other: str) -> str | None:
    """The glob that matches just what both match, where one of them contains the other; else None."""
    if one == other or covers(one, other):
        return other
    return one if covers(other, one) else None


def covers(wide: str, narrow: str) -> bool:
    """Whether `wide` surely matches all that `narrow` matches."""
    if _SPECIAL.isdisjoint(narrow):
        return matches(narrow, wide)
    return wide[-1:] == "*" and _SPECIAL.isdisjoint(wide[:-1]) and narrow.startswith(wide[:-1])
