"""The settings of mypy: what they say, and what a verdict is worth that rests on them.

mypy goes on with its defaults where it cannot read its settings, and passes where they tell it to ignore every error.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates import pyproject
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.gate import Examination
from nofx_cli.handlers.gates.programs import PROJECT_ENVIRONMENT

VACUOUS_HINT = "point `paths` at the code, see what the type checker's settings exclude, or leave the gate out"
_INIS = ("mypy.ini", ".mypy.ini", "setup.cfg")
_TARGETS = ("files", "packages", "modules")
_COMPLAINT = re.compile(r"(?:[^:\n]*/)?(?:pyproject\.toml|\.?mypy\.ini|setup\.cfg): (?P<text>.+)")
_TRUE = frozenset({"1", "yes", "true", "on"})
_IGNORING = "ignore_errors"
_HINTS: Mapping[str, str] = {
    "Duplicate module named": "tell mypy what to check: `paths`, or `files` or `exclude` in its settings",
    "Source file found twice": "set `explicit_package_bases` in mypy's settings, or add the missing __init__.py",
    "Cannot find implementation or library stub": f"install what the project imports into {PROJECT_ENVIRONMENT}",
    "Library stubs not installed": f"install the stubs, which mypy names, into {PROJECT_ENVIRONMENT}",
}


def are_there(workspace: Path) -> bool:
    """Whether the project has settings of mypy."""
    return (
        any((workspace / name).is_file() for name in ("mypy.ini", ".mypy.ini"))
        or pyproject.table(workspace, "tool", "mypy") is not None
        or pyproject.has_section(workspace / "setup.cfg", "mypy")
    )


def say_what_to_check(workspace: Path) -> bool:
    """Whether the settings name files, packages or modules."""
    settings = pyproject.table(workspace, "tool", "mypy") or {}
    return any(settings.get(name) for name in _TARGETS) or any(
        pyproject.ini_value(workspace / ini, "mypy", name) for ini in _INIS for name in _TARGETS
    )


def held_against_settings(evidence: Evidence, said: str, exam: Examination) -> Evidence:
    """The evidence, where its settings let mypy do its work; `said` is what mypy says of them.

    Raises:
        NoEvidence: mypy could not read its settings, and went on without.
    """
    complaints = [match for line in said.splitlines() if (match := _COMPLAINT.fullmatch(line))]
    for match in complaints:
        if not match["text"].startswith(("[", "No [mypy] section")):
            raise NoEvidence(f"mypy could not read its settings: {match[0]}", hint="correct the file", retryable=False)
    if evidence.verdict is Verdict.PASSED and ignores_all(exam.workspace) and not exam.args:
        summary = f"mypy is told to ignore every error (`{_IGNORING}`)"
        hint = f"set `{_IGNORING}` in mypy's settings for single modules only, or leave the gate out"
        return replace(evidence, verdict=Verdict.VACUOUS, summary=summary, hint=hint)
    # An option that it does not know is one that does not hold.
    told = f"; mypy warns: {complaints[0][0]}" if complaints else ""
    return replace(evidence, summary=evidence.summary + told, hint=_hint(evidence))


def ignores_all(workspace: Path) -> bool:
    """Whether the settings in force ignore errors everywhere, and no module is left out of that."""
    for name in ("mypy.ini", ".mypy.ini"):
        if (workspace / name).is_file():
            return _only_true(pyproject.ini_values(workspace / name, "mypy", _IGNORING))
    settings = pyproject.table(workspace, "tool", "mypy")
    if settings is not None:
        return _only_true({str(number): value for number, value in enumerate(_of_table(settings))})
    return _only_true(pyproject.ini_values(workspace / "setup.cfg", "mypy", _IGNORING))


def _of_table(settings: Mapping[str, object]) -> Iterator[str]:
    yield str(settings.get(_IGNORING, ""))
    overrides = settings.get("overrides")
    for one in overrides if isinstance(overrides, list) else []:
        if isinstance(one, Mapping) and _IGNORING in one:
            yield str(one[_IGNORING])


def _only_true(values: Mapping[str, str]) -> bool:
    return bool(values) and all(value.strip().lower() in _TRUE for value in values.values())


def _hint(evidence: Evidence) -> str:
    if evidence.verdict is Verdict.VACUOUS:
        return VACUOUS_HINT
    messages = [finding.message for finding in evidence.findings]
    return next((hint for words, hint in _HINTS.items() for text in messages if words in text), evidence.hint)
