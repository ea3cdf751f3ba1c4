"""The summary of a job's step: Markdown that is appended to the file `$GITHUB_STEP_SUMMARY`.

What comes from tools is text and nothing else: every character that Markdown or HTML could take for more is written
as a reference such as `&#124;`. GitHub refuses a summary of more than 1 MiB as a whole, so rows are left out before.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from nofx_cli.cli.github.job_file import append_to
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.findings import KNOWN, Finding, worst_first
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.domain.wording import counted
from nofx_cli.safety.terminal_text import neutralise

LIMIT = 1024 * 1024
_MOST_ROWS = 500
_MESSAGE_LIMIT = 500
_MEANINGFUL = re.compile(r"[\\`*_{}\[\]()<>#+!|&~:@$\"]|(?<=www)\.|^[-=]|^\d(?=\d*\.(?: |$))", re.IGNORECASE)
_SIGNS = {Verdict.PASSED: "✅", Verdict.SKIPPED: "⏭️"}


def append_summary(
    path: Path, reports: Sequence[GateReport], *, title: str, more: str, about: Sequence[str] = ()
) -> bool:
    """Append the summary to the file; gives whether there was room for it.

    Raises:
        OSError: the file cannot be written.
    """
    room = LIMIT - (path.stat().st_size if path.exists() else 0)
    text = summary_markdown(reports, title=title, more=more, limit=room, about=about)
    if len(text.encode()) > room:
        return False
    append_to(path, text)
    return True


def summary_markdown(
    reports: Sequence[GateReport], *, title: str, more: str, limit: int = LIMIT, about: Sequence[str] = ()
) -> str:
    """The gates of a run as a table, their findings as another, as many as `limit` bytes have room for.

    Args:
        about: lines of Markdown that stand above them.
    """
    lines = [f"### {markdown(title)}", "", *about]
    if reports:
        lines += ["| gate | verdict | evidence | took |", "|---|---|---|---|", *map(_gate_row, reports)]
    findings = [finding for report in reports for finding in report.findings]
    if not findings:
        return "\n".join([*lines, "", ""])
    lines += ["", "| severity | place | rule | finding |", "|---|---|---|---|"]
    last = f"… and {{}} more: `{more}`"
    left = limit - sum(len(line.encode()) + 1 for line in [*lines, last]) - 40
    rows: list[str] = []
    for finding in worst_first(findings)[:_MOST_ROWS]:
        row = _finding_row(finding)
        left -= len(row.encode()) + 1
        if left < 0:
            break
        rows.append(row)
    missing = len(findings) - len(rows)
    return "\n".join([*lines, *rows, *(["", last.format(counted(missing, "finding"))] if missing else []), "", ""])


def markdown(text: str) -> str:
    """Foreign text on one line, in a cell of a table, as itself."""
    return _MEANINGFUL.sub(lambda found: f"&#{ord(found[0])};", neutralise(" ".join(text.split())))


def _gate_row(report: GateReport) -> str:
    sign = _SIGNS.get(report.verdict, "❌" if report.blocking else "⚠️")
    verdict = f"{sign} {report.verdict.words}" + ("" if report.blocking else " (does not block)")
    took = format_duration(report.duration_ms) if report.duration_ms else ""
    name = report.gate if report.shares_its_name else f"{report.step}: {report.gate}"
    return f"| {markdown(name)} | {verdict} | {markdown(report.summary[:_MESSAGE_LIMIT])} | {took} |"


def _finding_row(finding: Finding) -> str:
    severity = f"{finding.severity}, known" if finding.state == KNOWN else finding.severity
    cells = (severity, finding.place, finding.rule, finding.headline[:_MESSAGE_LIMIT])
    return f"| {' | '.join(markdown(cell) for cell in cells)} |"
