"""What a run that is replayed has on record, where its replay is given that in place of its own.

A gate that runs again finds the same and prints other times, places and seeds; a decision that is repeated has another
date. Whoever goes on from there, in a replay, is given what there was then, so that models are asked the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, TypeVar

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.record import record
from nofx_cli.domain.rollback import counting
from nofx_cli.domain.state import RunState, is_replay
from nofx_cli.engine.services import Services
from nofx_cli.ports.handler import Feedback, Granted
from nofx_cli.ports.journal import RunStore

Decision: TypeAlias = Literal["granted", "rejected", "waived"]
_DECISIONS: Mapping[type[ev.Payload], Decision] = {
    ev.ApprovalGranted: "granted",
    ev.ApprovalRejected: "rejected",
    ev.ApprovalWaived: "waived",
}
_Each = TypeVar("_Each")


@record
class Decided:
    """A decision of a person on a step. `reason` is why they were asked."""

    reason: ev.AskReason
    decision: Decision
    by: str
    at: str
    note: str


def replayed_run(state: RunState) -> RunId | None:
    """The run that this one replays; None where it is no replay."""
    return RunId(str(state.created.origin.get("run"))) if state.created and is_replay(state) else None


def decisions(store: RunStore, run: RunId, step: StepName) -> Iterator[Decided]:
    """All decisions on a step, oldest first."""
    reason = ev.AskReason.APPROVAL
    for event in counting(store.read(run)):
        if event.step != step:
            continue
        if isinstance(event.payload, ev.ApprovalRequested):
            reason = event.payload.reason
        elif decision := _DECISIONS.get(type(event.payload)):
            yield Decided(reason, decision, event.actor.id, event.at, str(getattr(event.payload, "note", "")))


def granted_before(services: Services, state: RunState, step: StepName, granted: Granted) -> Granted:
    """The approval that a step runs under, as the run that is replayed has it; it counts for what is shown now."""
    old = replayed_run(state)
    if old is None or state.run is None:
        return granted
    was = _in_turn(_grants(services.store, state.run, step), _grants(services.store, old, step))
    return replace(granted, by=was.by, at=was.at, note=was.note) if was else granted


def feedback_before(services: Services, state: RunState, step: StepName, told: JsonObject) -> Feedback | None:
    """What a step in a repair was told in the run that is replayed, where its gate found the same."""
    old = replayed_run(state)
    if old is None or state.run is None:
        return None
    now = [each for each in _tellings(services.store, state.run, step) if _found(each) == _found(told)]
    was = _in_turn(now, [each for each in _tellings(services.store, old, step) if _found(each) == _found(told)])
    if was is None:
        return None
    from nofx_cli.engine.feedback import feedback_of

    return feedback_of(services, old, was)


def _grants(store: RunStore, run: RunId, step: StepName) -> list[Decided]:
    about_money = ev.AskReason.BUDGET
    return [one for one in decisions(store, run, step) if one.decision == "granted" and one.reason is not about_money]


def _tellings(store: RunStore, run: RunId, step: StepName) -> Iterator[JsonObject]:
    for event in counting(store.read(run)):
        if event.step == step and isinstance(event.payload, ev.StepReset) and event.payload.repair:
            yield event.payload.repair


def _found(told: JsonObject) -> tuple[object, ...]:
    """What has to be the same for a telling to take the place of another."""
    file = told.get("artifact")
    digest = file.get("digest") if isinstance(file, Mapping) else None
    return told.get("gate"), told.get("round"), told.get("findings"), digest


def _in_turn(now: Sequence[object], was: Sequence[_Each]) -> _Each | None:
    """The one that was in the place of the last of those that are now; the last one where there were fewer."""
    return was[min(len(now), len(was)) - 1] if now and was else None
