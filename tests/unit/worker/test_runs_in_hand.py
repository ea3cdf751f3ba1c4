"""The runs that a worker has open: held beside other workers, never beside a process that executes one alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, WorkerId
from nofx_cli.engine.services import Services
from nofx_cli.testing.rig import Rig
from nofx_cli.worker.attempts import Attempts, Inbox
from nofx_cli.worker.observer import Silent
from nofx_cli.worker.runs_in_hand import RunsInHand
from tests.unit.worker.stage import step


class Hands:
    """Runs in hand, and what was opened and forgotten for them."""

    def __init__(self, rig: Rig, patch: pytest.MonkeyPatch) -> None:
        self.rig = rig
        self.opened: list[RunId] = []
        self.forgotten: list[RunId] = []
        patch.setattr(rig.services.store, "forget", self.forgotten.append)
        observer = Silent()
        attempts = Attempts(rig.services, Inbox(), observer)
        self.runs = RunsInHand(rig.services, attempts, me=WorkerId("me"), observer=observer, at=self._at)
        text = rig.services.store.plan_text

        def notes(run: RunId) -> str:
            self.opened.append(run)
            return text(run)

        patch.setattr(rig.services.store, "plan_text", notes)

    def _at(self, workspace: object) -> Services:
        return self.rig.services


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def hands(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    hands = Hands(rig, monkeypatch)
    yield hands
    hands.runs.close()


def test_a_run_is_held_with_other_workers_and_refused_to_who_wants_it_alone(rig: Rig, hands: Hands) -> None:
    run = rig.create(step("a")).run
    execution = hands.runs.take_up(run)
    assert execution is not None
    assert hands.runs.get(run) is execution
    assert list(hands.runs) == [execution]
    holder = rig.services.liveness.holder(run)
    assert holder is not None
    assert holder.shared
    with pytest.raises(errors.Conflict, match="is executed by a worker"):
        rig.services.liveness.hold(run)
    rig.services.liveness.hold(run, shared=True).release()
    hands.runs.let_go(execution)
    assert rig.services.liveness.holder(run) is None
    assert hands.runs.get(run) is None


def test_one_that_a_process_executes_alone_is_refused_and_nothing_stays_open(rig: Rig, hands: Hands) -> None:
    run = rig.create(step("a")).run
    with rig.services.liveness.hold(run), pytest.raises(errors.Conflict) as told:
        hands.runs.take_up(run)
    assert told.value.code == "run-is-held"
    assert list(hands.runs) == []


def test_one_that_has_ended_is_not_taken_up(rig: Rig, hands: Hands) -> None:
    opened = rig.create(step("a"))
    rig.execute(opened)
    assert hands.runs.take_up(opened.run) is None
    assert rig.services.liveness.holder(opened.run) is None
    assert hands.forgotten == [opened.run]


def test_one_that_cannot_be_opened_is_let_go(rig: Rig, hands: Hands) -> None:
    run = rig.create(step("a")).run
    rig.plans.clear()
    with pytest.raises(KeyError):
        hands.runs.take_up(run)
    assert rig.services.liveness.holder(run) is None
    assert hands.forgotten == [run]


def test_one_that_is_taken_up_again_is_not_read_anew_but_sees_what_others_did(rig: Rig, hands: Hands) -> None:
    run = rig.create(step("a")).run
    first = hands.runs.take_up(run)
    assert first is not None
    hands.runs.let_go(first)
    rig.append(run, ev.RunStarted({}))
    again = hands.runs.take_up(run)
    assert again is first
    assert again.open_run.seq == 2
    assert hands.opened == [run]


def test_it_sees_also_while_it_is_in_hand(rig: Rig, hands: Hands) -> None:
    run = rig.create(step("a")).run
    execution = hands.runs.take_up(run)
    assert execution is not None
    rig.append(run, ev.RunStarted({}))
    assert hands.runs.take_up(run) is execution
    assert execution.open_run.seq == 2


def test_sixteen_are_kept_open_and_the_others_forgotten(rig: Rig, hands: Hands) -> None:
    runs = [rig.create(step("a")).run for _ in range(20)]
    for run in runs:
        execution = hands.runs.take_up(run)
        assert execution is not None
        hands.runs.let_go(execution)
    assert hands.forgotten == runs[:4]
    hands.runs.take_up(runs[0])
    hands.runs.take_up(runs[19])
    assert hands.opened == [*runs, runs[0]]


def test_all_are_given_back_at_the_end(rig: Rig, hands: Hands) -> None:
    runs = [rig.create(step("a")).run for _ in range(3)]
    for run in runs:
        hands.runs.take_up(run)
    hands.runs.close()
    assert [rig.services.liveness.holder(run) for run in runs] == [None] * 3
    assert list(hands.runs) == []
