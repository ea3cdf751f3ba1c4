"""A run without a world: random plans, and an executor that draws every outcome from a source of chance."""

from collections.abc import Iterable
from dataclasses import asdict
from random import Random

from hypothesis import strategies as st

from nofx_cli.domain import events as ev
from nofx_cli.domain.decide import decide
from nofx_cli.domain.ids import Digest, RunId, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Plan, Severity, Step, When
from nofx_cli.domain.state import RunState
from nofx_cli.domain.step_state import ENDED_STEP, StepState, StepStatus

AT = "2026-11-22T09:15:30.000000Z"
RUN = RunId("20261122-091530-7k3f9q")
PERSON = ev.Actor("user", "ada")
WHENS = (When.SUCCESS, When.SUCCESS, When.SUCCESS, When.FAILURE, When.ALWAYS, "yes", "no", "broken")


def condition(expression: str, state: RunState, step: StepName) -> bool:
    """The three expressions that simulated plans use."""
    if expression == "broken":
        raise ValueError("nobody can judge this")
    return expression == "yes"


def plan_of(steps: Iterable[Step]) -> Plan:
    return Plan(tuple(steps), Digest("0" * 64))


@st.composite
def plans(draw: st.DrawFn, *, most_steps: int = 30) -> Plan:
    """A plan whose needs form any acyclic graph, listed in any order."""
    count = draw(st.integers(1, most_steps))
    steps = []
    for place in range(count):
        earlier = [StepName(f"s{number}") for number in range(place)]
        needs = draw(st.lists(st.sampled_from(earlier), max_size=4, unique=True)) if earlier else []
        steps.append(
            Step(
                StepName(f"s{place}"),
                "test:echo",
                needs=tuple(needs),
                when=draw(st.sampled_from(WHENS)),
                severity=draw(st.sampled_from((Severity.BLOCKING, Severity.BLOCKING, Severity.WARNING))),
                continue_on_error=draw(st.sampled_from((False, False, True))),
            )
        )
    return plan_of(draw(st.permutations(steps)))


class Simulation:
    """Drives a run as an executor would. `journal` holds every draft in order, `watch` is called after each."""

    def __init__(self, plan: Plan, chance: Random) -> None:
        self.state = RunState(plan)
        self.state.run = RUN
        self.journal: list[ev.Draft] = []
        self._chance = chance
        self.add(ev.RunCreated())
        self.add(ev.RunStarted())

    def watch(self, draft: ev.Draft) -> None:
        """A place for tests to look at each change."""

    def add(self, payload: ev.Payload, step: StepName | None = None, attempt: int | None = None) -> None:
        self.extend([ev.Draft(payload, step, attempt)])

    def extend(self, drafts: Iterable[ev.Draft]) -> None:
        for draft in drafts:
            self.journal.append(draft)
            self.state.apply(draft, at=AT, actor=PERSON)
            self.watch(draft)

    def settle(self) -> None:
        while drafts := decide(self.state, AT, condition):
            self.extend(drafts)

    def drive(self) -> None:
        """Carry the run to its end; every round moves one step, so the number of rounds is bounded."""
        rounds = 0
        self.settle()
        while not self.state.ended:
            self._move(self._chance.choice(self._movable()))
            self.settle()
            rounds += 1
            assert rounds < 40 * len(self.state.steps) + 40, "the run does not come to its end"

    def _movable(self) -> list[StepState]:
        movable = [
            step
            for step in self.state.steps.values()
            if step.status in (StepStatus.QUEUED, StepStatus.RUNNING, StepStatus.WAITING)
        ]
        assert movable, "nothing can move, yet the run has not ended"
        return movable

    def _move(self, step: StepState) -> None:
        if step.status is StepStatus.QUEUED:
            self._begin(step)
        elif step.status is StepStatus.RUNNING:
            self._conclude(step)
        else:
            self._answer(step)

    def _begin(self, step: StepState) -> None:
        if step.approval is None and self._chance.random() < 0.2:
            self.add(ev.ApprovalRequested("d1", "go on?"), step.name)
        else:
            self.add(ev.StepStarted("test:echo"), step.name, step.next_attempt)

    def _conclude(self, step: StepState) -> None:
        draw = self._chance.random()
        error = StepError("exit-code", "it failed")
        if draw < 0.55:
            payload: ev.Payload = ev.StepFinished("succeeded", {"n": step.attempt})
        elif draw < 0.8 or step.attempt > 5:
            payload = ev.StepFinished("failed", error=error)
        elif draw < 0.9:
            payload = ev.StepRetryScheduled(error, 2_000, AT)
        else:
            payload = ev.StepInterrupted("the process is gone", rerun=True)
        self.add(payload, step.name, step.attempt)

    def _answer(self, step: StepState) -> None:
        kind = self._chance.choice((ev.ApprovalGranted, ev.ApprovalRejected, ev.ApprovalWaived))
        assert step.approval is not None
        self.add(kind(step.approval.digest, "because"), step.name)


def check_indexes(state: RunState) -> None:
    """Every index that is kept along equals what is counted from scratch."""
    steps = state.steps
    assert state.counts == {status: sum(1 for step in steps.values() if step.status is status) for status in StepStatus}
    for step in steps.values():
        needs = state.plan.step(step.name).needs
        assert step.open_needs == sum(1 for need in needs if steps[need].status not in ENDED_STEP), step.name
    free = {s.name for s in steps.values() if s.status is StepStatus.PENDING and s.open_needs == 0}
    assert set(state.free) == free
    turned_down = {
        step.name
        for step in steps.values()
        if step.status is StepStatus.WAITING and step.approval and step.approval.decision in ("rejected", "waived")
    }
    assert set(state.answered) == turned_down
    assert set(state.blocking_failures) == {
        step.name
        for step in steps.values()
        if step.status is StepStatus.CANCELLED
        or (step.status is StepStatus.FAILED and state.plan.step(step.name).blocks)
    }
    queued = [step for step in steps.values() if step.status is StepStatus.QUEUED]
    assert state.next_due_us() == min((step.due_us for step in queued), default=None)


def view(state: RunState) -> dict[str, object]:
    """All that a reader can see of a state, to compare two."""
    seen = {name: value for name, value in vars(state).items() if name not in ("plan", "steps", "_ready")}
    seen["steps"] = [asdict(step) for step in state.steps.values()]
    seen["spending"] = vars(state.spending)
    seen["next"] = state.next_due_us()
    return seen
