"""The findings that a project knows and does not mend now: `nofx-baseline.json`, which belongs in git.

Entries say how many findings of one digest (see `domain.findings`) a gate may have: `{gate, path, rule, fingerprint,
count}`, sorted, one a line, so that a change of the file reads like what it is. Only the digest decides; path and rule
are for people. There is no message and no line of code in it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nofx_cli.domain.findings import KNOWN, NEW, Finding
from nofx_cli.domain.project import GateSpec, Parser
from nofx_cli.domain.record import record

BASELINE_FILE = "nofx-baseline.json"
VERSION = 1
_OF_TESTS = frozenset({"gate:unit", "gate:test", "gate:coverage"})
_PARSERS_OF_TESTS = frozenset({Parser.JUNIT, Parser.PYTEST, Parser.EXIT_CODE})
_UNPARSED = frozenset({"invalid-syntax", "syntax-error", "parse-error", "syntax", "E902", "E999"})
_TYPESCRIPT_SYNTAX = "TS1"
_HEAD = ("gate", "path", "rule", "fingerprint")


@record
class Entry:
    """That many findings of one kind are known to a gate."""

    gate: str
    path: str
    rule: str
    fingerprint: str
    count: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return self.gate, self.fingerprint


@record
class Baseline:
    """All that is known. `note` says why, in the words of who recorded it."""

    entries: tuple[Entry, ...] = ()
    note: str = ""

    def marked(self, gate: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings, each told apart as known or new; of equal ones the first are the known ones."""
        left = {entry.fingerprint: entry.count for entry in self.entries if entry.gate == gate}
        told = []
        for finding in findings:
            known = left.get(finding.digest, 0) > 0 and is_coverable(finding)
            left[finding.digest] = left.get(finding.digest, 0) - known
            told.append(replace(finding, state=KNOWN if known else NEW))
        return tuple(told)

    def gone(self, gate: str, findings: Iterable[Finding]) -> tuple[Entry, ...]:
        """What is known of the gate and is not among the findings any more, with how many of it."""
        there = counted_by_digest(findings)
        missing = (
            replace(entry, count=entry.count - there.get(entry.fingerprint, 0))
            for entry in self.entries
            if entry.gate == gate
        )
        return tuple(entry for entry in missing if entry.count > 0)

    def recorded(self, findings: Mapping[str, Sequence[Finding]], *, note: str = "") -> "Baseline":
        """With just these findings for those gates; what is known of other gates stays."""
        kept = (entry for entry in self.entries if entry.gate not in findings)
        made = (entry for gate, found in findings.items() for entry in _entries(gate, found))
        return Baseline(_sorted([*kept, *made]), note or self.note)

    def pruned(self, findings: Mapping[str, Sequence[Finding]]) -> "Baseline":
        """Without what those gates do not find any more; nothing is added."""
        gone = {entry.key: entry.count for gate, found in findings.items() for entry in self.gone(gate, found)}
        left = (replace(entry, count=entry.count - gone.get(entry.key, 0)) for entry in self.entries)
        return replace(self, entries=tuple(entry for entry in left if entry.count > 0))


@record
class BaselineChange:
    """What one baseline has more and less than another, in findings."""

    added: int = 0
    removed: int = 0
    total: int = 0


def change_between(old: Baseline, new: Baseline) -> BaselineChange:
    """Count what was added and removed."""
    before, after = ({entry.key: entry.count for entry in baseline.entries} for baseline in (old, new))
    differences = [after.get(key, 0) - before.get(key, 0) for key in {*before, *after}]
    added, removed = sum(max(n, 0) for n in differences), sum(max(-n, 0) for n in differences)
    return BaselineChange(added, removed, sum(after.values()))


def has_baseline(gate: str, spec: GateSpec | None) -> bool:
    """Whether a gate is of a kind that has a baseline: not one whose findings are failing tests or missing coverage."""
    if spec is not None and spec.command:
        return spec.parser not in _PARSERS_OF_TESTS
    return gate not in _OF_TESTS


def is_coverable(finding: Finding) -> bool:
    """Whether a baseline may know it. A file that could not be parsed hides whatever else is wrong with it."""
    syntax = finding.rule in _UNPARSED or (finding.rule.startswith(_TYPESCRIPT_SYNTAX) and len(finding.rule) == 6)
    return bool(finding.digest) and not syntax


def counted_by_digest(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings there are of each digest."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.digest] = counts.get(finding.digest, 0) + 1
    return counts


def baseline_text(baseline: Baseline) -> str:
    """Write it: the same baseline gives the same bytes."""
    lines = ",\n".join("  " + json.dumps(_as_json(entry), ensure_ascii=False) for entry in baseline.entries)
    note = f' "note": {json.dumps(baseline.note, ensure_ascii=False)},\n' if baseline.note else ""
    findings = f"[\n{lines}\n ]" if lines else "[]"
    return f'{{\n "version": {VERSION},\n{note} "findings": {findings}\n}}\n'


def baseline_of(text: str | bytes) -> Baseline:
    """Read it.

    Raises:
        ValueError: it is no baseline, or one of a newer version; says what is wrong and where.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("findings"), list):
        raise ValueError("it has no list `findings`")
    if data.get("version") != VERSION:
        raise ValueError(f"its version is {data.get('version')!r}; this nofx reads version {VERSION}")
    entries = [_entry(item, place) for place, item in enumerate(data["findings"], 1)]
    if len({entry.key for entry in entries}) < len(entries):
        raise ValueError("it has the same fingerprint of one gate twice")
    note = data.get("note", "")
    return Baseline(_sorted(entries), note if isinstance(note, str) else "")


def _entry(item: object, place: int) -> Entry:
    fields = item if isinstance(item, dict) else {}
    gate, path, rule, fingerprint = (str(fields[name]) if _is_text(fields.get(name)) else None for name in _HEAD)
    count = fields.get("count", 1)
    if not gate or path is None or rule is None or not fingerprint:
        raise ValueError(f"finding {place} has not all of {', '.join(_HEAD)}")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"the count of finding {place} is {count!r}; it must be 1 or more")
    return Entry(gate, path, rule, fingerprint, count)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _as_json(entry: Entry) -> dict[str, str | int]:
    return {
        "gate": entry.gate,
        "path": entry.path,
        "rule": entry.rule,
        "fingerprint": entry.fingerprint,
        "count": entry.count,
    }


def _entries(gate: str, findings: Sequence[Finding]) -> list[Entry]:
    coverable = [finding for finding in findings if is_coverable(finding)]
    counts = counted_by_digest(coverable)
    first = {finding.digest: finding for finding in reversed(coverable)}
    return [Entry(gate, f.path, f.rule, digest, counts[digest]) for digest, f in first.items()]


def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.gate, entry.path, entry.rule, entry.fingerprint)))
