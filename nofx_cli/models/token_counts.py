"""What a provider says of the tokens of a call; what is missing, or cannot be true, is unknown and never zero."""

from collections.abc import Mapping

from nofx_cli.domain.models import Usage
from nofx_cli.domain.record import record

UNKNOWN = Usage()
_MOST = 10**9
"""No call has more tokens."""


@record
class Counted:
    """`written` is how many input tokens were put into the provider's cache, which some take more for."""

    usage: Usage = UNKNOWN
    written: int | None = None


def count(told: object, *, answered: bool) -> Counted:
    """Read the `usage` of an answer.

    A total that is more than input and output together has thinking that the output leaves out (Gemini and xAI count
    so): it is paid as output, so it is added there. A total that is less contradicts the parts: neither is known.

    Args:
        answered: whether there was any output; none of it with zero tokens then.
    """
    if not isinstance(told, Mapping):
        return Counted()
    tokens_in, tokens_out = _number(told, "prompt_tokens"), _number(told, "completion_tokens")
    total = _number(told, "total_tokens")
    tokens_in = tokens_in or None  # no question has no tokens: such a zero says that nobody counted
    if tokens_out == 0 and answered:
        tokens_out = None
    reasoning = _number(_part(told, "completion_tokens_details"), "reasoning_tokens")
    if tokens_in is not None and tokens_out is not None and total is not None:
        if total < tokens_in + tokens_out:
            return Counted()
        beyond = total - tokens_in - tokens_out
        tokens_out += beyond
        reasoning = beyond if reasoning is None and beyond else reasoning
    details = _part(told, "prompt_tokens_details")
    cached = _first(_number(details, "cached_tokens"), _number(told, "prompt_cache_hit_tokens"))
    usage = Usage(tokens_in, tokens_out, _within(cached, tokens_in), _within(reasoning, tokens_out))
    return Counted(usage, _within(_number(details, "cache_write_tokens"), tokens_in))


def _number(told: Mapping[object, object], name: str) -> int | None:
    found = told.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _MOST else None


def _part(told: Mapping[object, object], name: str) -> Mapping[object, object]:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _within(part: int | None, whole: int | None) -> int | None:
    """A part that is larger than what it is part of is not known."""
    return None if part is None or whole is None or part > whole else part


def _first(*counts: int | None) -> int | None:
    return next((one for one in counts if one is not None), None)
