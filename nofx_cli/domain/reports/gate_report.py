"""What there is to report of a gate: the one thing that all formats are written from."""

from collections.abc import Mapping
from dataclasses import field

from nofx_cli.domain.findings import KNOWN, Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.plan import GATE
from nofx_cli.domain.record import record


@record
class GateReport:
    """A gate of a run that has ended, with what it found.

    Attributes:
        gate: the tool, such as `gate:lint`.
        blocking: False where it was told as what it was, but did not block.
        started_at, ended_at: RFC 3339; empty where they are not known.
    """

    step: str
    gate: str
    verdict: Verdict
    summary: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    run: str = ""
    attempt: int = 1
    blocking: bool = True
    hint: str = ""
    started_at: str = ""
    ended_at: str = ""
    duration_ms: int = 0

    @property
    def judged(self) -> bool:
        """Whether it came to a result at all."""
        return self.verdict.is_judgement

    @property
    def shares_its_name(self) -> bool:
        """Whether the step is called as its gate, so that one of the names says all."""
        return self.step == self.gate.removeprefix(GATE)

    @property
    def new_findings(self) -> tuple[Finding, ...]:
        """Those that no baseline knows."""
        return tuple(finding for finding in self.findings if finding.state != KNOWN)
