"""Which gates a thing concerns."""

from collections.abc import Iterable
from typing import TypeAlias

Concerns: TypeAlias = frozenset[str]
"""Names of built-in gates, without `gate:`. A gate of the project's own is concerned by everything."""

LINT = frozenset({"lint"})
FORMAT = frozenset({"format"})
STYLE = LINT | FORMAT
TYPES = frozenset({"typecheck"})
TESTS = frozenset({"unit", "test", "coverage"})
COVERAGE = TESTS
"""A floor of coverage can fail the tests too: pytest-cov ends pytest with it."""
SAST = frozenset({"sast"})
SECRETS = frozenset({"secrets"})
AUDIT = frozenset({"audit"})
BUILD = frozenset({"build"})
BUILT_IN = STYLE | TYPES | TESTS | SAST | SECRETS | AUDIT | BUILD
OWN: Concerns = frozenset()
"""Only gates of the project's own."""


def concerned(gate: str, concerns: Iterable[str], *, own: bool) -> bool:
    """Whether a gate is concerned; `own` says that it runs a command of the project."""
    return own or gate not in BUILT_IN or gate in concerns
