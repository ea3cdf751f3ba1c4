"""The part of the contract for run stores that shows when several write at a time."""

import time
from functools import partial
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.verification import verify_chain
from nofx_cli.ports.journal import AppendConflict, RunStore
from nofx_cli.testing import child
from nofx_cli.testing.child import Child, listen, say
from nofx_cli.testing.run_store_case import (
    ADA,
    AT,
    RUN,
    RunStoreCase,
    append,
    append_behind_everybody,
    create,
    enqueued,
    finished,
    open_elsewhere,
)  # fmt: skip
from nofx_cli.testing.threads import at_once

_WRITERS = 8
_BATCHES = 12
_WAKES_WITHIN_SECONDS = 0.8
"""Far more than a wake takes, far less than a driver that only looks now and then."""


class RunStoreRaces(RunStoreCase):
    """Several writers, and those who wait for them."""

    def test_of_many_who_create_a_run_one_does(self, store: RunStore, other: RunStore) -> None:
        def create_mine(number: int) -> list[ev.Event]:
            mine = store if number % 2 else other
            return mine.create(RUN, f"goal: {number}\n", [ev.Draft(ev.RunCreated(steps=number))], at=AT, actor=ADA)

        answers = at_once(partial(create_mine, number) for number in range(_WRITERS))
        [(winner, events)] = [(number, won) for number, won in enumerate(answers) if isinstance(won, list)]
        assert [type(lost) for lost in answers if isinstance(lost, Exception)] == [errors.Conflict] * (_WRITERS - 1)
        assert list(store.read(RUN)) == events
        assert store.plan_text(RUN) == f"goal: {winner}\n"

    def test_of_many_who_want_a_place_one_gets_it(self, store: RunStore, other: RunStore) -> None:
        create(store)
        answers = at_once(partial(append, (store, other)[n % 2], 1, [finished(str(n))]) for n in range(_WRITERS))
        [won] = [answer for answer in answers if isinstance(answer, list)]
        lost = [answer for answer in answers if isinstance(answer, AppendConflict)]
        assert len(lost) == _WRITERS - 1
        assert all(list(conflict.since) == won for conflict in lost)
        assert list(store.read(RUN, after_seq=1)) == won

    def test_many_threads_leave_no_gap_and_lose_nothing(self, store: RunStore, other: RunStore) -> None:
        create(store)

        def write(number: int) -> list[int]:
            mine = store if number % 2 else other
            return [append_behind_everybody(mine, enqueued(2))[0].seq for _ in range(_BATCHES)]

        answers = at_once(partial(write, number) for number in range(_WRITERS))
        places = [seq for seqs in answers if isinstance(seqs, list) for seq in seqs]
        _check_whole(store, places)
        _check_whole(other, places)

    def test_a_wait_for_what_is_there_ends_at_once(self, store: RunStore, other: RunStore) -> None:
        create(store)
        assert store.wait(RUN, after_seq=0, timeout_ms=0) is True
        append(other, 1, enqueued())
        assert store.wait(RUN, after_seq=1, timeout_ms=0) is True

    def test_a_wait_in_vain_ends_with_its_time(self, store: RunStore) -> None:
        create(store)
        assert store.wait(RUN, after_seq=1, timeout_ms=0) is False
        assert store.wait(RUN, after_seq=1, timeout_ms=20) is False

    def test_an_append_wakes_everybody_who_waits(self, store: RunStore, other: RunStore) -> None:
        create(store)
        waits = [partial(_seen_at, store, 2)] * 3 + [partial(_seen_at, other, 2)] * 3
        _check_awake(at_once([*waits, partial(_append_later, other)]))


class RunStoreRacesOfProcesses(RunStoreCase):
    """Several processes on one store."""

    processes = True

    @pytest.fixture
    def elsewhere(self, place: Path) -> tuple[str, str]:
        """What a child needs to open the same store."""
        return child.name_of(self.open_store), str(place)

    def test_many_processes_leave_no_gap_and_lose_nothing(self, store: RunStore, elsewhere: tuple[str, str]) -> None:
        create(store)
        with (
            Child(write_elsewhere, *elsewhere) as one,
            Child(write_elsewhere, *elsewhere) as two,
            Child(write_elsewhere, *elsewhere) as three,
            Child(write_elsewhere, *elsewhere) as four,
        ):
            writers = (one, two, three, four)
            for writer in writers:
                assert writer.hear() == "ready"
            for writer in writers:
                writer.tell("go")
            places = [int(seq) for writer in writers for seq in writer.hear().split()]
        assert len(places) == len(writers) * _BATCHES
        _check_whole(store, places)

    def test_an_append_by_another_process_wakes(self, store: RunStore, elsewhere: tuple[str, str]) -> None:
        create(store)
        with Child(append_elsewhere, *elsewhere) as writer:
            assert writer.hear() == "ready"
            _check_awake(at_once([partial(_seen_at, store, 2), partial(_tell, writer)]))


def _check_whole(store: RunStore, places: list[int]) -> None:
    """Every batch of two stands exactly where its writer was told, and nothing else does."""
    assert sorted(places) == [2 + 2 * number for number in range(len(places))]
    assert [event.seq for event in store.read(RUN)] == list(range(1, 2 + 2 * len(places)))
    assert verify_chain(store.lines(RUN)).ok


def _check_awake(instants: list[float | Exception]) -> None:
    """The last instant is that of the append; all others saw it soon after."""
    assert all(isinstance(instant, float) for instant in instants), instants
    *seen, appended = (instant for instant in instants if isinstance(instant, float))
    assert max(seen) - appended < _WAKES_WITHIN_SECONDS


def _seen_at(store: RunStore, seq: int) -> float:
    """When event `seq` was seen, by waiting for it."""
    while store.head(RUN).seq < seq:
        store.wait(RUN, after_seq=seq - 1, timeout_ms=10_000)
    return time.monotonic()


def _append_later(store: RunStore) -> float:
    time.sleep(0.05)  # so that the others do wait by then; they must be woken in any case
    append(store, 1, enqueued())
    return time.monotonic()


def _tell(writer: Child) -> float:
    time.sleep(0.05)  # as above
    writer.tell("go")
    assert writer.hear() == "done"
    return time.monotonic()


def write_elsewhere(opener: str, place: str) -> None:
    """In a child: append batches of two among other writers, and say where they stand."""
    store = open_elsewhere(opener, place)
    say("ready")
    listen()
    say(" ".join(str(append_behind_everybody(store, enqueued(2))[0].seq) for _ in range(_BATCHES)))


def append_elsewhere(opener: str, place: str) -> None:
    """In a child: append one event when told."""
    store = open_elsewhere(opener, place)
    say("ready")
    listen()
    append(store, 1, enqueued())
    say("done")
