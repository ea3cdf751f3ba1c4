"""Annotations: findings as lines that GitHub shows beside the code of a pull request.

GitHub shows at most ten of each kind (error, warning, notice) for a step of a job, so the worst come first, and how
many more there are is told in words.
"""

from collections.abc import Iterable, Iterator

from nofx_cli.domain.findings import Finding, worst_first
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.record import record
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.domain.wording import counted
from nofx_cli.safety.terminal_text import neutralise

MOST = 10
_KINDS = ("error", "warning", "notice")
_KIND_OF = {"error": "error", "warning": "warning", "note": "notice"}


@record
class Annotation:
    """One line for the runner; what is empty or 0 is not in it."""

    kind: str
    message: str
    title: str = ""
    file: str = ""
    line: int = 0
    col: int = 0

    def __str__(self) -> str:
        told = (("file", self.file), ("line", self.line), ("col", self.col), ("title", self.title))
        properties = ",".join(f"{name}={escaped_property(str(value))}" for name, value in told if value)
        return f"::{self.kind}{' ' if properties else ''}{properties}::{escaped(self.message)}"


def annotation_lines(reports: Iterable[GateReport], *, folder: str = "", more: str) -> list[str]:
    """The annotations of a run, worst first, and what was left out.

    Args:
        folder: where the workspace lies below the repository; empty where it is the repository.
        more: the command that shows all.
    """
    found = [annotation for report in sorted(reports, key=_gates_first) for annotation in _of(report, folder)]
    lines: list[str] = []
    for kind in _KINDS:
        of_kind = [annotation for annotation in found if annotation.kind == kind]
        lines += [str(annotation) for annotation in of_kind[:MOST]]
        if len(of_kind) > MOST:
            lines.append(f"… and {counted(len(of_kind) - MOST, f'more {kind}')}: {more}")
    return lines


def escaped(text: str) -> str:
    """The message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """The value of a property of a workflow command."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")


def _gates_first(report: GateReport) -> tuple[bool, bool]:
    """Gates that came to no result before those that found something; what blocks before what does not."""
    return not report.blocking, report.judged


def _of(report: GateReport, folder: str) -> Iterator[Annotation]:
    if report.verdict is not Verdict.SKIPPED and _says_nothing_itself(report):
        kind = "error" if report.blocking else "warning"
        hint = f"\n{report.hint}" if report.hint else ""
        title = f"{report.gate} {report.verdict.words}"
        yield Annotation(kind, _shown(report.summary + hint), title)
    for finding in worst_first(report.new_findings):
        yield _of_finding(report, finding, folder)


def _says_nothing_itself(report: GateReport) -> bool:
    """Whether the verdict would not be seen from the findings alone."""
    return not report.judged or (report.verdict is Verdict.FAILED and not report.new_findings)


def _of_finding(report: GateReport, finding: Finding, folder: str) -> Annotation:
    kind = _KIND_OF[finding.severity]
    if kind == "error" and not (report.blocking and report.verdict is not Verdict.PASSED):
        kind = "warning"
    path = finding.path if finding.path.startswith("/") or not folder else f"{folder}/{finding.path}"
    return Annotation(
        kind,
        _shown(finding.message or finding.rule),
        title=neutralise(f"{report.gate} {finding.rule}".strip()),
        file=neutralise(path) if finding.path else "",
        line=finding.line,
        col=finding.column,
    )


def _shown(text: str) -> str:
    return neutralise(text, keep_newlines=True)
