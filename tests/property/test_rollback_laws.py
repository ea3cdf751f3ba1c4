"""What holds of rollbacks: the state after one is that of its point, but for what stays true of what was left out."""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.decide import decide
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.rollback import Part, counting, parts_of
from nofx_cli.domain.state import RunState, advance, fold
from tests.property.payloads import drafts
from tests.property.simulation import AT, PERSON, RUN, Simulation, check_indexes, condition, plan_of, plans, view

chances = st.integers(0, 2**32).map(Random)
names: Any = [f"s{place}" for place in range(4)]
any_drafts = st.lists(drafts(steps=st.sampled_from(names)), max_size=40)
rollbacks = st.lists(st.tuples(st.integers(0, 60), st.integers(-2, 60)), min_size=1, max_size=4)
LASTING = {"spending", "active", "outdated", "set_back", "tree_is_due", "rules", "raised"}
LASTING_OF_STEPS = {"last_attempt", "abandoned", "worker", "spent_ms", "effects"}


def written(run_drafts: Sequence[ev.Draft]) -> list[ev.Event]:
    events, _ = encode_batch(run_drafts, run=RUN, head=Head(), at=AT, actor=PERSON)
    return events


def rewound(state: RunState) -> dict[str, Any]:
    """All of a state that a rollback gives back."""
    seen = view(state)
    steps = seen.pop("steps")
    assert isinstance(steps, list)
    told: dict[str, Any] = {name: value for name, value in seen.items() if name not in LASTING}
    told["steps"] = [{k: v for k, v in step.items() if k not in LASTING_OF_STEPS} for step in steps]
    for step in told["steps"]:
        _leave_attempts_out(step["approval"])
    return told


def _leave_attempts_out(approval: dict[str, Any] | None) -> None:
    """Numbers of attempts go on, so those that had begun when it was asked may be others."""
    if approval is not None:
        del approval["attempt"]
        _leave_attempts_out(approval["before"])


def driven(plan: Plan, chance: Random) -> list[ev.Draft]:
    simulation = Simulation(plan, chance)
    simulation.drive()
    return simulation.journal


def back_to(seq: int) -> ev.Draft:
    return ev.Draft(ev.RunRolledBack(seq))


def naive(events: Sequence[ev.Event]) -> list[int]:
    """The numbers of the events that count, from the meaning of a rollback itself; takes quadratic time."""
    counts: list[list[int]] = [[]]
    for event in events:
        if isinstance(event.payload, ev.RunRolledBack):
            counts.append(counts[max(1, min(event.payload.to_seq, event.seq - 1)) if event.seq > 1 else 0])
        else:
            counts.append([*counts[-1], event.seq])
    return counts[-1]


@given(any_drafts, rollbacks)
def test_the_events_that_count_are_those_of_the_point_and_what_came_after(
    some: list[ev.Draft], where: list[tuple[int, int]]
) -> None:
    journal = list(some)
    for place, seq in where:
        journal.insert(place, back_to(seq))
    events = written(journal)
    assert [event.seq for event in counting(events)] == naive(events)
    turns = [event for event, part in zip(events, parts_of(events), strict=True) if part is Part.TURN]
    assert all(isinstance(event.payload, ev.RunRolledBack) for event in turns)


@given(plans(most_steps=12), chances, st.data())
def test_the_state_is_that_of_the_point(plan: Plan, chance: Random, data: st.DataObject) -> None:
    journal = driven(plan, chance)
    to_seq = data.draw(st.integers(1, len(journal)), label="to")
    events = written([*journal, back_to(to_seq)])
    state = fold(plan, events)
    assert rewound(state) == rewound(fold(plan, events[:to_seq]))
    check_indexes(state)
    before = fold(plan, events[:-1])
    assert view(state)["spending"] == view(before)["spending"]
    for name, step in state.steps.items():
        assert step.next_attempt > before.steps[name].attempt, "no two attempts have the same number"
        assert step.spent_ms == before.steps[name].spent_ms


@given(plans(most_steps=12), chances, st.data())
def test_what_comes_after_follows_on_the_point(plan: Plan, chance: Random, data: st.DataObject) -> None:
    """The fold of a journal with a rollback is that of its first part, then of what came after."""
    journal = driven(plan, chance)
    to_seq = data.draw(st.integers(2, len(journal)), label="to")
    goes_on = ev.Draft(ev.RunResumed("resumed"))
    more = [goes_on, *(draft for draft in driven(plan, chance)[2:] if draft.step is not None)]
    there = fold(plan, written([*journal, back_to(to_seq), *more]))
    straight = fold(plan, written([*journal[:to_seq], *more]))
    assert rewound(there) == rewound(straight)
    assert not there.set_back


@given(plans(most_steps=12), chances, st.data())
def test_a_rollback_of_a_rollback_is_as_if_there_were_none(plan: Plan, chance: Random, data: st.DataObject) -> None:
    journal = driven(plan, chance)
    cut = data.draw(st.integers(1, len(journal)), label="cut")
    to_seq = data.draw(st.integers(1, cut), label="to")
    known = journal[:cut]
    more = data.draw(st.lists(st.sampled_from(journal[1:]), max_size=8) if len(journal) > 1 else st.just([]))
    events = written([*known, back_to(to_seq), *more, back_to(cut)])
    assert rewound(fold(plan, events)) == rewound(fold(plan, events[:cut]))


@given(plans(most_steps=12), chances, st.data())
def test_a_run_that_was_rolled_back_comes_to_its_end(plan: Plan, chance: Random, data: st.DataObject) -> None:
    """Any point but one amid a question can be gone on from; attempts keep their numbers to themselves."""
    simulation = Simulation(plan, chance)
    simulation.drive()
    asked_here = [
        number
        for number, draft in enumerate(simulation.journal, start=1)
        if not isinstance(draft.payload, ev.StepInterrupted)
    ]
    to_seq = data.draw(st.sampled_from(asked_here), label="to")
    simulation.journal.append(back_to(to_seq))
    simulation.state = fold(plan, written(simulation.journal))
    for step in simulation.state.steps.values():
        if step.status == "running":
            simulation.add(ev.StepInterrupted("rolled back", rerun=True), step.name, step.attempt)
    if not simulation.state.ended:
        simulation.add(ev.RunResumed("resumed"))
        simulation.drive()
    claims = [(d.step, d.attempt) for d in simulation.journal if isinstance(d.payload, ev.StepStarted)]
    assert len(claims) == len(set(claims))
    assert rewound(simulation.state) == rewound(fold(plan, written(simulation.journal)))


@given(any_drafts, rollbacks, st.integers(0, 60))
def test_to_advance_is_to_fold_at_once_whatever_is_in_the_journal(
    some: list[ev.Draft], where: list[tuple[int, int]], cut: int
) -> None:
    plan = plan_of([Step(StepName(name), "test:echo") for name in names])
    journal = list(some)
    for place, seq in where:
        journal.insert(place, back_to(seq))
    events = written(journal)
    state = fold(plan, events)
    check_indexes(state)
    decide(state, AT, condition)
    more_by_now = written([*journal, ev.Draft(ev.RunCancelled("somebody was quicker"))])
    in_parts = advance(fold(plan, events[:cut]), events[cut:], lambda: more_by_now)
    assert view(in_parts) == view(state)
