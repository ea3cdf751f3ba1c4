"""What a check brings back, and how it reads its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nofx_cli.domain.findings import Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.regular_files import NotRegular, open_regular

EXAMINED = ("files", "tests", "packages", "artifacts")
"""The counts that tell how much was examined. A check that passes has at least one of them, and it is no 0."""
REPORT_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verdict and what it rests on.

    Attributes:
        counts: what was parsed; it becomes outputs of the step.
        report: the tool's own report; it is kept as an artifact, whose digest is the gate's.
        hint: what mends it, where the log alone does not tell.
        retryable: whether another attempt may end differently.
    """

    verdict: Verdict
    summary: str
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    report: bytes = b""
    hint: str = ""
    retryable: bool = False

    @property
    def examined(self) -> int:
        """How many files, tests, packages or artifacts; 0 where that is not known."""
        return max((self.counts.get(name, 0) for name in EXAMINED), default=0)


_WORST_FIRST = (
    Verdict.FAILED,
    Verdict.ERRORED,
    Verdict.TIMED_OUT,
    Verdict.VACUOUS,
    Verdict.SKIPPED,
    Verdict.PASSED,
)


def merged(parts: Sequence[Evidence]) -> Evidence:
    """The evidence of all checks of a gate as one: counts are added up, and the worst verdict counts.

    What failed comes before what broke: there is something to mend in it. It can be tried again if all may that are
    no pass.
    """
    if len(parts) == 1:
        return parts[0]
    ordered = sorted(parts, key=lambda part: _WORST_FIRST.index(part.verdict))
    counts: dict[str, int] = {}
    for part in parts:
        for name, count in part.counts.items():
            counts[name] = counts.get(name, 0) + count
    return replace(
        ordered[0],
        summary="; ".join(part.summary for part in ordered),
        counts=counts,
        findings=tuple(finding for part in parts for finding in part.findings),
        hint=next((part.hint for part in ordered if part.hint), ""),
        retryable=all(part.retryable for part in parts if part.verdict is not Verdict.PASSED),
    )


def with_least(evidence: Evidence, least: int) -> Evidence:
    """A pass that examined fewer files, tests or packages than it must is none."""
    if evidence.verdict is not Verdict.PASSED or least <= 1 or evidence.examined >= least:
        return evidence
    summary = f"{evidence.summary}: fewer than the {least} that must be examined"
    hint = "see what was left out; what is enough says `min_examined` in nofx.yaml"
    return replace(evidence, verdict=Verdict.VACUOUS, summary=summary, hint=hint)


class NoEvidence(Exception):
    """The check came to no result; `evidence` says why: `errored` or `timed_out`, never a pass."""

    def __init__(
        self, summary: str, *, verdict: Verdict = Verdict.ERRORED, hint: str = "", retryable: bool = True
    ) -> None:
        super().__init__(summary)
        self.evidence = Evidence(verdict, summary, hint=hint, retryable=retryable)


def read_report(path: Path, *, by: str) -> bytes:
    """Read the report that tool `by` should have written.

    Raises:
        NoEvidence: it is not there, is no regular file, or is longer than 64 MiB.
    """
    try:
        with open_regular(path, follow=False) as file:
            data = file.read(REPORT_LIMIT + 1)
    except NotRegular as exc:
        raise NoEvidence(f"the report of {by} is no regular file") from exc
    except OSError as exc:
        raise NoEvidence(f"{by} ended without writing its report ({exc.strerror})") from exc
    if len(data) > REPORT_LIMIT:
        raise NoEvidence(f"the report of {by} is longer than {REPORT_LIMIT // 1024 // 1024} MiB", retryable=False)
    return data
