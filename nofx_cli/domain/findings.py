"""What gates find, one by one, in the same form whatever tool found it.

A finding is known again by its *fingerprint*, `<digest>:<number>`: the digest is of path, rule and the text of its line
(of the message without its numbers where there is no line), so that it stays when lines above it come and go; the
number tells those apart that are equal in all of that, from 1, from top to bottom. A baseline counts equal ones, so it
is the digest that it has.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from nofx_cli.domain.ids import JsonValue, digest_of_bytes

FINDINGS_FILE = "findings.json"
"""The artifact of a gate that has its findings, as `findings_json` writes them."""
SEVERITIES = ("error", "warning", "note")
"""Worst first; there are no others once findings were gathered."""
KNOWN, NEW = "unchanged", "new"
"""What a baseline says of a finding; the words are those of SARIF."""

LineText: TypeAlias = Callable[[str, int], str]
"""The text of a line, by path below the workspace and number from 1; empty where it cannot be had."""

_PATH_LIMIT, _RULE_LIMIT, _MESSAGE_LIMIT, _LINE_LIMIT = 1_024, 256, 4_096, 2_048
_GROUPS = (0, 8, 12, 16, 20, 32)
_HIGHEST = 2**31 - 1
_NAMED = {
    **dict.fromkeys(("error", "critical", "high", "fatal", "blocker", "2"), "error"),
    **dict.fromkeys(("warning", "warn", "medium", "moderate", "major", "1"), "warning"),
    **dict.fromkeys(("note", "info", "information", "low", "minor", "style", "convention", "hint", "none"), "note"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend.

    Attributes:
        path: relative to the workspace, with `/`; empty where it belongs to no file.
        line, column: from 1, 0 is unknown.
        severity: one of `SEVERITIES`; until it was gathered, whatever the tool says.
        tool: the program that found it.
        fingerprint: see above; empty until it was gathered.
        state: `KNOWN` or `NEW` against a baseline, empty where there is none.
    """

    path: str
    line: int
    column: int
    rule: str
    severity: str
    message: str
    tool: str = ""
    fingerprint: str = ""
    state: str = ""

    def __str__(self) -> str:
        return f"{self.place} {self.rule} {self.headline}".strip()

    @property
    def place(self) -> str:
        """Such as `src/a.py:3:7`, as far as it is known."""
        return ":".join([self.path, *(str(number) for number in (self.line, self.column) if number)])

    @property
    def headline(self) -> str:
        """The message on one line."""
        return " ".join(self.message.split())

    @property
    def digest(self) -> str:
        """The fingerprint without its number: what equal findings have in common."""
        return self.fingerprint.partition(":")[0]


def gathered(findings: Iterable[Finding], text_of: LineText, *, tool: str = "") -> tuple[Finding, ...]:
    """Each finding once, by path, line and column, tidied and with its fingerprint."""
    tidied = {_tidied(finding, tool) for finding in findings}
    found = {(f.path, f.line, f.column, f.rule, f.message): f for f in sorted(tidied, key=_order, reverse=True)}
    numbers: dict[str, int] = {}
    told = []
    for finding in reversed(found.values()):
        digest = _digest(finding, text_of)
        numbers[digest] = numbers.get(digest, 0) + 1
        told.append(replace(finding, fingerprint=f"{digest}:{numbers[digest]}"))
    return tuple(told)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By path, line and column."""
    return tuple(sorted(findings, key=_order))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """What blocks before what a baseline knows, errors before warnings before notes, then by place."""
    return sorted(findings, key=lambda f: (f.state == KNOWN, _rank(f.severity), *_order(f)))


def severity_counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many `errors`, `warnings` and `notes` there are; all three, also where there is none."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return {f"{name}s": count for name, count in counts.items()}


def findings_json(findings: Iterable[Finding]) -> str:
    """The findings as a JSON array, a line each, for programs and for models."""
    return json_array(map(_as_json, findings))


def json_array(items: Iterable[Mapping[str, JsonValue]]) -> str:
    """JSON objects as an array, each on a line of its own."""
    lines = ",\n".join(" " + json.dumps(item, ensure_ascii=False) for item in items)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def findings_of_json(text: str | bytes) -> tuple[Finding, ...]:
    """Read what `findings_json` wrote; fields that are missing are empty, others are left out.

    Raises:
        ValueError: it is no JSON array of findings.
    """
    items = json.loads(text)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("it is no list of findings")
    return tuple(_of_json(item) for item in items)


def normalised(severity: str, *, unknown: str = "error") -> str:
    """The severity of a finding, from any tool's word for it; `unknown` is for words that are not known."""
    return _NAMED.get(severity.strip().lower(), unknown)


def _tidied(finding: Finding, tool: str) -> Finding:
    return replace(
        finding,
        path=_bounded(finding.path.removeprefix("./"), _PATH_LIMIT),
        line=_number(finding.line),
        column=_number(finding.column) if _number(finding.line) else 0,
        rule=" ".join(_bounded(finding.rule, _RULE_LIMIT).split()),
        severity=normalised(finding.severity),
        message=_bounded(finding.message.strip(), _MESSAGE_LIMIT),
        tool=finding.tool or tool,
    )


def _number(value: int) -> int:
    return value if 0 < value <= _HIGHEST else 0


def _bounded(text: str, limit: int) -> str:
    """At most `limit` characters, all of which can be written as UTF-8."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _digest(finding: Finding, text_of: LineText) -> str:
    line = text_of(finding.path, finding.line)[:_LINE_LIMIT] if finding.line and finding.path else ""
    about = " ".join(line.split()) or re.sub(r"\d+", "#", finding.headline)
    whole = "\0".join((finding.path, finding.rule, about))
    digest = digest_of_bytes(whole.encode("utf-8", "backslashreplace"))
    # 128 bits in the form of a UUID: scanners take other long hexadecimal words in a baseline for secrets.
    return "-".join(digest[begin:end] for begin, end in itertools.pairwise(_GROUPS))


def _order(finding: Finding) -> tuple[str, int, int, str, str, int]:
    return finding.path, finding.line, finding.column, finding.rule, finding.message, _rank(finding.severity)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def _as_json(finding: Finding) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "tool": finding.tool,
        "fingerprint": finding.fingerprint,
    }
    return {**told, "state": finding.state} if finding.state else told


def _of_json(item: Mapping[str, object]) -> Finding:
    def text(name: str) -> str:
        value = item.get(name)
        return value if isinstance(value, str) else ""

    def number(name: str) -> int:
        value = item.get(name)
        return value if isinstance(value, int) else 0

    return Finding(
        path=text("path"),
        line=number("line"),
        column=number("column"),
        rule=text("rule"),
        severity=normalised(text("severity")),
        message=text("message"),
        tool=text("tool"),
        fingerprint=text("fingerprint"),
        state=text("state"),
    )


def findings_words(findings: Sequence[Finding], limit: int, *, more: str) -> list[str]:
    """The worst findings, a line each, and how many there are more; `more` says where."""
    told = [str(f) if f.state != KNOWN else f"{f} (in the baseline)" for f in worst_first(findings)[:limit]]
    left = len(findings) - len(told)
    return [*told, f"… and {left} more: {more}"] if left > 0 else told


def found_of(findings: Iterable[Finding]) -> str:
    """What stands for the findings that block: `<number> <digest>`; empty where none was parsed.

    The same findings give the same text, in whatever order, and wherever their lines have moved to.
    """
    prints = sorted(each.fingerprint for each in findings if each.state != KNOWN)
    return f"{len(prints)} {digest_of_bytes(json.dumps(prints).encode())[:12]}" if prints else ""
