"""How long to wait before a model is asked again: twice as long each time, by chance a little more or less, and at
least as long as the server asks for, up to a bound.
"""

import random

from nofx_cli.domain.retry_after import retry_after_ms
from nofx_cli.models.failure import Failure

LONGEST_MS = 60_000
_FIRST_MS, _LONGEST_OWN_MS = 500, 8_000


def pause_ms(failure: Failure, *, tries: int, now_us: int) -> float:
    """The pause after so many tries, from 1."""
    own: float = min(_FIRST_MS * 2 ** (tries - 1), _LONGEST_OWN_MS) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load
    return max(own, min(_asked_for_ms(failure, now_us), LONGEST_MS))


def _asked_for_ms(failure: Failure, now_us: int) -> float:
    """What the server says of it: in its own header of milliseconds, else in `Retry-After`."""
    try:
        number = float(failure.retry_after_ms)
    except ValueError:
        return retry_after_ms(failure.retry_after, now_us=now_us)
    return max(0, number)
