"""What speaks for the work that a step rests on, from the state of its run and its journal."""

from nofx_cli.domain.evidence import Evidence, GateFact
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.spending import bill_of, charges_of
from nofx_cli.domain.state import RunState
from nofx_cli.engine.services import Services


def evidence_of(services: Services, state: RunState, step: StepName) -> Evidence:
    """The gates of all that the step needs, what models cost so far, and the end of the journal as it is now."""
    rests_on = _needed(state.plan, step)
    told = ((found.name, found.gate) for found in state.steps.values() if found.name in rests_on)
    gates = [GateFact(name, gate.gate, gate.verdict, gate.summary, gate.counts) for name, gate in told if gate]
    if state.run is None or not state.created_at:  # there is no journal: it is only looked at what would be done
        return Evidence(tuple(gates))
    bill = bill_of(charges_of(services.store.read(state.run)))
    head = services.store.head(state.run)
    return Evidence(tuple(gates), bill.calls, bill.usd, bill.unknown, f"{head.seq}:{head.digest}")


def _needed(plan: Plan, step: StepName) -> set[StepName]:
    found: set[StepName] = set()
    ahead = list(plan.step(step).needs)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += plan.step(name).needs
    return found
