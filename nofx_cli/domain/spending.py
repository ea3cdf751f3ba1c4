"""What calls to models cost, from the events that tell of them: pure sums, for one run or for thousands.

A call is an `llm.requested` and the `llm.responded` of the same step, attempt and number; where that is missing, the
call goes on, or its process died, and nobody knows what it cost. An `llm.responded` that is `archived` is no call:
nobody was asked.

What is not known is never taken for nothing: it is counted apart, with the most that it can be, which was reserved
before the call.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from nofx_cli.domain import events as ev
from nofx_cli.domain.budget import Spent
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.models import Usage
from nofx_cli.domain.record import record

_NOTHING = Decimal(0)
_LEAST, _MOST = Decimal("1e-18"), Decimal("1e12")
"""What is less, or more, is no price of anything."""


@record
class Charge:
    """One call, or one answer from the archive.

    Attributes:
        at: when it was asked, or the answer was taken.
        error: why there was no answer; empty where there was one, and where the call has not ended.
        usd: None where it is not known.
        most_usd: what was reserved; None where the price of the model is not known.
    """

    run: RunId
    step: str
    model: str
    at: str
    archived: bool = False
    ended: bool = True
    error: str = ""
    usage: Usage = Usage()
    usd: Decimal | None = None
    most_usd: Decimal | None = None
    most_tokens: int = 0
    duration_ms: int = 0


@record
class Bill:
    """What some calls come to.

    Attributes:
        archived: answers from the archive, which are no calls and cost nothing.
        usd: of the calls whose cost is known.
        unknown: the calls whose cost is not. `unknown_usd` is the most that those come to for which there is a bound,
            and `unbounded` counts those for which there is none.
        input, output, cached, reasoning: tokens, as far as they are known; `cached` is part of `input`, `reasoning` of
            `output`.
        unmetered: calls whose tokens are not known. `unmetered_tokens` is the most that those come to.
    """

    calls: int = 0
    archived: int = 0
    failed: int = 0
    usd: Decimal = _NOTHING
    unknown: int = 0
    unknown_usd: Decimal = _NOTHING
    unbounded: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    unmetered: int = 0
    unmetered_tokens: int = 0
    duration_ms: int = 0

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(*(getattr(self, name) + getattr(other, name) for name in _SUMS))

    @property
    def spent(self) -> Spent:
        """As budgets count it: what is not known counts with what was reserved."""
        tokens = self.input + self.output + self.unmetered_tokens
        return Spent(self.usd + self.unknown_usd, tokens, self.calls, self.unknown)


_SUMS = Bill.__match_args__


def cost_of(responded: ev.LlmResponded) -> Decimal | None:
    """What a call did cost, as its event tells it, to the last digit; None where it does not."""
    told: object = responded.cost_usd
    if responded.archived:
        return _NOTHING
    return _amount(str(told)) if isinstance(told, int | float) and not isinstance(told, bool) else None


def reserved_for(requested: ev.LlmRequested) -> Decimal | None:
    """The most that a call can cost; None where the price of its model is not known."""
    return _amount(requested.reserved_usd) if requested.reserved_usd else None


def usage_of(told: JsonObject) -> Usage:
    """The tokens that an event tells of; what it does not tell is None."""
    counts: dict[str, Any] = {name: _count(told.get(name)) for name in ("input", "output", "cached", "reasoning")}
    return Usage(**counts)


def charges_of(events: Iterable[ev.Event]) -> list[Charge]:
    """Every call and every answer from the archive that the events of one run tell of, as they began."""
    charges: list[Charge] = []
    open_calls: dict[tuple[str | None, int | None, int], tuple[int, ev.LlmRequested]] = {}
    for event in events:
        payload = event.payload
        if isinstance(payload, ev.LlmRequested):
            open_calls[event.step, event.attempt, payload.call] = len(charges), payload
            charges.append(_open(event, payload))
        elif isinstance(payload, ev.LlmResponded):
            asked = None if payload.archived else open_calls.pop((event.step, event.attempt, payload.call), None)
            if asked is None:
                charges.append(_ended(event, payload, None))
            else:
                place, requested = asked
                charges[place] = _ended(event, payload, requested, at=charges[place].at)
    return charges


def bill_of(charges: Iterable[Charge]) -> Bill:
    """The sum of all."""
    return sum(map(_bill, charges), Bill())


def bills_by(charges: Iterable[Charge], key: Callable[[Charge], str]) -> Mapping[str, Bill]:
    """The sums by what `key` says of each, in the order in which they first came up."""
    bills: dict[str, Bill] = {}
    for charge in charges:
        name = key(charge)
        bills[name] = bills.get(name, Bill()) + _bill(charge)
    return bills


def _open(event: ev.Event, asked: ev.LlmRequested) -> Charge:
    most = reserved_for(asked)
    return Charge(
        event.run,
        event.step or "",
        asked.model,
        event.at,
        ended=False,
        most_usd=most,
        most_tokens=_count(asked.reserved_tokens) or 0,
    )


def _ended(event: ev.Event, told: ev.LlmResponded, asked: ev.LlmRequested | None, *, at: str = "") -> Charge:
    return Charge(
        event.run,
        event.step or "",
        told.model or (asked.model if asked else ""),
        at or event.at,
        archived=told.archived,
        error=told.error,
        usage=usage_of(told.usage),
        usd=cost_of(told),
        most_usd=reserved_for(asked) if asked else None,
        most_tokens=_count(asked.reserved_tokens) or 0 if asked else 0,
        duration_ms=told.duration_ms,
    )


def _bill(charge: Charge) -> Bill:
    if charge.archived:
        return Bill(archived=1)
    usage, is_unknown, is_metered = charge.usage, charge.usd is None, charge.usage.is_known
    return Bill(
        calls=1,
        failed=int(bool(charge.error)),
        usd=charge.usd or _NOTHING,
        unknown=int(is_unknown),
        unknown_usd=(charge.most_usd or _NOTHING) if is_unknown else _NOTHING,
        unbounded=int(is_unknown and charge.most_usd is None),
        input=usage.input or 0 if is_metered else 0,
        output=usage.output or 0 if is_metered else 0,
        cached=usage.cached or 0 if is_metered else 0,
        reasoning=usage.reasoning or 0 if is_metered else 0,
        unmetered=int(not is_metered),
        unmetered_tokens=0 if is_metered else charge.most_tokens,
        duration_ms=charge.duration_ms,
    )


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and (amount == 0 or _LEAST <= amount < _MOST) else None


def _count(told: object) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else None
