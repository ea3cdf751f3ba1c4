"""Set a run back to an earlier point, on the record.

    held alone ─▶ what the dead left running is ended ─▶ what stands in the worktree is kept ── crash ──▶ a reference
        └▶ run.rolled_back, behind snapshot.taken where that kept something: it *is* rolled back     nobody needs
               └▶ the worktree is set back ── crash ──▶ whoever needs it next does so (see `engine.worktree`)
                      └▶ snapshot.taken, its jobs are dropped ── crash ──▶ workers leave it alone all the same

Nobody goes on with the run by that: `nofx resume` does. A rollback is undone by one to the event before it. What counts
after a rollback, and what stays true of the rest, is said in `domain.rollback`.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.record import record
from nofx_cli.domain.rollback import OutsideEffect, counting, left_outside
from nofx_cli.domain.state import RunState, fold
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.engine.open_run import Batch, OpenRun
from nofx_cli.engine.worktree import is_worktree, keep_what_stands, set_tree_back

_ENDS = (ev.StepFinished, ev.StepSkipped)


@record
class WayBack:
    """What a rollback to an event would do.

    Attributes:
        step: the one that was named.
        before, after: the run as it stands, and as it stood at that point.
        left_out: how many events count now and would not any more.
        outside: what was changed outside meanwhile; it is not undone.
    """

    run: RunId
    to_seq: int
    step: StepName | None
    before: RunState
    after: RunState
    left_out: int
    outside: tuple[OutsideEffect, ...]

    @property
    def in_worktree(self) -> bool:
        """Whether the files that the run works on are set back, too."""
        return self.after.created is not None and is_worktree(self.after.created.workspace)


@record
class RolledBack:
    """What was done. `seq` is the number of `run.rolled_back`; `fault` is why the worktree is not set back yet."""

    way: WayBack
    seq: int
    fault: errors.NofxError | None = None

    @property
    def undo(self) -> int:
        """The event that a rollback goes to which undoes this one."""
        return self.seq - 1


def find_way_back(open_run: OpenRun, to: str) -> WayBack:
    """What a rollback would do to the state just after a step last ended, or after the event of a number.

    Raises:
        errors.NotFound: the plan has no such step (code `step-not-found`), the step has not ended (`step-not-ended`),
            or the journal has no such event (`event-not-found`).
        errors.Conflict: nothing lies behind that event (`nothing-to-roll-back`), or a person was about to be asked
            at that very point (`amid-a-question`).
    """
    events = list(open_run.services.store.read(open_run.run))
    step = StepName(to) if to in open_run.state.steps else None
    to_seq = _end_of(open_run, events, step) if step else _event(open_run, events, to)
    return _way(open_run, events, to_seq, step)


def roll_back(open_run: OpenRun, to: str, *, reason: str, settle_the_dead: Callable[[OpenRun], object]) -> RolledBack:
    """Set the run back; raises as `find_way_back`, before anything is changed.

    Args:
        settle_the_dead: ends what dead processes left running of the run, which is held alone meanwhile.

    Raises:
        errors.Conflict: a living process executes the run (code `run-is-held`).
        errors.Unavailable: what stands in the worktree could not be kept.
    """
    services = open_run.services
    with services.liveness.hold(open_run.run):
        open_run.refresh()
        way = find_way_back(open_run, to)
        settle_the_dead(open_run)
        kept = keep_what_stands(services, open_run.state, seq=open_run.seq)
        seq = _append(open_run, way, kept, reason)
        fault = _set_files_back(open_run)
        with suppress(errors.StoreFailure):  # a job that is left leads to nothing
            services.queue.drop(open_run.run)
    return RolledBack(way, seq, fault)


def _append(open_run: OpenRun, way: WayBack, kept: ev.SnapshotTaken | None, reason: str) -> int:
    rolled_back = ev.RunRolledBack(way.to_seq, open_run.services.mask_text(reason), way.after.status.value)

    def build(batch: Batch) -> None:
        if kept is not None:
            batch.add(kept)
        batch.add(rolled_back)

    return open_run.commit(build)[-1].seq


def _set_files_back(open_run: OpenRun) -> errors.NofxError | None:
    try:
        taken = set_tree_back(open_run.services, open_run.state)
    except errors.NofxError as exc:
        return exc
    if taken is not None:
        open_run.commit(lambda batch: batch.add(taken))
    return None


def _end_of(open_run: OpenRun, events: Sequence[ev.Event], step: StepName) -> int:
    """The event with which a step last ended, of those that count."""
    ends = [event.seq for event in events if event.step == step and isinstance(event.payload, _ENDS)]
    counted = {event.seq for event in counting(events)}
    found = [seq for seq in ends if seq in counted]
    if found:
        return found[-1]
    raise errors.NotFound(
        f"step {step} of run {open_run.run} has not ended"
        + (", but in what was rolled back" if ends else f": it is {open_run.state.steps[step].status}"),
        code="step-not-ended",
        hint=f"to the point where it had: --to {ends[-1]}" if ends else f"see its events: nofx timeline {open_run.run}",
    )


def _event(open_run: OpenRun, events: Sequence[ev.Event], to: str) -> int:
    run, last = open_run.run, events[-1].seq
    if not (to.isascii() and to.isdigit()):
        from difflib import get_close_matches

        close = get_close_matches(to, open_run.state.steps, n=1)
        hint = f"did you mean {close[0]}?" if close else f"name a step, or the number of an event: nofx timeline {run}"
        raise errors.NotFound(f"run {run} has no step {to!r}", code="step-not-found", hint=hint)
    seq = int(to[:_DIGITS])
    if not 1 <= seq <= last or len(to) > _DIGITS:
        raise errors.NotFound(
            f"run {run} has no event {to}: they go from 1 to {last}",
            code="event-not-found",
            hint=f"nofx timeline {run}",
        )
    if seq == last:
        raise errors.Conflict(
            f"event {last} is the last one of run {run}: nothing lies behind it",
            code="nothing-to-roll-back",
            hint=f"nofx timeline {run}",
        )
    return seq


_DIGITS = 18


def _way(open_run: OpenRun, events: Sequence[ev.Event], to_seq: int, step: StepName | None) -> WayBack:
    before_point = [event for event in events if event.seq <= to_seq]
    after = fold(open_run.plan, before_point)
    _check_can_go_on(open_run, events, after, to_seq)
    kept = {event.seq for event in counting(before_point)}
    left_out = sum(event.seq not in kept for event in counting(events))
    outside = left_outside(events, to_seq)
    return WayBack(open_run.run, to_seq, step, open_run.state, after, left_out, tuple(outside))


def _check_can_go_on(open_run: OpenRun, events: Sequence[ev.Event], after: RunState, to_seq: int) -> None:
    """A step that waits has to have a question that can be answered; it stands in the same batch, one event later."""
    for step in after.in_status(StepStatus.WAITING):
        if step.name in after.answered or _has_question(step):
            continue
        later = (event for event in events if event.seq > to_seq and event.step == step.name)
        asked = next((event.seq for event in later if isinstance(event.payload, ev.ApprovalRequested)), 0)
        raise errors.Conflict(
            f"at event {to_seq} of run {open_run.run}, a person was about to be asked about step {step.name}",
            code="amid-a-question",
            hint=f"to where it was asked: --to {asked}" if asked else f"nofx timeline {open_run.run}",
        )


def _has_question(step: StepState) -> bool:
    return step.approval is not None and step.approval.decision is None
