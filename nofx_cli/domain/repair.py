"""The repair loop: what follows when a gate fails that says `repair:`. Pure.

    gate fails ── is there a round left, and did it get better? ──▶ step.reset of the step that mends, of the gate, and
        │                                                            of all that needs the one: a new round begins
        └─ no: the gate has failed, like any other; the best round is kept

A round is better than the one before where fewer findings block. The loop stops when the same findings come back, or
when there are not fewer of them. What needs the step that mends is done again too, also where it does not lead to the
gate: it rests on what is no more. Nothing of that may run when it is reset, so the round begins when that has ended.
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted

if TYPE_CHECKING:
    from nofx_cli.domain.state import RunState
    from nofx_cli.domain.step_state import StepState

_FINDINGS_FILE = "findings.json"
"""`domain.findings.FINDINGS_FILE`, which runs without a repair do not load."""


@record
class Round:
    """One round of a repair, as its gate judged it.

    Attributes:
        attempt: of the gate.
        found: as `gate.evaluated` tells it; empty where nobody counted.
        tree: of the workspace that was judged; empty where it has no snapshot.
    """

    attempt: int
    found: str = ""
    tree: str = ""

    @property
    def findings(self) -> int | None:
        """How many block; None where nobody counted."""
        number = self.found.partition(" ")[0]
        return int(number) if number.isdigit() else None


def best_of(rounds: Sequence[Round]) -> int:
    """The place of the round with the fewest findings, the first of equals; the last one where nobody counted."""
    counted_ones = [(each.findings, place) for place, each in enumerate(rounds) if each.findings is not None]
    return min(counted_ones)[1] if counted_ones else len(rounds) - 1


def why_it_stops(spec: Step, rounds: Sequence[Round]) -> str:
    """Why no round follows; empty where one does."""
    assert spec.repair is not None
    last, before = rounds[-1], rounds[:-1]
    if last.found and any(last.found == each.found for each in before):
        return "the same findings came back"
    now, was = last.findings, before[-1].findings if before else None
    if now is not None and was is not None and now >= was:
        return f"{counted(now, 'finding')}, after {was}: that is no progress"
    if len(rounds) >= spec.repair.attempts:
        return f"all {spec.repair.attempts} rounds were used"
    return ""


def next_round(state: "RunState", gate: "StepState") -> list[ev.Draft]:
    """The resets that begin the next round; empty where none follows, or not yet (see `held_back`)."""
    spec = state.plan.steps[gate.place]
    if spec.repair is None or not may_go_on(spec, gate):
        return []
    again = _done_again(state.plan, spec.repair.step)
    from nofx_cli.domain.step_state import StepStatus

    steps = [state.steps[name] for name in again]
    if any(step.status is StepStatus.RUNNING for step in steps):
        return []
    told = _told(spec, gate)
    reason = f"repair, round {told['round']} of {told['of']}: {spec.name} found {_how_many(gate)}"
    return [
        ev.Draft(ev.StepReset(reason, told if step.name == spec.repair.step else _in_short(told)), step.name)
        for step in steps
        if step.status is not StepStatus.PENDING
    ]


def held_back(state: "RunState") -> frozenset[StepName]:
    """The steps that the next rounds do again. Until those begin, nothing follows for them from gates that failed."""
    gates = ((state.plan.steps[gate.place], gate) for gate in map(state.steps.__getitem__, state.to_repair))
    starts = {spec.repair.step for spec, gate in gates if spec.repair is not None and may_go_on(spec, gate)}
    return frozenset(name for start in starts for name in _done_again(state.plan, start))


def may_go_on(spec: Step, gate: "StepState") -> bool:
    """Whether a failed gate goes back to the step that mends: it judged, and there is a reason to try once more."""
    judged = gate.gate is not None and gate.gate.verdict == Verdict.FAILED.value
    return spec.repair is not None and judged and bool(gate.rounds) and not why_it_stops(spec, gate.rounds)


def _done_again(plan: Plan, start: StepName) -> list[StepName]:
    """The step and all that needs it, in the order of the plan."""
    found, ahead = {start}, deque([start])
    while ahead:
        for name in plan.dependants[ahead.popleft()]:
            if name not in found:
                found.add(name)
                ahead.append(name)
    return sorted(found, key=plan.index.__getitem__)


def _told(spec: Step, gate: "StepState") -> JsonObject:
    assert spec.repair is not None
    assert gate.gate is not None
    file = next((file for file in gate.artifacts if file.name == _FINDINGS_FILE), None)
    return {
        "gate": spec.name,
        "attempt": gate.attempt,
        "round": len(gate.rounds) + 1,
        "of": spec.repair.attempts,
        "findings": gate.rounds[-1].findings,
        "before": tuple(each.findings for each in gate.rounds[:-1]),
        "summary": gate.gate.summary,
        "artifact": {"name": file.name, "path": file.path, "digest": file.digest, "size": file.size} if file else None,
    }


def _in_short(told: JsonObject) -> JsonObject:
    return {name: told[name] for name in ("gate", "round", "of")}


def _how_many(gate: "StepState") -> str:
    number = gate.rounds[-1].findings
    return "what blocks" if number is None else counted(number, "finding")
