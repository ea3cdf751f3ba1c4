"""How long to wait before a model is asked again: twice as long each time, by chance a little more or less, and at
least as long as the server asks for, up to a bound.
"""

import random

from nofx_cli.models.failure import Failure

LONGEST_MS = 60_000
_FIRST_MS, _LONGEST_OWN_MS = 500, 8_000


def pause_ms(failure: Failure, *, tries: int, now_us: int) -> float:
    """The pause after so many tries, from 1."""
    own: float = min(_FIRST_MS * 2 ** (tries - 1), _LONGEST_OWN_MS) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load
    return max(own, min(_asked_for_ms(failure, now_us), LONGEST_MS))


def _asked_for_ms(failure: Failure, now_us: int) -> float:
    """What `Retry-After` says: seconds, or a date; 0 where it says nothing that can be read."""
    for text, unit in ((failure.retry_after_ms, 1), (failure.retry_after, 1000)):
        try:
            number = float(text)
        except ValueError:
            continue
        return number * unit if number == number and number > 0 else 0  # noqa: PLR0124 - not a number
    return _until(failure.retry_after, now_us)


def _until(date: str, now_us: int) -> float:
    from email.utils import parsedate_to_datetime

    try:
        when_ms = parsedate_to_datetime(date).timestamp() * 1000
    except (ValueError, OverflowError):  # no date, or one in a year that there is none of
        return 0
    return max(when_ms - now_us / 1000, 0)
