"""What calls cost: exact where it is known, and never nothing where it is not."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.budget import Spent
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.models import Usage
from nofx_cli.domain.spending import Bill, Charge, bill_of, bills_by, charges_of, cost_of, reserved_for, usage_of

RUN = RunId("20260101-120000-aaaaaa")
AT = "2026-01-01T12:00:00.000000Z"
LATER = "2026-01-02T12:00:00.000000Z"
USAGE = {"input": 100, "output": 20, "cached": 80, "reasoning": 5}


def event(payload: ev.Payload, step: str = "notes", attempt: int = 1, at: str = AT) -> ev.Event:
    draft = ev.Draft(payload, StepName(step), attempt)
    [made], _ = encode_batch([draft], run=RUN, head=Head(), at=at, actor=ev.Actor("user", "ada"))
    return made


def asked(call: int = 1, *, usd: str = "0.05", tokens: int = 9_000, model: str = "openai/gpt-5") -> ev.LlmRequested:
    return ev.LlmRequested("ab" * 32, model, call, usd, tokens)


def told(call: int = 1, cost: float | None = 0.0123, **more: Any) -> ev.LlmResponded:
    return ev.LlmResponded(
        **{"digest": "ab" * 32, "model": "openai/gpt-5", "usage": USAGE, "call": call, **more}, cost_usd=cost
    )


def bill(*payloads: ev.Payload) -> Bill:
    return bill_of(charges_of([event(payload) for payload in payloads]))


def test_a_call_costs_what_its_answer_told() -> None:
    assert bill(asked(), told(duration_ms=700)) == Bill(
        calls=1, usd=Decimal("0.0123"), input=100, output=20, cached=80, reasoning=5, duration_ms=700
    )


def test_sums_are_exact() -> None:
    payloads = [payload for call in range(1, 11) for payload in (asked(call), told(call, 0.1))]
    assert bill(*payloads).usd == Decimal("1.0")
    assert str(bill(asked(), told(cost=1e-07), asked(2), told(2, 0.3)).usd) == "0.3000001"


def test_what_nobody_knows_counts_apart_with_what_was_reserved() -> None:
    found = bill(asked(), told(cost=None, usage={}), asked(2), told(2))
    assert (found.calls, found.usd, found.unknown, found.unknown_usd, found.unbounded) == (
        2, Decimal("0.0123"), 1, Decimal("0.05"), 0,
    )  # fmt: skip
    assert (found.unmetered, found.unmetered_tokens, found.input) == (1, 9_000, 100)
    assert found.spent == Spent(Decimal("0.0623"), 9_120, 2, 1)


def test_a_call_that_nobody_heard_of_again_is_unknown() -> None:
    found = bill(asked(1), asked(2), told(2))
    assert (found.calls, found.unknown, found.unknown_usd, found.failed) == (2, 1, Decimal("0.05"), 0)


def test_a_model_without_a_price_has_no_bound() -> None:
    found = bill(asked(usd=""), told(cost=None), asked(2), told(2, None))
    assert (found.unknown, found.unbounded, found.unknown_usd) == (2, 1, Decimal("0.05"))
    assert found.unmetered == 0


def test_a_call_that_failed_is_a_call_and_costs_what_it_told() -> None:
    found = bill(
        asked(), told(cost=0.0, error="500", usage={"input": 0, "output": 0}), asked(2), told(2, None, error="cut")
    )
    assert (found.calls, found.failed, found.unknown, found.usd) == (2, 2, 1, Decimal(0))


def test_an_answer_from_the_archive_is_no_call_and_costs_nothing() -> None:
    found = bill(told(0, 0.0, archived=True), asked(), told(), told(0, None, archived=True))
    assert (found.calls, found.archived, found.unknown, found.usd) == (1, 2, 0, Decimal("0.0123"))
    assert found.input == 100


def test_calls_of_steps_and_attempts_are_told_apart() -> None:
    events = [
        event(asked(), "one", 1),
        event(asked(usd="0.07"), "one", 2),
        event(asked(), "two", 1),
        event(told(cost=0.01), "two", 1),
        event(told(cost=0.02), "one", 2, LATER),
    ]
    charges = charges_of(events)
    assert [(charge.step, charge.usd, charge.ended, charge.at) for charge in charges] == [
        ("one", None, False, AT),
        ("one", Decimal("0.02"), True, AT),
        ("two", Decimal("0.01"), True, AT),
    ]
    bills = bills_by(charges, lambda charge: charge.step)
    assert list(bills) == ["one", "two"]
    assert bills["one"] == bill_of(charges[:2])
    assert bills["one"] + bills["two"] == bill_of(charges)


def test_an_answer_whose_question_is_not_there_counts_all_the_same() -> None:
    [charge] = charges_of([event(told())])
    assert charge == Charge(RUN, "notes", "openai/gpt-5", AT, usage=Usage(100, 20, 80, 5), usd=Decimal("0.0123"))
    assert bill(told(cost=None)).unbounded == 1


@pytest.mark.parametrize("cost", ["0.1", True, float("nan"), float("inf"), -0.5, 1e300, [1], {}])
def test_what_is_no_price_is_unknown(cost: Any) -> None:
    assert cost_of(told(cost=cost)) is None


@pytest.mark.parametrize(
    ("text", "usd"), [("", None), ("?", None), ("-1", None), ("NaN", None), ("0", 0), ("0.5", Decimal("0.5"))]
)
def test_what_is_reserved(text: str, usd: Decimal | None) -> None:
    assert reserved_for(asked(usd=text)) == usd


@pytest.mark.parametrize("count", [None, "7", 1.5, True, -1])
def test_tokens_that_are_no_count_are_unknown(count: Any) -> None:
    assert usage_of({"input": count, "output": 3}) == Usage(None, 3)
    assert bill(asked(), told(usage={"input": count, "output": 3})).unmetered == 1


def _sequence() -> Sequence[ev.Payload]:
    return [asked(), told(), asked(2), told(3, 0.0, archived=True), ev.StepFinished(), told(2, None, error="x")]


def test_a_sum_does_not_depend_on_where_it_is_cut() -> None:
    charges = charges_of([event(payload) for payload in _sequence()])
    assert len(charges) == 3
    for cut in range(len(charges) + 1):
        assert bill_of(charges[:cut]) + bill_of(charges[cut:]) == bill_of(charges)
