"""What the calls of a run have cost and what is reserved for them: a part of the fold over its events.

`llm.requested` reserves the most that a call can cost, and `llm.responded` puts what it did cost in the place of that.
A call that nobody heard of again, and one of which the provider told no usage, counts with all that was reserved.
"""

from typing import TypeAlias

from nofx_cli.domain import events as ev
from nofx_cli.domain.budget import Spent
from nofx_cli.domain.ids import StepName

CallKey: TypeAlias = tuple[StepName, int, int]
"""A call by its step, its attempt and its number there."""
_NONE = Spent()


def reserved(payload: ev.LlmRequested) -> Spent:
    """What a request reserves: one call, and what it can cost at most."""
    from nofx_cli.domain.spending import reserved_for

    return Spent(reserved_for(payload) or 0, payload.reserved_tokens, 1, 1)


def settled(payload: ev.LlmResponded, before: Spent) -> Spent:
    """What a call did cost; what is not known of it stays as it was reserved."""
    from nofx_cli.domain.spending import cost_of, usage_of

    cost, usage = cost_of(payload), usage_of(payload.usage)
    tokens = before.tokens if usage.input is None or usage.output is None else usage.input + usage.output
    return Spent(before.usd if cost is None else cost, tokens, 1, int(cost is None))


class Spending:
    """The spending of one run, kept true event by event."""

    def __init__(self) -> None:
        self.total = _NONE
        self.by_step: dict[StepName, Spent] = {}
        self._open: dict[CallKey, Spent] = {}

    def of(self, step: StepName) -> Spent:
        """What all attempts at a step have spent and reserved."""
        return self.by_step.get(step, _NONE)

    def requested(self, key: CallKey, payload: ev.LlmRequested) -> None:
        held = reserved(payload)
        self._open[key] = held
        self._add(key[0], held)

    def responded(self, key: CallKey, payload: ev.LlmResponded) -> None:
        held = self._open.pop(key, None)
        if payload.archived or held is None:
            return
        self._add(key[0], settled(payload, held) - held)

    def _add(self, step: StepName, spent: Spent) -> None:
        self.total += spent
        self.by_step[step] = self.of(step) + spent
