"""The order of jobs that wait, where it shows in memory and time only."""

import pytest

from nofx_cli.domain.ids import WorkerId
from nofx_cli.drivers.jobs import decisions
from nofx_cli.drivers.jobs.state import QueueState
from nofx_cli.drivers.jobs.waiting import WaitingJobs
from nofx_cli.testing.queue_case import job

ADA = WorkerId("ada")
JOBS = 50


def filled(*, delay_ms: int = 0) -> QueueState:
    state = QueueState()
    for number in range(JOBS):
        state.apply(decisions.put(job(str(number), delay_ms=delay_ms), now_us=number))
    return state


def items(waiting: WaitingJobs) -> int:
    return sum(len(heap) for heap in (waiting._queue, waiting._ages, waiting._later, waiting._early))


@pytest.mark.parametrize("delay_ms", [0, 5])
def test_what_is_out_of_date_is_thrown_away(delay_ms: int) -> None:
    state, last = filled(delay_ms=delay_ms), [job(str(JOBS - 1)).key]
    for turn in range(2_000):  # as another process says it, whose clock goes otherwise
        state.apply(("claim", turn, ADA, last))
        state.apply(("back", last) if turn % 2 else ("again", turn, last[0], delay_ms, 0, ""))
    assert items(state.waiting) < 10 * JOBS
    state.waiting.settle(10**9)
    assert len(state.waiting.firsts(2 * JOBS)) == JOBS


def test_a_clock_that_is_set_back_sorts_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    state = filled(delay_ms=5)
    sorts: list[int] = []
    monkeypatch.setattr(WaitingJobs, "_sort_anew", lambda waiting, now_us: sorts.append(now_us))
    for now_us in (10**9, 10**9 - 1, 10**9 - 1, 10**9):
        state.waiting.settle(now_us)
    assert sorts == [10**9 - 1]
