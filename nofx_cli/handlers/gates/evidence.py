"""What a check brings back, and how it reads its report."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.findings import Finding

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
        with open(path, "rb", opener=_open_at_once) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(REPORT_LIMIT + 1) if regular else b""
    except OSError as exc:
        raise NoEvidence(f"{by} ended without writing its report ({exc.strerror})") from exc
    if not regular:
        raise NoEvidence(f"the report of {by} is no regular file")
    if len(data) > REPORT_LIMIT:
        raise NoEvidence(f"the report of {by} is longer than {REPORT_LIMIT // 1024 // 1024} MiB", retryable=False)
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Neither follow a link nor wait for a pipe that was put where the report should be."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
