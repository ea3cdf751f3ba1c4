"""Wait for a state, never for a span."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.005


def wait_until(predicate: Callable[[], T], *, timeout: float = 30, why: str = "") -> T:
    """Look until `predicate` gives something true, and return that.

    Args:
        timeout: seconds after which the wait is a failure.
        why: what was waited for, for the failure's message.

    Raises:
        AssertionError: the time was over first.
    """
    deadline = time.monotonic() + timeout
    while not (found := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {why or predicate!r}, last seen: {found!r}")
        time.sleep(_PAUSE_SECONDS)
    return found
