"""Telling in a thread of its own: the end of a run waits a little for it, and never for one that hangs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from nofx_cli import errors
from nofx_cli.clock import SystemClock
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.engine.deliver import Courier, Told
from nofx_cli.testing.waiting import wait_until
from nofx_cli.worker.notifier import STUCK_MS, Notifier

RUN = RunId("20260101-120000-aaaaaa")


class FakeCourier:
    """Tells nobody; `round` does what a test says."""

    def __init__(self, work: Callable[[RunId | None], Told]) -> None:
        self.target = NotifyTarget("team", "https://x.example")
        self.work = work
        self.rounds: list[RunId | None] = []
        self.looked = 0

    def round(self, *, only: RunId | None = None, stop: Callable[[], bool] | None = None) -> Told:
        self.rounds.append(only)
        return self.work(only)

    def look_anew(self) -> None:
        pass

    def look_for_overlooked(self) -> None:
        self.looked += 1


@contextmanager
def _telling(
    work: Callable[[RunId | None], Told], *, own: RunId | None = RUN, looks: bool = False
) -> Iterator[tuple[Notifier, FakeCourier]]:
    courier = FakeCourier(work)
    notifier = Notifier(cast("Courier", courier), own=own, looks_for_overlooked=looks)
    notifier.start()
    yield notifier, courier


def test_what_is_left_at_the_end_is_told_before_it_ends() -> None:
    events = iter([0, 0])
    with _telling(lambda only: Told(sent=next(events, 3))) as (notifier, courier):
        wait_until(lambda: courier.rounds)
        notifier.finish()
        told = notifier.outcome(within_seconds=30)
    assert told is not None
    assert courier.rounds[-1] == RUN


def _hanging(go_on: threading.Event) -> Callable[[RunId | None], Told]:
    def hang(only: RunId | None) -> Told:
        go_on.wait()
        return Told()

    return hang


def test_a_target_that_hangs_at_the_end_is_waited_for_that_long_and_no_longer() -> None:
    go_on = threading.Event()
    with _telling(_hanging(go_on)) as (notifier, _):
        notifier.finish()
        began = time.monotonic()
        assert notifier.outcome(within_seconds=0.2) is None
        assert time.monotonic() - began < 2
        go_on.set()


def test_a_target_that_hung_before_the_end_is_not_waited_for_at_all() -> None:
    go_on = threading.Event()
    with _telling(_hanging(go_on)) as (notifier, courier):
        wait_until(lambda: courier.rounds)
        notifier._began_ms -= STUCK_MS
        notifier.finish()
        began = time.monotonic()
        assert notifier.outcome(within_seconds=60) is None
        assert time.monotonic() - began < 5
        go_on.set()


def test_what_another_process_tells_is_looked_at_again() -> None:
    held = [True]
    with _telling(lambda only: Told(left=1) if held[0] else Told(sent=1)) as (notifier, courier):
        notifier.finish()
        wait_until(lambda: len(courier.rounds) > 2)
        held[0] = False
        assert notifier.outcome(within_seconds=30) == Told(sent=1)


def test_a_target_that_fails_is_not_tried_again_at_the_end() -> None:
    with _telling(lambda only: Told(left=1, error="gone")) as (notifier, _):
        notifier.finish()
        assert notifier.outcome(within_seconds=30) == Told(left=1, error="gone")


def test_whatever_goes_wrong_is_told_and_does_not_reach_the_run() -> None:
    def fails(only: RunId | None) -> Told:
        raise errors.StoreFailure("the disk is full") if only else ZeroDivisionError("oh")

    with _telling(fails) as (notifier, _):
        notifier.finish()
        assert notifier.outcome(within_seconds=30) == Told(left=1, error="the disk is full")
    with _telling(fails, own=None) as (notifier, _):
        notifier.finish()
        assert notifier.outcome(within_seconds=30) == Told(left=1, error="ZeroDivisionError: oh")


def test_the_runs_of_others_are_told_of_too_while_a_run_is_executed() -> None:
    with _telling(lambda only: Told()) as (notifier, courier):
        wait_until(lambda: None in courier.rounds)
        notifier.finish()
        notifier.outcome(within_seconds=30)
    assert courier.looked == 0


def test_a_worker_looks_for_what_was_overlooked_once(tmp_path: Path) -> None:
    with _telling(lambda only: Told(), own=None, looks=True) as (notifier, courier):
        wait_until(lambda: len(courier.rounds) > 1)
        notifier.finish()
        notifier.outcome(within_seconds=30)
    assert courier.looked == 1
    assert set(courier.rounds) == {None}


def test_many_runs_that_wait_do_not_keep_it_busy() -> None:
    def computes(only: RunId | None) -> Told:
        end = time.thread_time() + 0.2
        while time.thread_time() < end:
            pass
        return Told()

    with _telling(computes, own=None) as (notifier, courier):
        wait_until(lambda: notifier._rests_until_ms > 0)
        began = SystemClock().monotonic_ms()
        assert 3_000 < notifier._rests_until_ms - began <= 3_800 * 2
        notifier.finish()
        assert notifier.outcome(within_seconds=30) is not None
    assert len(courier.rounds) == 2  # the last look is not put off
