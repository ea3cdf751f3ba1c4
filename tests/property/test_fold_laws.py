"""What holds of the fold, for any events in any order, also for such as no nofx would write."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, decode_line, encode_batch
from nofx_cli.domain.decide import decide
from nofx_cli.domain.payload_data import payload_of
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState, fold
from tests.property.payloads import drafts
from tests.property.simulation import AT, PERSON, RUN, Simulation, check_indexes, condition, plans, view

chances = st.integers(0, 2**32).map(Random)
any_drafts = st.lists(drafts(steps=st.sampled_from([f"s{place}" for place in range(6)])), max_size=40)


def written(plan_drafts: Sequence[ev.Draft]) -> list[ev.Event]:
    events, _ = encode_batch(plan_drafts, run=RUN, head=Head(), at=AT, actor=PERSON)
    return events


@given(plans(most_steps=15), chances)
def test_the_journal_alone_gives_the_state_of_the_process_that_wrote_it(plan: Plan, chance: Random) -> None:
    simulation = Simulation(plan, chance)
    simulation.drive()
    read = [decode_line(event.line) for event in written(simulation.journal)]
    assert view(fold(plan, read)) == view(simulation.state)


@given(plans(most_steps=15), chances, st.data())
def test_to_fold_in_two_parts_is_to_fold_at_once(plan: Plan, chance: Random, data: st.DataObject) -> None:
    simulation = Simulation(plan, chance)
    simulation.drive()
    events = written(simulation.journal)
    cut = data.draw(st.integers(0, len(events)), label="cut")
    state = fold(plan, events[:cut])
    for event in events[cut:]:
        state.run = event.run
        state.apply(event, at=event.at, actor=event.actor)
    assert view(state) == view(fold(plan, events))


@given(plans(most_steps=10), chances, st.data())
def test_events_of_a_later_nofx_change_nothing(plan: Plan, chance: Random, data: st.DataObject) -> None:
    simulation = Simulation(plan, chance)
    simulation.drive()
    known = simulation.journal
    more = list(known)
    for _ in range(data.draw(st.integers(1, 5))):
        stranger = ev.Draft(ev.Unknown("step.teleported", {"status": "failed"}), plan.steps[0].name, 1)
        more.insert(data.draw(st.integers(0, len(more))), stranger)
    assert view(fold(plan, (decode_line(e.line) for e in written(more)))) == view(fold(plan, written(known)))


@given(plans(most_steps=6), any_drafts)
def test_no_sequence_of_events_breaks_the_fold_or_its_indexes(plan: Plan, any_events: list[ev.Draft]) -> None:
    state = RunState(plan)
    for event in [decode_line(event.line) for event in written(any_events)]:
        state.run = event.run
        state.apply(event, at=event.at, actor=event.actor)
        check_indexes(state)
    decide(state, AT, condition)


@pytest.mark.parametrize(
    ("type_name", "data"),
    [
        ("step.finished", {"status": "exploded"}),
        ("step.finished", {"status": "pending"}),
        ("step.finished", {"outputs": ["no", "object"]}),
        ("step.finished", {"duration_ms": "long"}),
        ("step.retry_scheduled", {"due_at": "soon"}),
        ("step.retry_scheduled", {}),
        ("step.skipped", {"reason": "bad weather"}),
        ("run.failed", {"error": "no object"}),
        ("run.waiting", {"steps": "notes"}),
    ],
)
def test_data_that_the_fold_could_not_act_on_is_kept_as_unknown(type_name: str, data: dict[str, object]) -> None:
    payload = payload_of(type_name, data)
    assert isinstance(payload, ev.Unknown)
    assert (payload.name, payload.data) == (type_name, data)
