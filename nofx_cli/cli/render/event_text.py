"""One line an event: when, where, what, by whom, and what its payload says."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from nofx_cli.cli.live.telling import counts_words, skip_words
from nofx_cli.cli.output import paint, safe
from nofx_cli.clock import parse_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.payload_data import data_of
from nofx_cli.domain.wording import counted, dollars
from nofx_cli.safety.identity import parse_worker_id

_SHORT = 12
_LONGEST = 300
_STYLES = {
    "run.succeeded": "green", "run.failed": "red", "run.cancelled": "red", "run.waiting": "yellow",
    "step.interrupted": "yellow", "step.retry_scheduled": "yellow", "step.skipped": "dim", "step.dead_lettered": "red",
    "approval.requested": "yellow", "approval.granted": "green", "approval.rejected": "red", "approval.stale": "yellow",
    "policy.denied": "red", "budget.exceeded": "red", "worker.lost": "yellow", "journal.repaired": "yellow",
    "effect.unknown": "red", "run.rolled_back": "yellow",
}  # fmt: skip


def event_line(event: ev.Event) -> str:
    """The whole line; the time is local."""
    where = safe(event.step or "run") + (f"#{event.attempt}" if event.attempt else "")
    who = safe(_who(event.actor))
    kind = safe(event.type)
    told = paint(f"{kind:<20}", *_style(event))
    line = f"{paint(local_time(event.at), 'dim')} {event.seq:>4} {told} {where:<16} {paint(f'{who:<12}', 'dim')}"
    return f"{line} {said(event)}".rstrip()


def _who(actor: ev.Actor) -> str:
    """Of a worker only the number of its process; its id, which holds the host too, is long."""
    worker = parse_worker_id(actor.id) if actor.kind == "worker" else None
    return f"{actor.kind}:{worker.pid if worker else actor.id}"


def local_time(at: str) -> str:
    """The local time of day of an event, to the millisecond; the text as it is where it is no instant."""
    try:
        at_us = parse_at(at)
    except ValueError:
        return safe(at)
    return time.strftime("%H:%M:%S", time.localtime(at_us // 1_000_000)) + f".{at_us // 1000 % 1000:03d}"


def local_date_time(at: str) -> str:
    """The local date and time of an event, to the second; empty for an empty text."""
    if not at:
        return ""
    try:
        at_us = parse_at(at)
    except ValueError:
        return safe(at)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_us // 1_000_000))


def said(event: ev.Event) -> str:
    """What the payload says, on one line. An event of an unknown type is shown with its data as they are."""
    say = SAYINGS.get(type(event.payload))
    if say is None or event.v > ev.EVENT_VERSION:
        return safe(_cut(json.dumps(data_of(event.payload), ensure_ascii=False, default=dict)))
    return safe(_cut(say(event.payload)))


def _style(event: ev.Event) -> tuple[str, ...]:
    payload = event.payload
    if isinstance(payload, ev.StepFinished):
        return ("green",) if payload.status == "succeeded" else ("red",)
    if isinstance(payload, ev.GateEvaluated):
        quiet = {"passed": "green", "skipped": "dim"}.get(payload.verdict)
        return (quiet or ("yellow" if payload.severity == "warning" else "red"),)
    style = _STYLES.get(event.type)
    return (style,) if style else ()


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _failure(error: StepError | None) -> str:
    if error is None:
        return ""
    return f"[{error.code}] {error.message}" + (f" ({error.hint})" if error.hint else "")


def _names(values: JsonObject) -> str:
    return " ".join(f"{name}={json.dumps(value, ensure_ascii=False, default=dict)}" for name, value in values.items())


def _process(executor: JsonObject) -> str:
    return f"process {executor['pid']} on {executor.get('host', '?')}" if "pid" in executor else ""


def _created(said: ev.RunCreated) -> str:
    made = f"{said.origin.get('kind')} of {said.origin['run']}" if said.origin.get("run") else ""
    commit = str(said.workspace.get("commit") or "")[:_SHORT]
    dirty = " (dirty)" if said.workspace.get("dirty") else ""
    on = f"on {commit}" + ("" if said.workspace.get("tree") else dirty) if commit else ""
    on = f"in a worktree {on}".rstrip() if said.workspace.get("tree") else on
    plan = f"plan {said.plan_name or '?'} {said.plan_digest[:_SHORT]}"
    return _listed(plan, counted(said.steps, "step"), _names(said.params), made, on, said.goal)


def _ended_well(said: ev.RunSucceeded) -> str:
    return _listed(f"in {format_duration(said.duration_ms)}", counts_words(said.steps))


def _ended_badly(said: ev.RunFailed) -> str:
    what = f"{said.step} failed: {_failure(said.error)}" if said.step else _failure(said.error)
    return _listed(f"in {format_duration(said.duration_ms)}", counts_words(said.steps), what, f"next: {said.next}")


def _step_ended(said: ev.StepFinished) -> str:
    head = f"{said.status} in {format_duration(said.duration_ms)}"
    return _listed(head, _names(said.outputs)) + (f": {_failure(said.error)}" if said.error else "")


def _again(said: ev.StepRetryScheduled) -> str:
    return f"again in {format_duration(said.delay_ms)}: {_failure(said.error)}"


def _cut_off(said: ev.StepInterrupted) -> str:
    return _listed(said.reason, "it runs again" if said.rerun else "a person decides whether it runs again")


def _answer(said: ev.ApprovalGranted | ev.ApprovalRejected | ev.ApprovalWaived) -> str:
    return _listed(said.note, said.digest[:_SHORT])


def _effect(said: ev.EffectIntended | ev.EffectDone | ev.EffectUnknown) -> str:
    more = _names(said.result) if isinstance(said, ev.EffectDone) else ""
    known = said.known if isinstance(said, ev.EffectUnknown) else ""
    return _listed(f"{said.kind} {said.target}", more, known)


def _gate(said: ev.GateEvaluated) -> str:
    warning = "warning" if said.severity == "warning" and said.verdict != "passed" else ""
    head = _listed(f"{said.gate} {said.verdict}", warning, counts_words(said.counts))
    return head + (f": {said.summary}" if said.summary else "")


def _artifact(said: ev.ArtifactCreated) -> str:
    return _listed(f"{said.name} {said.digest[:_SHORT]}", f"{said.size} bytes", said.media_type)


def _asked(said: ev.LlmRequested) -> str:
    most = f"at most {_dollars(said.reserved_usd)}" if said.reserved_usd else "of unknown price"
    return _listed(f"{said.model} {said.digest[:_SHORT]}", most)


def _answered(said: ev.LlmResponded) -> str:
    head = f"{said.model} {said.digest[:_SHORT]}"
    if said.archived:
        return _listed(head, "from the archive")
    cost = "cost unknown" if said.cost_usd is None else _dollars(str(said.cost_usd))
    return _listed(head, _names(said.usage), cost) + (f": {said.error}" if said.error else "")


def _held_up(said: ev.BudgetExceeded) -> str:
    tell = _dollars if said.budget.endswith(".usd") else str
    spent = f"{tell(said.spent)} spent or reserved" if said.spent else ""
    return f"{said.budget}: " + _listed(f"the limit is {tell(said.limit)}", spent, f"{tell(said.needed)} needed")


def _dollars(amount: str) -> str:
    from decimal import Decimal, InvalidOperation

    try:
        return dollars(Decimal(amount))
    except InvalidOperation:
        return amount


Saying: TypeAlias = Callable[[Any], str]

SAYINGS: Mapping[type[ev.Payload], Saying] = {
    ev.RunCreated: _created,
    ev.RunStarted: lambda said: _process(said.executor),
    ev.RunWaiting: lambda said: f"for an answer to {', '.join(map(str, said.steps))}",
    ev.RunResumed: lambda said: _listed(said.reason, _process(said.executor)),
    ev.RunSucceeded: _ended_well,
    ev.RunFailed: _ended_badly,
    ev.RunCancelled: lambda said: said.reason,
    ev.RunRolledBack: lambda said: _listed(f"to the state after event {said.to_seq}", said.reason),
    ev.StepEnqueued: lambda _: "",
    ev.StepStarted: lambda said: _listed(said.tool, f"inputs {said.inputs_digest[:_SHORT]}"),
    ev.StepFinished: _step_ended,
    ev.StepSkipped: lambda said: skip_words(said.reason, said.cause),
    ev.StepRetryScheduled: _again,
    ev.StepInterrupted: _cut_off,
    ev.StepDeadLettered: lambda said: said.reason,
    ev.StepReset: lambda said: said.reason,
    ev.ApprovalRequested: lambda said: _listed(said.question, said.reason.value, said.digest[:_SHORT]),
    ev.ApprovalGranted: _answer,
    ev.ApprovalRejected: _answer,
    ev.ApprovalWaived: _answer,
    ev.ApprovalStale: lambda said: f"shown was {said.shown[:_SHORT]}, now it would be {said.found[:_SHORT]}",
    ev.EffectIntended: _effect,
    ev.EffectDone: _effect,
    ev.EffectUnknown: _effect,
    ev.GateEvaluated: _gate,
    ev.ArtifactCreated: _artifact,
    ev.LlmRequested: _asked,
    ev.LlmResponded: _answered,
    ev.BudgetExceeded: _held_up,
    ev.PolicyDenied: lambda said: _listed(said.message, f"{said.rule} in {said.source}"),
    ev.QueueBackpressure: lambda said: f"{said.age_ms} ms behind, new jobs wait {said.delay_ms} ms",
    ev.WorkerLost: lambda said: f"process {said.pid} on {said.host} is gone",
    ev.JournalRepaired: lambda said: f"{said.bytes} bytes of a half-written batch were cut off, kept in {said.kept}",
    ev.SnapshotTaken: lambda said: _listed(said.tree[:_SHORT], said.ref, said.path, said.digest[:_SHORT]),
}
