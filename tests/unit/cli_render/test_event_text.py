"""What events of models and budgets say in one line."""

import pytest

from nofx_cli.cli.render.event_text import SAYINGS
from nofx_cli.domain import events as ev

DIGEST = "6dda0772b59d" + "0" * 52


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (ev.LlmRequested(DIGEST, "a/b", 1, "0.10", 900), "a/b 6dda0772b59d, at most $0.10"),
        (ev.LlmRequested(DIGEST, "a/b", 1, "", 900), "a/b 6dda0772b59d, of unknown price"),
        (
            ev.LlmResponded(DIGEST, "a/b", {"input": 10, "output": 5}, 0.000186),
            "a/b 6dda0772b59d, input=10 output=5, $0.000186",
        ),
        (
            ev.LlmResponded(DIGEST, "a/b", error="HTTP 500: overloaded"),
            "a/b 6dda0772b59d, cost unknown: HTTP 500: overloaded",
        ),
        (ev.LlmResponded(DIGEST, "a/b", cost_usd=0.0, archived=True), "a/b 6dda0772b59d, from the archive"),
        (
            ev.BudgetExceeded("run.usd", "0.5", "0.12", "0.45", "1.00"),
            "run.usd: the limit is $0.50, $0.45 spent or reserved, $0.12 needed",
        ),
        (ev.BudgetExceeded("step.usd", "1", "unknown"), "step.usd: the limit is $1.00, unknown needed"),
        (ev.BudgetExceeded("run.calls", "3", "1", "3"), "run.calls: the limit is 3, 3 spent or reserved, 1 needed"),
    ],
)
def test_models_and_budgets(payload: ev.Payload, text: str) -> None:
    assert SAYINGS[type(payload)](payload) == text
