"""The end of a repair that did not succeed: the worktree is set back to the best round, and it is told why it ended.

the gate failed, no round follows ── restore ── crash ──▶ the gate's attempt counts as cut off; it judges the best
                                       └▶ snapshot.taken with the tree of the best round, and step.finished
"""

from dataclasses import replace

from nofx_cli.domain import events as ev
from nofx_cli.domain.outcome import Failed
from nofx_cli.domain.plan import Step
from nofx_cli.domain.repair import Round, best_of, why_it_stops
from nofx_cli.domain.state import RunState
from nofx_cli.domain.wording import counted
from nofx_cli.engine.open_run import Batch
from nofx_cli.engine.services import Services


def end_repair(services: Services, batch: Batch, spec: Step, failed: Failed) -> Failed:
    """The failure of a gate that is repaired, with what there is to say where that was the last round.

    Its `gate.evaluated` is in the batch already. Where an earlier round was better, its tree is the worktree's again.
    """
    rounds = batch.state.steps[spec.name].rounds
    if not rounds or spec.repair is None or not (why := why_it_stops(spec, rounds)):
        return failed
    told = f"{failed.error.message}; the repair stopped after round {len(rounds)} of {spec.repair.attempts}: {why}"
    best = best_of(rounds)
    if best != len(rounds) - 1:
        told += f"; the best was round {best + 1}, with {counted(rounds[best].findings or 0, 'finding')}"
        if _restored(services, batch.state, rounds[best]):
            batch.add(ev.SnapshotTaken(tree=rounds[best].tree), spec.name, rounds[-1].attempt)
            told += ", to which the worktree was set back"
    return replace(failed, error=replace(failed.error, message=told))


def _restored(services: Services, state: RunState, best: Round) -> bool:
    if services.worktrees is None or state.run is None or best.tree in ("", state.tree):
        return False
    services.worktrees().restore(state.run, best.tree)
    return True
