"""Read what test runners of JavaScript report: their test cases, whatever runner it is.

- node: lines of JSON from `node_reporter.mjs`; the last says that the runner came to its end.
- jest and vitest: one JSON object, of the form that jest gave it.
- mocha: one JSON object with the tests, and among them those that failed and those that did not run.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.javascript.runners import JEST, MOCHA, NODE, VITEST
from nofx_cli.handlers.gates.junit import Case, CaseStatus, Report
from nofx_cli.handlers.gates.parsers.reading import (
    amount,
    json_of,
    line_of,
    mapping,
    objects,
    position,
    relative,
    without_colours,
)

_STATUS = {"passed": CaseStatus.PASSED, "failed": CaseStatus.FAILED}
_TEST_OF_NODE = re.compile(r"^(?:await )?(?:test|it|describe|suite)(?:\.\w+)?\(", re.MULTILINE)
_BETWEEN = " > "
FILE_ALONE = "collection"
"""The name of the case that stands for a file that could not be run at all."""


def read_tests(runner: str, data: bytes, *, workspace: Path) -> Report:
    """The cases of a report.

    Raises:
        NoEvidence: it is not the runner's, is not whole, or contradicts itself.
    """
    return Report(list(_READERS[runner](data, workspace)))


def _of_node(data: bytes, workspace: Path) -> Iterator[Case]:
    lines = [mapping(json_of(line, by="node"), "a line of node's report") for line in data.splitlines()]
    if not lines or lines[-1].get("type") != "end":
        raise NoEvidence("node's test runner did not come to its end")
    inner: dict[int, list[Case]] = {}
    ended = {relative(line.get("file"), workspace) for line in lines[:-1]}
    for line in lines[:-1]:
        level = line.get("nesting")
        level = level if isinstance(level, int) else 0
        name = line_of(line.get("name"))
        below = inner.pop(level + 1, [])
        for case in below:  # what is inside was told before
            case.name = name + _BETWEEN + case.name
        own = [found] if (found := _case_of_node(line, name, workspace)) else []
        inner.setdefault(level, []).extend([*below, *own])
    for cases in inner.values():
        yield from cases
        ended -= {case.file for case in cases}
    for file in sorted(ended):
        if _has_tests(workspace / file):
            yield Case("", FILE_ALONE, file, 0, CaseStatus.ERROR, "it ended before its tests did")


def _has_tests(file: Path) -> bool:
    """Whether there are tests in a file of which none was told: `process.exit` takes all that is behind it along."""
    try:
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return False
    return "node:test" in text and _TEST_OF_NODE.search(text) is not None


def _case_of_node(line: dict[str, Any], name: str, workspace: Path) -> Case | None:
    """None for what is no test: a suite, a test that failed by one inside it, a file as a whole."""
    failed = line.get("type") == "test:fail" and line.get("excused") is not True
    if line.get("failure") == "subtestsFailed" or (line.get("kind") == "suite" and not failed):
        return None
    file = line_of(line.get("file"))
    whole_file = not line.get("nesting") and (name == file or (file.endswith(f"/{name}") and "/" in name))
    if whole_file and not failed:
        return None
    case = Case("", FILE_ALONE if whole_file else name, relative(file, workspace), position(line.get("line")))
    case.status = CaseStatus.SKIPPED if line.get("excused") is True else CaseStatus.PASSED
    if failed:
        case.status = CaseStatus.ERROR if whole_file or line.get("kind") == "suite" else CaseStatus.FAILED
        case.message = _first_line(line.get("reason"))
    return case


def _of_jest(data: bytes, workspace: Path) -> Iterator[Case]:
    report = mapping(json_of(data, by="the test runner"), "the report of the test runner")
    failed = 0
    for file in objects(report.get("testResults"), "`testResults`"):
        path = relative(file.get("name"), workspace)
        tests = objects(file.get("assertionResults"), "`assertionResults`")
        if file.get("status") == "failed" and not any(test.get("status") == "failed" for test in tests):
            yield Case("", FILE_ALONE, path, 0, CaseStatus.ERROR, _first_line(file.get("message")))
        for test in tests:
            case = _case_of_jest(test, path)
            failed += case.status is CaseStatus.FAILED
            yield case
    if amount(report.get("numFailedTests"), "`numFailedTests`") > failed:
        raise NoEvidence(f"the report contradicts itself: it lists {failed} failed tests of {report['numFailedTests']}")


def _case_of_jest(test: dict[str, Any], path: str) -> Case:
    above = test.get("ancestorTitles")
    names = [*(above if isinstance(above, list) else []), test.get("title")]
    place = test.get("location")
    line = position(place.get("line")) if isinstance(place, dict) else 0
    status = _STATUS.get(str(test.get("status")), CaseStatus.SKIPPED)
    messages = test.get("failureMessages")
    reason = _first_line(messages[0]) if isinstance(messages, list) and messages else ""
    return Case("", _BETWEEN.join(filter(None, map(line_of, names))), path, line, status, reason)


def _of_mocha(data: bytes, workspace: Path) -> Iterator[Case]:
    report = mapping(json_of(data, by="mocha"), "the report of mocha")
    listed = {name: objects(report.get(name), f"`{name}`") for name in ("tests", "failures", "pending")}
    failures = {_identity(test): test for test in listed["failures"]}
    pending = {_identity(test) for test in listed["pending"]}
    stats = mapping(report.get("stats"), "`stats`")
    if amount(stats.get("failures"), "`failures`") > len(listed["failures"]):
        raise NoEvidence(f"mocha's report contradicts itself: it lists {len(failures)} of {stats['failures']} failures")
    hooks = [test for test in listed["failures"] if _identity(test) not in set(map(_identity, listed["tests"]))]
    for test in [*listed["tests"], *hooks]:
        case = Case("", line_of(test.get("fullTitle")), relative(test.get("file"), workspace), 0)
        if found := failures.get(_identity(test)):
            error = found.get("err")
            case.status = CaseStatus.FAILED
            case.message = _first_line(error.get("message")) if isinstance(error, dict) else ""
        elif _identity(test) in pending:
            case.status = CaseStatus.SKIPPED
        yield case


def _identity(test: dict[str, Any]) -> tuple[str, str]:
    return line_of(test.get("file")), line_of(test.get("fullTitle"))


def _first_line(text: object) -> str:
    """The first line that says something, without the colours that runners put into their reports."""
    lines = without_colours(text).splitlines() if isinstance(text, str) else []
    return next((line_of(line) for line in lines if line.strip()), "")


_READERS: Mapping[str, Callable[[bytes, Path], Iterator[Case]]] = {
    NODE: _of_node,
    JEST: _of_jest,
    VITEST: _of_jest,
    MOCHA: _of_mocha,
}
