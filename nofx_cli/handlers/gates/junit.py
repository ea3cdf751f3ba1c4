"""Read JUnit XML as pytest writes it, as a stream and without believing it: no document type, no entities.

What is counted are the test cases themselves; the totals that the suites claim are kept beside them, so that the
two can be held against each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

_TEXT_LIMIT = 4096
_OUTCOMES = ("failure", "error", "skipped")


class CaseStatus(IntEnum):
    """How a test case ended; of two results of the same case the higher counts."""

    PASSED = 0
    SKIPPED = 1
    FAILED = 2
    ERROR = 3


@dataclass(slots=True)
class Case:
    """A test case. `line` counts from 1, 0 is unknown; `text` is the end of what the report says about it."""

    classname: str
    name: str
    file: str
    line: int
    status: CaseStatus = CaseStatus.PASSED
    message: str = ""
    text: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.file, self.classname, self.name)


@dataclass(slots=True)
class Report:
    """A report: its cases, each once; `claimed` are the suites' own totals of tests, failures, errors and skipped."""

    cases: list[Case] = field(default_factory=list)
    claimed: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    )

    def having(self, *status: CaseStatus) -> list[Case]:
        """The cases that ended so, in the order of the report."""
        return [case for case in self.cases if case.status in status]


class NotJunit(ValueError):
    """The bytes are no JUnit report."""


def parse(data: bytes) -> Report:
    """Read a report.

    Raises:
        NotJunit: it is not well-formed, declares a document type, has no test suite, or its totals are no numbers.
    """
    from xml.parsers import expat

    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as exc:
        raise NotJunit(f"not well-formed: {exc}") from exc
    if not reader.suites:
        raise NotJunit("there is no test suite in it")
    return reader.report()


class _Reader:
    def __init__(self) -> None:
        self.suites = 0
        self._claimed = Report().claimed
        self._cases: dict[tuple[str, str, str], Case] = {}
        self._case: Case | None = None
        self._outcome = ""
        self._text: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "testsuite":
            self.suites += 1
            for name in self._claimed:
                self._claimed[name] += _number(attributes.get(name, "0"))
        elif tag == "testcase":
            self._case = Case(
                attributes.get("classname", ""),
                attributes.get("name", ""),
                attributes.get("file", ""),
                _number(attributes["line"]) + 1 if "line" in attributes else 0,
            )
        elif tag in _OUTCOMES and self._case is not None:
            self._outcome, self._text = tag, []
            status = CaseStatus[{"failure": "FAILED"}.get(tag, tag.upper())]
            if status > self._case.status:
                self._case.status, self._case.message = status, attributes.get("message", "")

    def end(self, tag: str) -> None:
        if self._case is None:
            return
        if tag == "testcase":
            known = self._cases.get(self._case.identity)
            if known is None or self._case.status > known.status:
                self._cases[self._case.identity] = self._case
            self._case = None
        elif tag == self._outcome:
            self._case.text = "".join(self._text)[-_TEXT_LIMIT:]
            self._outcome = ""

    def characters(self, text: str) -> None:
        if self._outcome:
            self._text.append(text)

    def report(self) -> Report:
        return Report(list(self._cases.values()), self._claimed)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotJunit(f"{text[:40]!r} is no number") from None


def _refuse_doctype(*_: object) -> None:
    raise NotJunit("it declares a document type")
