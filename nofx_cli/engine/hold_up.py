"""A step that a budget holds up: it waits for a person who raises it, or it fails."""

from nofx_cli.domain import events as ev
from nofx_cli.domain.budget import OnLimit
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.engine.budgets import Shortage
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import asked_text

EXHAUSTED = "budget-exhausted"


def held_up(
    services: Services, run: RunId, short: Shortage, *, step: StepName, attempt: int, duration_ms: int = 0
) -> list[ev.Draft]:
    """What follows for a running attempt when a budget does not leave what it needs."""
    exceeded = short.exceeded
    if short.on_limit is OnLimit.FAIL:
        error = StepError(EXHAUSTED, short.message, short.hint)
        then: ev.Payload = ev.StepFinished("failed", error=error, duration_ms=duration_ms)
    else:
        shown: JsonObject = {
            "step": step,
            "reason": ev.AskReason.BUDGET.value,
            "budget": exceeded.budget,
            "limit": exceeded.limit,
            "spent": exceeded.spent,
            "needed": exceeded.needed,
            "raise_to": exceeded.raise_to,
        }
        text, digest = asked_text(services, shown)
        path = services.artifacts.put_shown(run, digest, text)
        then = ev.ApprovalRequested(digest, short.question, ev.AskReason.BUDGET, path)
    return [ev.Draft(payload, step, attempt) for payload in (exceeded, then)]
