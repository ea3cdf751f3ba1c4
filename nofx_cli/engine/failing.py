"""What follows from the failure of an attempt: another one later, or the failure of the step."""

from nofx_cli.clock import format_at, parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.outcome import Failed
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.step_state import StepState

_LONGEST_WAIT_MS = 3_600_000
"""Who asks for more is asked again all the same: a run that seems to hang helps nobody."""


def after_failure(plan: Plan, step: StepState, failed: Failed, *, at: str, duration_ms: int = 0) -> ev.Payload:
    """The event for a failed attempt; `at` is when it ended, as `clock.format_at` writes it."""
    retry = plan.steps[step.place].retry
    failures = step.failures + 1
    if not failed.retryable or failures >= retry.max_attempts:
        return ev.StepFinished("failed", failed.outputs, failed.error, duration_ms)
    delay_ms = max(retry.delay_ms(failures), min(failed.wait_ms, _LONGEST_WAIT_MS))
    due_at = format_at(parse_at(at) + delay_ms * 1000)
    return ev.StepRetryScheduled(failed.error, delay_ms, due_at, duration_ms)
