"""What holds of every run, whatever its plan and whatever happens to its steps."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan, When
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import ENDED_STEP, StepStatus
from tests.property.simulation import Simulation, check_indexes, plans

chances = st.integers(0, 2**32).map(Random)


def run_to_end(plan: Plan, chance: Random) -> Simulation:
    simulation = Simulation(plan, chance)
    simulation.drive()
    return simulation


def ancestors(plan: Plan, name: StepName) -> set[StepName]:
    found: set[StepName] = set()
    ahead = [name]
    while ahead:
        for need in plan.step(ahead.pop()).needs:
            if need not in found:
                found.add(need)
                ahead.append(need)
    return found


@given(plans(), chances)
def test_a_run_ends_once_and_says_how(plan: Plan, chance: Random) -> None:
    simulation = run_to_end(plan, chance)
    terminal = [draft.payload for draft in simulation.journal if draft.payload.type in ev.TERMINAL_TYPES]
    assert len(terminal) == 1
    assert simulation.journal[-1].payload is terminal[0]
    assert all(step.status in ENDED_STEP for step in simulation.state.steps.values())
    failed = [s for s in simulation.state.steps.values() if s.status is StepStatus.FAILED and plan.step(s.name).blocks]
    assert simulation.state.status is (RunStatus.FAILED if failed else RunStatus.SUCCEEDED)
    if isinstance(terminal[0], ev.RunFailed):
        assert terminal[0].step in {step.name for step in failed}
        assert f"--from {terminal[0].step}" in terminal[0].next
    assert isinstance(terminal[0], ev.RunFailed | ev.RunSucceeded)
    assert sum(terminal[0].steps.values()) == len(plan.steps)


@given(plans(), chances)
def test_no_step_is_decided_before_all_that_it_needs_has_ended(plan: Plan, chance: Random) -> None:
    class Watched(Simulation):
        def watch(self, draft: ev.Draft) -> None:
            if draft.step is not None and isinstance(draft.payload, ev.StepEnqueued | ev.StepSkipped | ev.StepStarted):
                assert all(self.state.steps[need].ended for need in plan.step(draft.step).needs)

    Watched(plan, chance).drive()


@given(plans(), chances)
def test_an_attempt_starts_once(plan: Plan, chance: Random) -> None:
    simulation = run_to_end(plan, chance)
    starts = [(d.step, d.attempt) for d in simulation.journal if isinstance(d.payload, ev.StepStarted)]
    assert len(starts) == len(set(starts))
    enqueued = [d.step for d in simulation.journal if isinstance(d.payload, ev.StepEnqueued)]
    assert len(enqueued) == len(set(enqueued))


@given(plans(), chances)
def test_a_step_that_is_skipped_for_a_failure_names_one_that_it_rests_on(plan: Plan, chance: Random) -> None:
    state = run_to_end(plan, chance).state
    for step in state.steps.values():
        if step.skip_reason is ev.SkipReason.NEED_FAILED:
            cause = StepName(step.cause)
            assert cause in ancestors(plan, step.name)
            assert state.steps[cause].status is StepStatus.FAILED
            assert plan.step(cause).blocks


@given(plans(), chances)
def test_a_step_runs_exactly_when_its_condition_holds(plan: Plan, chance: Random) -> None:
    state = run_to_end(plan, chance).state

    def spoiled(name: StepName) -> bool:
        step = state.steps[name]
        if step.status is StepStatus.FAILED and plan.step(name).blocks:
            return True
        return any(spoiled_by[need] for need in plan.step(name).needs)

    spoiled_by: dict[StepName, bool] = {}
    for name in sorted(state.steps, key=lambda name: int(name[1:])):  # their numbers are a topological order
        needs_spoiled = any(spoiled_by[need] for need in plan.step(name).needs)
        when = plan.step(name).when
        runs = {When.SUCCESS: not needs_spoiled, When.FAILURE: needs_spoiled, When.ALWAYS: True, "yes": True}
        step = state.steps[name]
        if when == "broken":
            assert step.error is not None
            assert step.error.code == "when"
        elif step.skip_reason is not ev.SkipReason.WAIVED:
            assert (step.status is not StepStatus.SKIPPED) is runs.get(when, False), name
        spoiled_by[name] = spoiled(name)


@given(plans(), chances)
def test_the_indexes_are_true_after_every_event(plan: Plan, chance: Random) -> None:
    class Watched(Simulation):
        def watch(self, draft: ev.Draft) -> None:
            check_indexes(self.state)

    Watched(plan, chance).drive()


@given(plans(most_steps=12), chances, st.data())
def test_a_run_that_is_set_back_ends_once_more(plan: Plan, chance: Random, data: st.DataObject) -> None:
    class Watched(Simulation):
        def watch(self, draft: ev.Draft) -> None:
            check_indexes(self.state)
            if isinstance(draft.payload, ev.StepEnqueued) and draft.step and plan.step(draft.step).when == When.SUCCESS:
                assert not any(
                    self.state.steps[need].status is StepStatus.CANCELLED for need in ancestors(plan, draft.step)
                )

    simulation = Watched(plan, chance)
    simulation.settle()
    if not simulation.state.ended and data.draw(st.booleans(), label="cancelled before it was set back"):
        simulation.add(ev.RunCancelled("no more"))
    else:
        simulation.drive()
    redone = set(data.draw(st.lists(st.sampled_from([step.name for step in plan.steps]), min_size=1)))
    redone |= {step.name for step in plan.steps if ancestors(plan, step.name) & redone}
    simulation.add(ev.RunResumed("retry"))
    for name in data.draw(st.permutations(sorted(redone))):
        simulation.add(ev.StepReset("again"), name)
    simulation.drive()
    assert sum(draft.payload.type in ev.TERMINAL_TYPES for draft in simulation.journal) == 2
    if any(step.status is StepStatus.CANCELLED for step in simulation.state.steps.values()):
        assert simulation.state.status is RunStatus.FAILED
    assert not simulation.state.cancel_reason
