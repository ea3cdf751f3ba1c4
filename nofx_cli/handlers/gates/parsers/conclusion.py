"""From findings, an exit code and how much was examined to a verdict: the same rule for every tool.

findings                     exit code    examined       verdict
some that block              any          any            failed
only others                  not 0        any            failed (the tool takes them for enough)
none                         not 0        any            errored (it does not say what is wrong)
none that blocks             0            none           vacuous
none that blocks             0            not known      vacuous, unless the project says that it will do
none that blocks             0            some           passed
"""

from collections.abc import Collection, Mapping, Sequence

from nofx_cli.domain.findings import SEVERITIES, normalised, severity_counts
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding


def severity(word: object) -> str:
    """One of `SEVERITIES`, for the word of any tool; what is not known is a note."""
    return normalised(word, unknown="note") if isinstance(word, str) else "note"


def conclude(
    by: str,
    findings: Sequence[Finding],
    *,
    data: bytes,
    exit_code: int,
    last: str,
    examined: int | None,
    unit: str = "file",
    blocking: Collection[str] = SEVERITIES,
    counts: Mapping[str, int] | None = None,
    hint: str = "",
) -> Evidence:
    """Judge by the table above.

    Args:
        examined: how many files or packages (`unit`) `by` says that it examined; None where it does not say.
        blocking: the severities that fail the gate also at exit code 0.
        counts: what else was counted.
        hint: what makes `by` examine something, or say how much it did.

    Raises:
        NoEvidence: the exit code tells of a fault that is not in the report, or a finding says nothing.
    """
    if not all(finding.path or finding.message for finding in findings):
        raise NoEvidence(f"the report of {by} has findings with neither a place nor a message")
    total = {"findings": len(findings), **severity_counts(findings), **(counts or {})}
    if examined is not None:
        total = {f"{unit}s": examined} | total
    failed = bool(findings) and (exit_code != 0 or any(finding.severity in blocking for finding in findings))
    if exit_code and not failed:
        raise NoEvidence(f"{by} exited with code {exit_code}, yet reported no finding{last}")
    summary = counted(len(findings), "finding")
    if examined or failed:
        summary += f" in {counted(examined, unit)}" if examined else ""
        return Evidence(Verdict.FAILED if failed else Verdict.PASSED, summary, total, tuple(findings), data)
    if examined == 0:
        return Evidence(Verdict.VACUOUS, f"{by} examined no {unit}", total, tuple(findings), data, hint)
    summary += f", but {by} does not say how many {unit}s it examined"
    return Evidence(Verdict.VACUOUS, summary, total, tuple(findings), data, hint)
