"""The gates of a run with what they found, and what was recorded of it as a baseline."""

from collections.abc import Iterator, Sequence

from nofx_cli.cli.live.telling import counts_words
from nofx_cli.cli.output import paint, safe
from nofx_cli.cli.render.status import style_of
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.findings import KNOWN, Finding, worst_first
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.engine.record_baseline import Recorded

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def as_json(run: RunId, reports: Sequence[GateReport]) -> JsonObject:
    """The fields that scripts rely on; a test pins them."""
    return {"run": run, "gates": [_gate_json(report) for report in reports]}


def lines(reports: Sequence[GateReport]) -> Iterator[str]:
    """Each gate, and below it all that it found, worst first."""
    for place, report in enumerate(reports):
        if place:
            yield ""
        took = f"  {format_duration(report.duration_ms)}" if report.duration_ms else ""
        word = paint(report.verdict.words, style_of(report.verdict.value), "bold")
        where = "" if report.shares_its_name else f" ({safe(report.step)})"
        blocks = "" if report.blocking else ", does not block"
        yield f"{paint(safe(report.gate), 'bold')}{where}  {word}{blocks}  {safe(report.summary)}{paint(took, 'dim')}"
        if report.counts:
            yield f"  {paint(safe(counts_words(report.counts)), 'dim')}"
        if report.hint and not report.judged:
            yield f"  hint: {safe(report.hint)}"
        yield from (f"  {_finding_line(finding)}" for finding in worst_first(report.findings))


def baseline_lines(recorded: Recorded) -> Iterator[str]:
    """What became of the baseline, in words."""
    change = recorded.change
    yield f"{recorded.path.name}: {change.total} known, {change.added} added, {change.removed} removed"


def baseline_json(recorded: Recorded) -> JsonObject:
    """The same as one object."""
    return {
        "path": str(recorded.path),
        "known": recorded.change.total,
        "added": recorded.change.added,
        "removed": recorded.change.removed,
        "gates": list(recorded.gates),
        "left_out": dict(recorded.left_out),
        "uncovered": [_finding_json(finding) for finding in recorded.uncovered],
    }


def _finding_line(finding: Finding) -> str:
    rule = paint(safe(finding.rule), _COLOURS[finding.severity], "bold")
    known = paint(" (in the baseline)", "dim") if finding.state == KNOWN else ""
    return f"{safe(finding.place)} {rule} {safe(finding.headline)}{known}".strip()


def _gate_json(report: GateReport) -> JsonObject:
    return {
        "step": report.step,
        "gate": report.gate,
        "attempt": report.attempt,
        "verdict": report.verdict.value,
        "blocking": report.blocking,
        "summary": report.summary,
        "hint": report.hint,
        "counts": dict(report.counts),
        "duration_ms": report.duration_ms,
        "findings": [_finding_json(finding) for finding in report.findings],
    }


def _finding_json(finding: Finding) -> JsonObject:
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "tool": finding.tool,
        "fingerprint": finding.fingerprint,
        "known": finding.state == KNOWN,
    }
