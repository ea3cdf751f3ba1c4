"""What the plain view says of an event: a word, a detail and how long it took. Events nobody waits for say nothing."""

from typing import NamedTuple

from nofx_cli.cli.live.telling import approve_command, error_words, gate_words, skip_words, verdict_word
from nofx_cli.cli.output import safe
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.plan import Plan


class Words(NamedTuple):
    word: str
    detail: str = ""
    took_ms: int = 0


def words_of(event: ev.Event, *, plan: Plan, gate: ev.GateEvaluated | None) -> Words | None:
    """Tell an event; `gate` is the verdict of the same attempt, where the event ends one of a gate."""
    if isinstance(event.payload, ev.StepFinished):
        return _finished(event, event.payload, plan, gate)
    return _of_step(event) or _of_approval(event) or _of_run(event)


def _finished(event: ev.Event, payload: ev.StepFinished, plan: Plan, gate: ev.GateEvaluated | None) -> Words:
    words = Words(payload.status, error_words(payload.error), payload.duration_ms)
    if gate is not None:
        words = words._replace(word=verdict_word(gate), detail=gate_words(gate))
    code = payload.error.code if payload.error else ""
    blocks = event.step is None or plan.step(event.step).blocks_with(code)
    return words if payload.status == "succeeded" or blocks else words._replace(detail=f"warning: {words.detail}")


def _of_step(event: ev.Event) -> Words | None:
    match event.payload:
        case ev.StepStarted():
            return Words("started", f"attempt {event.attempt}" if (event.attempt or 1) > 1 else "")
        case ev.StepRetryScheduled() as retry:
            pause = format_duration(retry.delay_ms)
            return Words(
                "retries", f"in {pause}; attempt {event.attempt}: {error_words(retry.error)}", retry.duration_ms
            )
        case ev.StepSkipped() as skipped:
            return Words("skipped", skip_words(skipped.reason, skipped.cause))
        case ev.StepInterrupted() as interrupted:
            return Words("cut off", safe(interrupted.reason) + ("; it runs again" if interrupted.rerun else ""))
        case ev.StepReset() as reset:
            return Words("again", safe(reset.reason))
        case _:
            return None


def _of_approval(event: ev.Event) -> Words | None:
    match event.payload:
        case ev.ApprovalRequested() as asked:
            return Words("waits", f"{safe(asked.question)}  →  {approve_command(event.run, event.step or '')}")
        case ev.ApprovalGranted() as granted:
            return Words("approved", _who(event, granted.note))
        case ev.ApprovalRejected() as rejected:
            return Words("rejected", _who(event, rejected.note))
        case ev.ApprovalWaived() as waived:
            return Words("waived", _who(event, waived.note))
        case ev.ApprovalStale():
            return Words("stale", "what would run has changed since it was shown")
        case _:
            return None


def _of_run(event: ev.Event) -> Words | None:
    match event.payload:
        case ev.RunResumed() as resumed:
            return Words("goes on", safe(resumed.reason))
        case ev.WorkerLost() as lost:
            return Words("lost", f"the process {lost.pid} that executed it is gone")
        case ev.JournalRepaired() as repaired:
            return Words(
                "repaired", f"{repaired.bytes} bytes of a batch cut off its end, kept in {safe(repaired.kept)}"
            )
        case _:
            return None


def _who(event: ev.Event, note: str) -> str:
    return f"by {safe(event.actor.id)}" + (f": {safe(note)}" if note else "")
