"""Call functions at the same instant, each in a thread of its own."""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def at_once(calls: Iterable[Callable[[], T]], *, timeout: float = 60) -> list[T | Exception]:
    """What each call returned or raised, in their order.

    Raises:
        AssertionError: one of them has not come back after `timeout` seconds.
    """
    todo = list(calls)
    answers: dict[int, T | Exception] = {}
    start = threading.Barrier(len(todo))

    def work(place: int, call: Callable[[], T]) -> None:
        start.wait()
        try:
            answers[place] = call()
        except Exception as exc:  # noqa: BLE001 - whatever it raises is its answer, for the test to judge
            answers[place] = exc

    threads = [threading.Thread(target=work, args=item, daemon=True) for item in enumerate(todo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
        assert not thread.is_alive(), f"a call has not come back after {timeout} s"
    return [answers[place] for place in range(len(todo))]
