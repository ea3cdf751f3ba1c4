"""Numbers from events alone are those that the fold with the plan gives, for any run at any point of its way."""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.state import fold
from nofx_cli.engine.measure_runs import RunMeasures, measure_run
from tests.property.payloads import drafts
from tests.property.simulation import AT, PERSON, RUN, Simulation, plan_of, plans

chances = st.integers(0, 2**32).map(Random)
names: Any = [f"s{place}" for place in range(6)]
any_drafts = st.lists(drafts(steps=st.sampled_from(names)), max_size=60)


def measured(plan: Plan, journal: list[ev.Draft]) -> RunMeasures:
    """Measure a run, and hold the numbers against its state."""
    created = ev.Draft(replace(ev.RunCreated(), steps=len(plan.steps)))
    events, _ = encode_batch([created, *journal], run=RUN, head=Head(), at=AT, actor=PERSON)
    measures, state = RunMeasures(), fold(plan, events)
    measure_run(events, into=measures)
    assert +measures.runs == {state.status: 1}
    assert +measures.steps == {status: number for status, number in state.counts.items() if number}
    return measures


@given(plans(most_steps=15), chances, st.data())
def test_statuses_at_any_point_of_a_run(plan: Plan, chance: Random, data: st.DataObject) -> None:
    simulation = Simulation(plan, chance)
    simulation.drive()
    journal = simulation.journal[1:]
    cut = data.draw(st.integers(0, len(journal)), label="cut")
    measured(plan, journal[:cut])


@given(plans(most_steps=15), chances)
def test_each_attempt_is_counted_once(plan: Plan, chance: Random) -> None:
    simulation = Simulation(plan, chance)
    simulation.drive()
    measures = measured(plan, simulation.journal[1:])
    payloads = [draft.payload for draft in simulation.journal]
    started = sum(isinstance(payload, ev.StepStarted) for payload in payloads)
    assert measures.interruptions == sum(isinstance(payload, ev.StepInterrupted) for payload in payloads)
    assert measures.retries == sum(isinstance(payload, ev.StepRetryScheduled) for payload in payloads)
    assert sum(durations.count for durations in measures.durations.values()) + measures.interruptions == started


@given(any_drafts)
def test_any_events_in_any_order(journal: list[ev.Draft]) -> None:
    made = [draft for draft in journal if not isinstance(draft.payload, ev.RunCreated)]
    measured(plan_of(Step(name, "test:echo", needs=()) for name in names), made)
