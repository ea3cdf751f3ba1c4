"""One step of a run, with every attempt at it."""

from collections.abc import Iterator
from dataclasses import dataclass

from nofx_cli.cli.output import paint, safe
from nofx_cli.cli.render.event_text import local_date_time, said
from nofx_cli.cli.render.run_view import fact_lines, values_words, what_words
from nofx_cli.cli.render.status import style_of
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonValue, StepName
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.payload_data import data_of
from nofx_cli.domain.step_state import Approval, StepState
from nofx_cli.engine.kept_files import kept_files
from nofx_cli.engine.view_run import RunView, bills_of

_ENDS = (ev.StepFinished, ev.StepRetryScheduled, ev.StepInterrupted)


@dataclass(slots=True)
class _Attempt:
    number: int
    started: ev.Event
    ended: ev.Event | None = None
    rolled_back: bool = False


def as_json(view: RunView, name: StepName) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    step, spec = view.state.steps[name], view.plan.step(name)
    return {
        "run": view.run,
        "step": name,
        "tool": spec.tool,
        "needs": spec.needs,
        "status": step.status.value,
        "attempt": step.attempt,
        "inputs_digest": step.inputs_digest or None,
        "outputs": step.outputs,
        "error": _error_json(step.error),
        "cause": step.cause or None,
        "gate": data_of(step.gate) if step.gate else None,
        "approval": _approval_json(step.approval),
        "cost": _cost_json(view, name),
        "attempts": [_attempt_json(attempt) for attempt in _attempts(view, name)],
        "artifacts": [
            {"attempt": kept.attempt, **data_of(kept.artifact), "rolled_back": kept.rolled_back}
            for kept in kept_files(view, step=name)
        ],
    }


def lines(view: RunView, name: StepName) -> Iterator[str]:
    """The page for people."""
    step, spec = view.state.steps[name], view.plan.step(name)
    status = step.status.value
    yield f"step {safe(name)} of run {view.run}  {paint(status, style_of(status), 'bold')}  {what_words(step)}".rstrip()
    yield from fact_lines(
        {
            "tool": spec.tool,
            "needs": ", ".join(spec.needs),
            "inputs": f"sha256 {step.inputs_digest}" if step.inputs_digest else "",
            "outputs": values_words(step.outputs),
            "error": f"[{step.error.code}] {step.error.message}" if step.error else "",
            "hint": step.error.hint if step.error else "",
            "asked": step.approval.question if step.approval else "",
            "answered": _answer_words(step),
            "cost": _cost_words(view, name),
            "log": f"nofx logs {view.run} {name}" if step.attempt else "",
        }
    )
    attempts = _attempts(view, name)
    if attempts:
        yield ""
    for attempt in attempts:
        yield _attempt_line(attempt)
    for kept in kept_files(view, step=name):
        file, back = kept.artifact, ", rolled back" if kept.rolled_back else ""
        yield f"artifact #{kept.attempt}{back}  {safe(file.name)}  {file.size} bytes  {safe(file.digest)}"


def _attempts(view: RunView, name: StepName) -> list[_Attempt]:
    found: list[_Attempt] = []
    counting = {event.seq for event in view.counting}
    for event in view.events:
        if event.step != name:
            continue
        left_out = event.seq not in counting
        if isinstance(event.payload, ev.StepStarted):
            found.append(_Attempt(event.attempt or 0, event, rolled_back=left_out))
        elif isinstance(event.payload, _ENDS) and (open_one := _open_one(found, event, left_out=left_out)):
            open_one.ended = event
    return found


def _open_one(found: list[_Attempt], end: ev.Event, *, left_out: bool) -> _Attempt | None:
    """The attempt that an event ends: of one that counts, only an end that counts is its own."""
    last = next((one for one in reversed(found) if end.attempt in (None, one.number)), None)
    return last if last is not None and last.ended is None and last.rolled_back == left_out else None


def _attempt_line(attempt: _Attempt) -> str:
    began = local_date_time(attempt.started.at)
    back = ", rolled back" if attempt.rolled_back else ""
    if attempt.ended is None:
        return f"attempt {attempt.number}{back}  {began}  not ended"
    kind = attempt.ended.type.partition(".")[2]
    return f"attempt {attempt.number}{back}  {began}  {kind}: {said(attempt.ended)}"


def _attempt_json(attempt: _Attempt) -> dict[str, JsonValue]:
    end = attempt.ended
    took = getattr(end.payload, "duration_ms", 0) if end else 0
    error = getattr(end.payload, "error", None) if end else None
    return {
        "attempt": attempt.number,
        "started_at": attempt.started.at,
        "ended_at": end.at if end else None,
        "ended_with": end.type if end else None,
        "duration_ms": took,
        "error": _error_json(error),
        "rolled_back": attempt.rolled_back,
    }


def _cost_words(view: RunView, name: StepName) -> str:
    bill = bills_of(view).get(name)
    if bill is None:
        return ""
    from nofx_cli.cli.render.cost_view import summary

    return summary(bill)


def _cost_json(view: RunView, name: StepName) -> JsonValue:
    bill = bills_of(view).get(name)
    if bill is None:
        return None
    from nofx_cli.cli.render.cost_view import bill_json

    return bill_json(bill)


def _error_json(error: StepError | None) -> JsonValue:
    return {"code": error.code, "message": error.message, "hint": error.hint} if error else None


def _approval_json(asked: Approval | None) -> JsonValue:
    if asked is None:
        return None
    return {
        "question": asked.question,
        "reason": asked.reason.value,
        "digest": asked.digest,
        "decision": asked.decision,
        "by": asked.by.id if asked.by else None,
        "at": asked.at or None,
        "note": asked.note,
    }


def _answer_words(step: StepState) -> str:
    asked = step.approval
    if asked is None or asked.decision is None:
        return ""
    who = asked.by.id if asked.by else "somebody"
    return f"{asked.decision} by {who} at {local_date_time(asked.at)}" + (f": {asked.note}" if asked.note else "")
