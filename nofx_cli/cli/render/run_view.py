"""A run as a whole: what it is, how its steps stand, what it left, and what to type next."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nofx_cli.cli import result
from nofx_cli.cli.live.telling import (
    error_words,
    findings_lines,
    gate_words,
    next_commands,
    skip_words,
    verdict_word,
    waiting_steps,
)
from nofx_cli.cli.output import columns, paint, safe, shorten, width
from nofx_cli.cli.render.event_text import local_date_time
from nofx_cli.cli.render.status import style_of
from nofx_cli.clock import Clock, format_at, parse_at
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.effects import KnownEffect
from nofx_cli.domain.events import RunRolledBack
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.ids import JsonObject, JsonValue, StepName
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepState, StepStatus
from nofx_cli.domain.wording import counted
from nofx_cli.engine.kept_files import kept_files
from nofx_cli.engine.list_runs import INTERRUPTED
from nofx_cli.engine.view_run import RunView, bills_of
from nofx_cli.engine.worktree import is_worktree

if TYPE_CHECKING:
    from nofx_cli.domain.spending import Bill

_SHORT = 12
_GONE = "the process that executed it is gone"
_SHOWN_FINDINGS = 20
_NO_FINDINGS: Mapping[StepName, Sequence[Finding]] = {}
_STEPS_HEAD = ("STEP", "STATUS", "TRY", "TOOK", "TOOL")


def as_json(view: RunView) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    state, created = view.state, view.state.created
    first = view.events[0] if view.events else None
    return {
        **result.as_json(state),
        "live": view.holder is not None,
        "queued": view.queued,
        "executor": dict(state.executor) or None,
        "plan": {"name": created.plan_name if created else "", "digest": created.plan_digest if created else ""},
        "plan_fault": view.plan_fault or None,
        "goal": created.goal if created else "",
        "params": dict(created.params) if created else {},
        "workspace": dict(created.workspace) if created else {},
        "origin": dict(created.origin) if created else {},
        "idempotency_key": (created.idempotency_key or None) if created else None,
        "nofx": created.nofx if created else "",
        "actor": {"kind": first.actor.kind, "id": first.actor.id} if first else None,
        "created_at": state.created_at or None,
        "started_at": state.started_at or None,
        "ended_at": state.ended_at or None,
        "cancel_reason": state.cancel_reason or None,
        "rolled_back": _rolled_back_json(view),
        "artifacts": [
            {
                "step": kept.step,
                "attempt": kept.attempt,
                "name": kept.artifact.name,
                "size": kept.artifact.size,
                "media_type": kept.artifact.media_type,
                "digest": kept.artifact.digest,
                "path": kept.artifact.path,
                "rolled_back": kept.rolled_back,
            }
            for kept in kept_files(view)
        ],
        "effects": _effects_json(view),
        "cost": _cost_json(bills_of(view)),
        "next": list(commands(view)),
        "head": {"seq": view.head.seq, "digest": view.head.digest},
    }


def lines(
    view: RunView, *, clock: Clock, terminal_width: int, findings: Mapping[StepName, Sequence[Finding]] = _NO_FINDINGS
) -> Iterator[str]:
    """The page for people; `findings` are those of failed gates."""
    yield from head_lines(view, clock=clock)
    yield ""
    yield from _steps(view, clock=clock, terminal_width=terminal_width)
    yield from _artifacts(view)
    yield from _effects(view)
    yield from _findings(view, findings)
    yield from _troubles(view)
    typed = list(commands(view))
    if typed:
        yield ""
        yield from (f"next: {safe(command)}" for command in typed)


def head_lines(view: RunView, *, clock: Clock) -> Iterator[str]:
    """What the run is, when it was made and by whom."""
    state, created = view.state, view.state.created
    status = INTERRUPTED if view.interrupted else state.status.value
    yield f"run {view.run}  {paint(status, style_of(status), 'bold')}{_took(view, clock)}"
    if created is None or not view.events:
        return
    made = f"{local_date_time(state.created_at)} by {view.events[0].actor.kind}:{view.events[0].actor.id}"
    facts = {
        "goal": created.goal,
        "plan": f"{created.plan_name} {created.plan_digest[:_SHORT]}, {counted(created.steps, 'step')}",
        "params": values_words(created.params),
        "workspace": workspace_words(created.workspace),
        "origin": f"{created.origin.get('kind')} of {created.origin['run']}" if created.origin.get("run") else "",
        "made": f"{made}, nofx {created.nofx}",
        "started": local_date_time(state.started_at),
        "ended": local_date_time(state.ended_at),
        "rolled back": _rolled_back_words(view),
        "executor": view.holder.who if view.holder else "none; a job of it waits in the queue" if view.queued else "",
        "cost": _cost_words(bills_of(view)),
        "key": created.idempotency_key,
        "head": f"{view.head.seq}:{view.head.digest}",
        "note": f"the plan cannot be read any more: {view.plan_fault.splitlines()[0]}" if view.plan_fault else "",
    }
    yield from fact_lines(facts)


def _rolled_back_words(view: RunView) -> str:
    told = view.rolled_back
    if told is None or not isinstance(told.payload, RunRolledBack):
        return ""
    by = f"to event {told.payload.to_seq} by {told.actor.kind}:{told.actor.id} at {local_date_time(told.at)}"
    return by + (f": {told.payload.reason}" if told.payload.reason else "")


def _rolled_back_json(view: RunView) -> JsonValue:
    told = view.rolled_back
    if told is None or not isinstance(told.payload, RunRolledBack):
        return None
    by: JsonValue = {"kind": told.actor.kind, "id": told.actor.id}
    said = told.payload
    return {"seq": told.seq, "to_seq": said.to_seq, "at": told.at, "by": by, "reason": said.reason or None}


def fact_lines(facts: dict[str, str]) -> Iterator[str]:
    """Names and values below each other; empty ones are left out."""
    wide = max((len(name) for name, value in facts.items() if value), default=0)
    for name, value in facts.items():
        if value:
            yield f"  {paint(name.ljust(wide), 'dim')}  {safe(value)}"


def values_words(values: JsonObject) -> str:
    """Parameters or outputs on one line."""
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False, default=dict)}" for name, value in values.items())


def workspace_words(workspace: JsonObject) -> str:
    """The folder, its commit, and whether it differed from that; or the worktree that was made from the commit."""
    commit = str(workspace.get("commit") or "")[:_SHORT]
    branch = str(workspace.get("branch") or "")
    at = f" at {commit}" + (f" ({branch})" if branch else "") if commit else ""
    folder = str(workspace.get("path") or "") + at
    if is_worktree(workspace):
        return f"{folder}, in {workspace.get('tree')}"
    return folder + (", with changes" if workspace.get("dirty") else "")


def commands(view: RunView) -> Iterator[str]:
    """What to type next; nothing while the run goes on or when it succeeded."""
    state = view.state
    if state.status is RunStatus.RUNNING and (view.holder is not None or view.queued):
        yield from (f"nofx approve {step.name} --run {view.run}" for step in waiting_steps(state))
        return
    if state.status is RunStatus.QUEUED and (view.holder is not None or view.queued):
        return
    yield from next_commands(state, view.run)


def _took(view: RunView, clock: Clock) -> str:
    state = view.state
    if state.ended:
        return f" in {format_duration(state.duration_ms)}" if state.started_at else ""
    if not state.started_at or view.interrupted:
        return ""
    return f" for {format_duration((clock.now_us() - parse_at(state.started_at)) // 1000)}"


def _steps(view: RunView, *, clock: Clock, terminal_width: int) -> Iterator[str]:
    costs = _cost_cells(bills_of(view))
    head = (*_STEPS_HEAD, "COST", "") if costs else (*_STEPS_HEAD, "")
    rows = [head, *(_row(view, step, clock, costs) for step in view.state.steps.values())]
    last = len(head) - 1
    if terminal_width:
        left = terminal_width - sum(max(width(row[at]) for row in rows) + 2 for at in range(last))
        rows = [(*row[:last], shorten(row[last], max(left, 20))) for row in rows]
    plain = ("",) * (last - 1)
    styles = [("dim",) * len(head), *(("", style_of(step.status.value), *plain) for step in view.state.steps.values())]
    yield from columns(rows, styles=styles)


def _row(view: RunView, step: StepState, clock: Clock, costs: Mapping[str, str]) -> tuple[str, ...]:
    ms = step.duration_ms
    if step.status is StepStatus.RUNNING and view.holder is not None:
        ms = (clock.now_us() - parse_at(step.started_at)) // 1000
    took = format_duration(ms) if ms or step.status is StepStatus.SUCCEEDED else ""
    cost = (costs.get(step.name, ""),) if costs else ()
    tool = view.plan.steps[step.place].tool
    return (safe(step.name), step.status.value, str(step.attempt or ""), took, safe(tool), *cost, what_words(step))


def _cost_words(bills: "Mapping[str, Bill]") -> str:
    if not bills:
        return ""
    from nofx_cli.cli.render.cost_view import summary

    return summary(_sum_of(bills))


def _cost_cells(bills: "Mapping[str, Bill]") -> Mapping[str, str]:
    if not bills:
        return {}
    from nofx_cli.cli.render.cost_view import cost_cell

    return {step: cost_cell(bill) for step, bill in bills.items()}


def _cost_json(bills: "Mapping[str, Bill]") -> JsonValue:
    if not bills:
        return None
    from nofx_cli.cli.render.cost_view import bill_json

    return {**bill_json(_sum_of(bills)), "steps": {step: bill_json(bill) for step, bill in bills.items()}}


def _sum_of(bills: "Mapping[str, Bill]") -> "Bill":
    first, *others = bills.values()
    return sum(others, first)


def what_words(step: StepState) -> str:
    """What there is to say of a step: the gate's verdict, the error, why it was skipped, what it waits for."""
    if step.status is StepStatus.SKIPPED:
        return skip_words(step.skip_reason, step.cause)
    gate = f"{verdict_word(step.gate)}: {gate_words(step.gate)}" if step.gate else ""
    if step.status is StepStatus.WAITING and step.approval is not None:
        return safe(step.approval.question)
    if step.status is StepStatus.QUEUED and step.error is not None:
        return f"tries again at {local_date_time(format_at(step.due_us))[11:]}: {error_words(step.error)}"
    if step.status is StepStatus.FAILED and step.error is not None and not gate:
        return f"[{safe(step.error.code)}] {error_words(step.error)}"
    return gate


