"""What calls to models cost, in words, as a table and as JSON.

Money is exact: at least to the cent, and to as many digits as there are, up to a millionth of a dollar. What is not
known is told as such, with the most that it can be.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from nofx_cli.cli.output import columns, safe
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.spending import Bill
from nofx_cli.domain.wording import counted, dollars
from nofx_cli.engine.collect_costs import Costs

_MILLIONTH = Decimal("0.000001")
_NUMBERS = ("CALLS", "FAILED", "ARCHIVED", "IN", "OUT", "CACHED", "REASONING", "COST")


def money(usd: Decimal) -> str:
    """`$0.12`, `$0.1234`; what is less than a millionth, and not nothing, is `<$0.000001`."""
    if 0 < usd < _MILLIONTH:
        return f"<${_MILLIONTH:f}"
    return dollars(usd.quantize(_MILLIONTH, ROUND_HALF_UP))


def exact(usd: Decimal) -> str:
    """Every digit, and at least two behind the point."""
    whole, _, digits = f"{usd:f}".partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(2, '0')}"


def cost_words(bill: Bill) -> str:
    """`$0.12 and up to $0.05 more for 1 call of unknown cost`."""
    bounded = bill.unknown - bill.unbounded
    parts = [money(bill.usd)]
    if bounded:
        parts.append(f"up to {money(bill.unknown_usd)} more for {counted(bounded, 'call')} of unknown cost")
    if bill.unbounded:
        parts.append(f"an unknown amount for {counted(bill.unbounded, 'call')} whose price is not known")
    return " and ".join(parts)


def cost_cell(bill: Bill) -> str:
    """The same, short: `$0.12 + up to $0.05`, `$0.12 + ?`; empty where there is nothing to tell."""
    if not bill.calls and not bill.archived:
        return ""
    most = f" + up to {money(bill.unknown_usd)}" if bill.unknown > bill.unbounded else ""
    return f"{money(bill.usd)}{most}{' + ?' if bill.unbounded else ''}"


def summary(bill: Bill) -> str:
    """All there is to say of a bill, on one line."""
    return f"{cost_words(bill)}: {calls_words(bill)}; {tokens_words(bill)}"


def calls_words(bill: Bill) -> str:
    """`3 calls, 1 of them failed, 2 answers from the archive`."""
    failed = f", {bill.failed} of them failed" if bill.failed else ""
    archived = f", {counted(bill.archived, 'answer')} from the archive" if bill.archived else ""
    return f"{counted(bill.calls, 'call')}{failed}{archived}"


def tokens_words(bill: Bill) -> str:
    """`1200 tokens in (200 cached), 80 out (10 reasoning)`, and of how many calls that is not known."""
    cached = f" ({bill.cached} cached)" if bill.cached else ""
    reasoning = f" ({bill.reasoning} reasoning)" if bill.reasoning else ""
    unknown = f", those of {counted(bill.unmetered, 'call')} not known" if bill.unmetered else ""
    return f"{bill.input} tokens in{cached}, {bill.output} out{reasoning}{unknown}"


def bill_json(bill: Bill) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them. Money is text, as exact as it is known."""
    return {
        "calls": bill.calls,
        "failed": bill.failed,
        "archived": bill.archived,
        "usd": exact(bill.usd),
        "unknown_calls": bill.unknown,
        "unknown_usd_at_most": None if bill.unbounded else exact(bill.unknown_usd),
        "tokens": {
            "input": bill.input,
            "output": bill.output,
            "cached": bill.cached,
            "reasoning": bill.reasoning,
            "unknown_calls": bill.unmetered,
            "unknown_at_most": bill.unmetered_tokens,
        },
        "duration_ms": bill.duration_ms,
    }


def as_json(costs: Costs, *, by: str, since: str) -> dict[str, JsonValue]:
    """The whole of `nofx cost`."""
    return {
        "since": since or None,
        "by": by,
        "total": bill_json(costs.total),
        "groups": [{by: name, **bill_json(bill)} for name, bill in costs.groups.items()],
        "damaged": costs.damaged,
    }


def lines(costs: Costs, *, by: str) -> Iterator[str]:
    """A table by what was asked for, and the sum in words."""
    rows = [(by.upper(), *_NUMBERS), *(_row(name, bill) for name, bill in costs.groups.items())]
    yield from columns(rows, styles=[("dim",) * len(rows[0]), *([("",) * len(rows[0])] * len(costs.groups))])
    yield ""
    yield summary(costs.total)


def _row(name: str, bill: Bill) -> tuple[str, ...]:
    tokens = (_tokens(bill, bill.input), _tokens(bill, bill.output), str(bill.cached), str(bill.reasoning))
    return (safe(name or "?"), str(bill.calls), str(bill.failed), str(bill.archived), *tokens, cost_cell(bill))


def _tokens(bill: Bill, count: int) -> str:
    """`1200`, `1200+?` where that of some calls is not known, `?` where it is of none."""
    if bill.calls and bill.unmetered == bill.calls:
        return "?"
    return f"{count}+?" if bill.unmetered else str(count)
