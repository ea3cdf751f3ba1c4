"""A gate held against the project's baseline: only findings that are new keep it from passing.

What a baseline can change is one thing: a check that failed for findings all of which are known passes. It never
covers a check that errored, was vacuous or ran out of time, one that examined nothing, a failing test, or a file that
could not be parsed; and a baseline that cannot be read is an error of the gate, not an empty one.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nofx_cli.domain.baseline import BASELINE_FILE, Baseline, Entry, baseline_of, has_baseline
from nofx_cli.domain.findings import KNOWN
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.project import GateSpec
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, merged, read_report


def is_baselined(tool: str, spec: GateSpec, workspace: Path) -> bool:
    """Whether there is a baseline, and the gate is of a kind that has one."""
    return os.path.lexists(workspace / BASELINE_FILE) and has_baseline(tool, spec)


def held_against_baseline(tool: str, workspace: Path, parts: Sequence[Evidence], *, paths: Sequence[str]) -> Evidence:
    """The evidence of all checks of a gate as one, after each was held against the baseline.

    `paths` are those that were examined; where there are none, all was, and what is gone can be told.
    """
    try:
        baseline = _read(workspace)
    except NoEvidence as exc:
        return _without_baseline(merged(parts), exc.evidence)
    told = [_held(baseline, tool, part) for part in parts]
    evidence = merged(told)
    if not all(part.verdict.is_judgement for part in told):
        return evidence
    gone = baseline.gone(tool, evidence.findings)
    return _with_counts(evidence, [entry for entry in gone if _was_examined(entry, paths)])


def _held(baseline: Baseline, tool: str, part: Evidence) -> Evidence:
    findings = baseline.marked(tool, part.findings)
    known = sum(1 for finding in findings if finding.state == KNOWN)
    counts = {**part.counts, "known": known} if known else part.counts
    part = replace(part, findings=findings, counts=counts)
    if not known or not part.verdict.is_judgement:
        return part
    those = "all" if known == len(findings) else str(known)
    part = replace(part, summary=f"{part.summary}, {those} of them in the baseline")
    return replace(part, verdict=Verdict.PASSED, hint="") if _only_known(part) else part


def _only_known(part: Evidence) -> bool:
    listed = part.counts.get("findings", len(part.findings)) <= len(part.findings)
    known = all(finding.state == KNOWN for finding in part.findings)
    return part.verdict is Verdict.FAILED and bool(part.examined) and listed and known


def _with_counts(evidence: Evidence, gone: Sequence[Entry]) -> Evidence:
    number = sum(entry.count for entry in gone)
    if not number:
        return evidence
    summary = f"{evidence.summary}; {counted(number, 'finding')} of the baseline {'is' if number == 1 else 'are'} gone"
    return replace(evidence, summary=summary, counts={**evidence.counts, "gone": number})


def _was_examined(entry: Entry, paths: Sequence[str]) -> bool:
    """Whether the entry lies in what was examined; then it could have been found."""
    plain = [path.removeprefix("./").rstrip("/") for path in paths]
    return not plain or any(path in (".", "", entry.path) or entry.path.startswith(f"{path}/") for path in plain)


def _read(workspace: Path) -> Baseline:
    try:
        return baseline_of(read_report(workspace / BASELINE_FILE, by=BASELINE_FILE))
    except NoEvidence as exc:
        raise NoEvidence(f"{BASELINE_FILE} cannot be read: it is no regular file of a sensible size") from exc
    except (ValueError, RecursionError) as exc:
        raise NoEvidence(f"{BASELINE_FILE} cannot be read: {exc}") from exc


def _without_baseline(evidence: Evidence, fault: Evidence) -> Evidence:
    """What the gate found is kept; but whether it is new, nobody knows."""
    if not evidence.verdict.is_judgement:
        return evidence
    hint = f"mend {BASELINE_FILE}, or make it anew: nofx gates baseline"
    return replace(evidence, verdict=Verdict.ERRORED, summary=fault.summary, hint=hint, retryable=False)
