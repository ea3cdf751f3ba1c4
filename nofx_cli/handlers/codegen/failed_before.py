"""What a model is told when its work is done again: what the gate found, and how it went before."""

from collections.abc import Sequence

from nofx_cli.domain.findings import Finding, worst_first
from nofx_cli.domain.wording import counted, shortened
from nofx_cli.handlers.codegen.blocks import fenced
from nofx_cli.ports.handler import Feedback

MOST_FINDINGS = 50
LONGEST_FINDING = 600
LONGEST_OUTPUT = 6_000
"""In characters, from the end."""

_ROUND = "This is round {round} of {of}. The work of the round before is in the files. Its check {gate} did not pass."
_ORDER = (
    "Mend the cause in the code. Do not take out, skip or loosen tests, checks or their settings to make them pass: "
    "that is found, and fails."
)


def told_of(feedback: Feedback) -> str:
    """The part of the prompt that tells of the failure, of bounded length."""
    lines = [
        "# What failed",
        _ROUND.format(round=feedback.round, of=feedback.of, gate=feedback.gate),
        *_history(feedback.before),
        fenced("summary", feedback.gate, f"{shortened(feedback.summary, LONGEST_FINDING)}\n"),
    ]
    if feedback.findings:
        lines.append(fenced("findings", feedback.gate, _listed(feedback.findings)))
    if feedback.output.strip():
        lines.append(fenced("output", feedback.gate, _tail(feedback.output)))
    return "\n".join([*lines, _ORDER])


def files_of(feedback: Feedback) -> tuple[str, ...]:
    """The files that the findings are in, worst first, each once."""
    return tuple(dict.fromkeys(finding.path for finding in worst_first(feedback.findings) if finding.path))


def _history(before: Sequence[int]) -> list[str]:
    if not before:
        return []
    return [f"Findings in the rounds so far: {', '.join(map(str, before))}."]


def _listed(findings: Sequence[Finding]) -> str:
    told = dict.fromkeys(shortened(str(finding), LONGEST_FINDING) for finding in worst_first(findings))
    lines = list(told)[:MOST_FINDINGS]
    if len(told) > MOST_FINDINGS:
        lines.append(f"… and {counted(len(told) - MOST_FINDINGS, 'more finding')}")
    return "".join(f"{line}\n" for line in lines)


def _tail(output: str) -> str:
    if len(output) <= LONGEST_OUTPUT:
        return output
    end = output[-LONGEST_OUTPUT:]
    return f"…\n{end.partition(chr(10))[2] or end}"
