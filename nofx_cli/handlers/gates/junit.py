"""Read JUnit XML as test runners write it, as a stream and without believing it: no document type, no entities.

What is counted are the test cases themselves; the totals that the suites claim are kept beside them, so that the
two can be held against each other. There is no standard of the format: pytest, surefire and most others have cases in
suites in `testsuites`; surefire has one suite alone; the runner of node nests suites, and has cases without one; some
say in an attribute `status` what others say by an element.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from nofx_cli.domain.wording import counted

_TEXT_LIMIT = 4096
_LONGEST_NUMBER = 9
_OUTCOMES = ("failure", "error", "skipped")
_PLACE_OF_SUITE = ("file", "filepath")


class CaseStatus(IntEnum):
    """How a test case ended; of two results of the same case the higher counts."""

    PASSED = 0
    SKIPPED = 1
    FAILED = 2
    ERROR = 3


_SAID = {
    **dict.fromkeys(("skipped", "notrun", "disabled", "ignored", "suppressed", "pending"), CaseStatus.SKIPPED),
    **dict.fromkeys(("failed", "failure", "fail"), CaseStatus.FAILED),
    "error": CaseStatus.ERROR,
}


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
    """A report: its cases, each once; `claimed` are the totals of the outermost suites, as they say them."""

    cases: list[Case] = field(default_factory=list)
    claimed: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    )

    def having(self, *status: CaseStatus) -> list[Case]:
        """The cases that ended so, in the order of the report."""
        return [case for case in self.cases if case.status in status]

    def totals(self) -> str:
        """Such as `41 tests: 40 passed, 1 failed`."""
        words = (("passed", CaseStatus.PASSED), ("failed", CaseStatus.FAILED), ("skipped", CaseStatus.SKIPPED))
        parts = [f"{len(found)} {word}" for word, status in words if (found := self.having(status))]
        if broken := self.having(CaseStatus.ERROR):
            parts.append(counted(len(broken), "error"))
        return f"{counted(len(self.cases), 'test')}: {', '.join(parts)}"

    def counts(self) -> dict[str, int]:
        """How many `tests`, and of them `passed`, `failed`, `errors` and `skipped`."""
        return {
            "tests": len(self.cases),
            "passed": len(self.having(CaseStatus.PASSED)),
            "failed": len(self.having(CaseStatus.FAILED)),
            "errors": len(self.having(CaseStatus.ERROR)),
            "skipped": len(self.having(CaseStatus.SKIPPED)),
        }


class NotJunit(ValueError):
    """The bytes are no JUnit report."""


def parse(data: bytes, *, first_line: int = 0) -> Report:
    """Read a report. `first_line` is the number of a file's first line: 0 for pytest, 1 for others.

    Raises:
        NotJunit: it is not well-formed, declares a document type, has no test suite, or its totals are no numbers.
    """
    from xml.parsers import expat

    reader = _Reader(1 - first_line)
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
    except LookupError as exc:
        raise NotJunit(f"its encoding is not known: {exc}") from exc
    except ValueError as exc:
        raise exc if isinstance(exc, NotJunit) else NotJunit(f"it cannot be decoded: {exc}") from exc
    if not reader.found_some:
        raise NotJunit("there is no test suite in it")
    return reader.report()


class _Reader:
    def __init__(self, add_to_line: int) -> None:
        self._suites = 0
        self._add_to_line = add_to_line
        self._open_suites: list[str] = []
        self._claimed = Report().claimed
        self._cases: dict[tuple[str, str, str], Case] = {}
        self._case: Case | None = None
        self._outcome = ""
        self._text: list[str] = []

    @property
    def found_some(self) -> bool:
        """Whether there are suites, or cases without one."""
        return bool(self._suites or self._cases)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "testsuites":
            self._suites += "tests" in attributes
        elif tag == "testsuite":
            self._start_suite(attributes)
        elif tag == "testcase":
            self._case = self._case_of(attributes)
        elif tag in _OUTCOMES and self._case is not None:
            self._outcome, self._text = tag, []
            status = CaseStatus[{"failure": "FAILED"}.get(tag, tag.upper())]
            if status > self._case.status or (status == self._case.status and not self._case.message):
                self._case.status, self._case.message = status, attributes.get("message", "")

    def _start_suite(self, attributes: Mapping[str, str]) -> None:
        self._suites += 1
        if not self._open_suites:  # the totals of a suite have those of the suites in it
            for name in self._claimed:
                self._claimed[name] += _number(attributes.get(name, "0"))
        known = self._open_suites[-1] if self._open_suites else ""
        self._open_suites.append(next((attributes[name] for name in _PLACE_OF_SUITE if attributes.get(name)), known))

    def _case_of(self, attributes: Mapping[str, str]) -> Case:
        return Case(
            attributes.get("classname", ""),
            attributes.get("name", ""),
            attributes.get("file") or (self._open_suites[-1] if self._open_suites else ""),
            _line(attributes.get("line", ""), self._add_to_line),
            max(_SAID.get(attributes.get(name, "").lower(), CaseStatus.PASSED) for name in ("status", "result")),
        )

    def end(self, tag: str) -> None:
        if tag == "testsuite":
            self._open_suites.pop()
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
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise NotJunit(f"{text[:40]!r} is no number")
    return int(text)


def _line(text: str, add: int) -> int:
    """Where a line is no number, the test is one all the same."""
    return int(text) + add if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0


def _refuse_doctype(*_: object) -> None:
    raise NotJunit("it declares a document type")