def _artifacts(view: RunView) -> Iterator[str]:
    kept = [file for file in kept_files(view) if not file.rolled_back]
    if not kept:
        return
    yield ""
    rows = [("ARTIFACT", "STEP", "BYTES", "SHA-256")]
    rows += [
        (safe(k.artifact.name), safe(f"{k.step}#{k.attempt}"), str(k.artifact.size), safe(k.artifact.digest[:_SHORT]))
        for k in kept
    ]
    yield from columns(rows, styles=[("dim",) * 4, *([("",) * 4] * len(kept))])


def _effects_of(view: RunView) -> list[tuple[StepName, KnownEffect]]:
    return [(step.name, effect) for step in view.state.steps.values() for effect in step.effects.values()]


def _effects_json(view: RunView) -> JsonValue:
    if not (found := _effects_of(view)):
        return []
    from nofx_cli.cli.render.effects_view import effects_json

    return effects_json(found)


def _effects(view: RunView) -> Iterator[str]:
    if not (found := _effects_of(view)):
        return
    from nofx_cli.cli.render.effects_view import effects_lines

    yield ""
    yield from effects_lines(found)


def _findings(view: RunView, findings: Mapping[StepName, Sequence[Finding]]) -> Iterator[str]:
    for step, found in findings.items():
        if not found:
            continue
        yield ""
        yield f"{paint(safe(step), 'bold')}  {what_words(view.state.steps[step])}"
        yield from (f"  {line}" for line in findings_lines(found, view.run, limit=_SHOWN_FINDINGS))


def _troubles(view: RunView) -> Iterator[str]:
    state = view.state
    asked = waiting_steps(state)
    if asked:
        yield ""
    for step in asked:
        question = safe(step.approval.question) if step.approval else ""
        yield f"{paint('waits', 'yellow')}: {safe(step.name)}: {question}"
    if state.failure is not None:
        error = state.failure.error
        attempt = f"#{state.failure.attempt}" if state.failure.attempt else ""
        where = safe(state.failure.step) + attempt
        yield ""
        yield f"{paint('failed', 'red')}: {where}: [{safe(error.code)}] {safe(error.message)}"
        if error.hint:
            yield f"  hint: {safe(error.hint)}"
    if state.status is RunStatus.CANCELLED:
        yield ""
        yield f"{paint('cancelled', 'red')}: {safe(state.cancel_reason)}"
    if view.interrupted:
        why = "it was rolled back, and nobody has gone on with it" if state.set_back else _GONE
        yield ""
        yield f"{paint(INTERRUPTED, 'magenta')}: {why}"
