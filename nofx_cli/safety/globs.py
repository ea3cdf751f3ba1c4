"""Globs over names and paths: `*`, `?` and `[…]`, case matters."""

from collections.abc import Sequence

SIGNS = frozenset("*?[")
"""The characters that make a glob of a name."""


def matches(name: str, pattern: str) -> bool:
    """Whether the glob matches the whole name."""
    if SIGNS.isdisjoint(pattern):
        return name == pattern
    if pattern[-1] == "*" and SIGNS.isdisjoint(pattern[:-1]):
        return name.startswith(pattern[:-1])
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def path_matches(path: str, pattern: str) -> bool:
    """Whether the glob matches the whole relative path: `*` stays within a name, `**` stands for any folders."""
    return _parts_match(path.split("/"), pattern.split("/"))


def _parts_match(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """From left to right, with the patterns that may come next: linear in the length of the path."""
    places = _with_skipped({0}, patterns)
    for part in parts:
        places = {
            place if patterns[place] == "**" else place + 1
            for place in places
            if place < len(patterns) and (patterns[place] == "**" or matches(part, patterns[place]))
        }
        places = _with_skipped(places, patterns)
    return len(patterns) in places


def _with_skipped(places: set[int], patterns: Sequence[str]) -> set[int]:
    """`**` may stand for no folder at all."""
    found = set(places)
    for place in sorted(places):
        while place < len(patterns) and patterns[place] == "**":
            place += 1  # noqa: PLW2901 - the next place is looked at in turn
            found.add(place)
    return found


def common(one: str, other: str) -> str | None:
    """The glob that matches just what both match, where one of them contains the other; else None."""
    if one == other or covers(one, other):
        return other
    return one if covers(other, one) else None


def covers(wide: str, narrow: str) -> bool:
    """Whether `wide` surely matches all that `narrow` matches."""
    if SIGNS.isdisjoint(narrow):
        return matches(narrow, wide)
    return wide[-1:] == "*" and SIGNS.isdisjoint(wide[:-1]) and narrow.startswith(wide[:-1])
