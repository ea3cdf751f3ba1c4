"""Which runs a worker looks at by itself: those that may need somebody and have no job."""

from pathlib import Path

import pytest

from nofx_cli.clock import ManualClock
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.drivers.filesystem.layout import store_failure
from nofx_cli.testing.rig import Rig
from nofx_cli.worker.suspects import Suspects
from tests.unit.worker.stage import step


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def suspects(rig: Rig) -> Suspects:
    return Suspects(rig.services)


def begun(rig: Rig) -> RunId:
    run = rig.create(step("a")).run
    rig.append(run, ev.RunStarted({}))
    return run


def all_of(suspects: Suspects, *, idle: bool = True) -> list[RunId]:
    found = []
    while (run := suspects.next(idle=idle)) is not None:
        found.append(run)
    return found


def _pass(rig: Rig, ms: int) -> None:
    assert isinstance(rig.clock, ManualClock)
    rig.clock.advance(ms)


def test_all_that_go_on_are_suspects_at_the_start_oldest_first(rig: Rig, suspects: Suspects) -> None:
    runs = []
    for _ in range(3):
        runs.append(begun(rig))
        _pass(rig, 1_000)
    suspects.begin()
    assert suspects.any_now(idle=False)
    assert all_of(suspects, idle=False) == runs
    assert not suspects.any_now(idle=True)
    assert not suspects.any_left()


@pytest.mark.parametrize(
    "payload", [ev.RunSucceeded(), ev.RunFailed(), ev.RunCancelled("enough"), ev.RunWaiting(("a",))]
)
def test_those_that_have_ended_or_wait_for_a_person_are_none(rig: Rig, suspects: Suspects, payload: ev.Payload) -> None:
    run = begun(rig)
    rig.append(run, payload)
    suspects.begin()
    assert all_of(suspects) == []


def test_one_that_waited_and_was_answered_is(rig: Rig, suspects: Suspects) -> None:
    run = begun(rig)
    rig.append(run, ev.RunWaiting(("a",)))
    rig.append(run, ev.ApprovalRejected("00", "no"), "a")
    suspects.begin()
    assert all_of(suspects) == [run]


def test_one_that_was_retried_after_its_end_is(rig: Rig, suspects: Suspects) -> None:
    run = begun(rig)
    rig.append(run, ev.RunFailed())
    rig.append(run, ev.RunResumed("retry"))
    suspects.begin()
    assert all_of(suspects) == [run]


def test_one_that_has_not_begun_comes_last_and_only_to_the_idle(rig: Rig, suspects: Suspects) -> None:
    waits, goes_on = rig.create(step("a")).run, begun(rig)
    _pass(rig, 5_000)
    suspects.begin()
    assert all_of(suspects, idle=False) == [goes_on]
    assert not suspects.any_now(idle=False)
    assert suspects.any_now(idle=True)
    assert suspects.any_left()
    assert all_of(suspects, idle=True) == [waits]


def test_one_that_was_only_just_made_is_given_time(rig: Rig, suspects: Suspects) -> None:
    suspects.begin()
    run = rig.create(step("a")).run
    suspects.look()
    assert all_of(suspects) == []
    assert suspects.any_left(), "somebody will have to look"
    for _ in range(3):
        _pass(rig, 1_000)
        suspects.look()
    assert all_of(suspects) == [run]


def test_the_time_passes_too_for_who_looks_quickly(rig: Rig, suspects: Suspects) -> None:
    suspects.begin()
    run = rig.create(step("a")).run
    suspects.look()
    _pass(rig, 2_000)
    assert suspects.any_left()
    assert all_of(suspects) == [run]


def test_one_that_was_made_in_the_future_is_not_young_for_ever(rig: Rig, suspects: Suspects) -> None:
    run = rig.create(step("a")).run
    _pass(rig, -3_600_000)
    suspects.begin()
    assert all_of(suspects) == [run]


def test_one_that_is_put_first_is_first(rig: Rig, suspects: Suspects) -> None:
    runs = [begun(rig) for _ in range(3)]
    suspects.begin()
    suspects.first(runs[2])
    assert all_of(suspects)[0] == runs[2]


def test_one_that_a_process_executes_alone_comes_again_when_that_has_left_it(rig: Rig, suspects: Suspects) -> None:
    run = begun(rig)
    hold = rig.services.liveness.hold(run)
    suspects.begin()
    assert suspects.next(idle=True) == run
    suspects.later(run)
    suspects.look()
    assert all_of(suspects) == []
    assert not suspects.any_left(), "it is in somebody's hands"
    hold.release()
    suspects.look()
    assert all_of(suspects) == [run]
    suspects.look()
    assert all_of(suspects) == [], "once"


def test_one_that_workers_have_meanwhile_comes_again_at_once(rig: Rig, suspects: Suspects) -> None:
    run = begun(rig)
    with rig.services.liveness.hold(run, shared=True):
        suspects.later(run)
        suspects.look()
        assert all_of(suspects) == [run]


def test_one_that_was_deleted_is_none(rig: Rig, suspects: Suspects) -> None:
    runs = [begun(rig), rig.create(step("a")).run, rig.create(step("a")).run]
    suspects.begin()
    suspects.later(runs[2])
    rig.services.store._events.clear()  # type: ignore[attr-defined]
    assert all_of(suspects) == []
    suspects.look()
    assert all_of(suspects) == []


@pytest.mark.parametrize("begins", [True, False])
def test_none_is_forgotten_where_the_store_cannot_be_read_for_a_while(
    rig: Rig, suspects: Suspects, monkeypatch: pytest.MonkeyPatch, begins: bool
) -> None:
    run = begun(rig) if begins else rig.create(step("a")).run
    _pass(rig, 5_000)
    suspects.begin()

    def fails(_run: RunId) -> None:
        raise store_failure("the journal cannot be read", OSError(5, "it"))

    with monkeypatch.context() as patch:
        patch.setattr(rig.services.store, "summary", fails)
        with pytest.raises(Exception, match="the journal cannot be read"):
            suspects.next(idle=True)
    assert all_of(suspects) == [run]


def test_many_that_have_ended_are_looked_through_in_portions(rig: Rig, suspects: Suspects) -> None:
    for _ in range(120):
        rig.append(begun(rig), ev.RunSucceeded())
    last = begun(rig)
    suspects.begin()
    looks = 1
    while (found := suspects.next(idle=True)) is None:
        assert suspects.any_now(idle=True)
        looks += 1
    assert (found, looks) == (last, 3)
