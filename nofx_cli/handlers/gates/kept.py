"""What a gate leaves of its findings: two artifacts, and lines in the step's log."""

from collections.abc import Sequence

from nofx_cli.domain.findings import FINDINGS_FILE, findings_json, findings_words, in_order
from nofx_cli.handlers.gates.evidence import Evidence
from nofx_cli.ports.handler import StepContext

FINDINGS_SARIF = "findings.sarif"
LOGGED_FINDINGS = 20


def keep_findings(ctx: StepContext, evidence: Evidence) -> None:
    """Keep the findings as JSON, for nofx and for models, and as SARIF, for other programs."""
    from nofx_cli import __version__
    from nofx_cli.domain.reports.gate_report import GateReport
    from nofx_cli.domain.reports.sarif import sarif_text

    findings = in_order(evidence.findings)
    ctx.put_artifact(FINDINGS_FILE, _bytes(findings_json(findings)))
    report = GateReport(
        step=ctx.step,
        gate=ctx.tool,
        verdict=evidence.verdict,
        summary=evidence.summary,
        counts=evidence.counts,
        findings=findings,
        run=ctx.run_id,
        attempt=ctx.attempt,
    )
    ctx.put_artifact(FINDINGS_SARIF, _bytes(sarif_text([report], version=__version__)))


def told(ctx: StepContext, evidence: Evidence) -> Sequence[str]:
    """The worst findings and the verdict, for the log."""
    words = findings_words(evidence.findings, LOGGED_FINDINGS, more=f"nofx gates report {ctx.run_id}")
    return [*words, f"{evidence.verdict}: {evidence.summary}"]


def _bytes(text: str) -> bytes:
    """Lone surrogates, which a summary may have from a path, become what JSON takes for an escape."""
    return text.encode("utf-8", "backslashreplace")
