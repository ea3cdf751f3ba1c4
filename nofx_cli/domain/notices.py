"""What is told of an event: JSON for programs, words for people. Pure."""

import json
import re
from collections.abc import Mapping

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId, StepName

TEST_EVENT, MESSAGE = "nofx.test", "step.message"
"""Types of notices that are of no event."""
_CALLS_ALL = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)
"""What Mattermost and Discord take as a call to everybody there."""
_TEXT_LIMIT = 2_500
"""Of one block; Slack takes 3,000 characters."""
_STATUS: Mapping[str, str] = {
    "run.created": "queued",
    "run.started": "running",
    "run.resumed": "running",
    "run.waiting": "waiting",
    "run.succeeded": "succeeded",
    "run.failed": "failed",
    "run.cancelled": "cancelled",
}


def notice_of(event: ev.Event, created: ev.RunCreated) -> JsonObject:
    """What is told of an event. `id` is the same whenever it is told."""
    hint, next_command = _way_on(event)
    return {
        "id": f"{event.run}:{event.seq}",
        "type": event.type,
        "run": event.run,
        "seq": event.seq,
        "at": event.at,
        "plan": created.plan_name,
        "goal": created.goal,
        "step": event.step,
        "attempt": event.attempt,
        "actor": {"kind": event.actor.kind, "id": event.actor.id},
        "status": _status_after(event),
        "text": _words(event, created.plan_name),
        "hint": hint,
        "next": next_command,
        "data": _data(event),
    }


def test_notice(target: str, *, at: str, chance: str) -> JsonObject:
    """What is told to see that a target can be told."""
    return {
        "id": f"test:{chance}",
        "type": TEST_EVENT,
        "at": at,
        "text": f"nofx can tell {target} of events",
        "next": "",
    }


def message_notice(text: str, *, key: str, run: RunId, step: StepName, at: str) -> JsonObject:
    """What a step of the tool `notify` says."""
    return {"id": key, "type": MESSAGE, "run": run, "step": step, "at": at, "text": text, "next": ""}


def slack_of(notice: JsonObject) -> JsonObject:
    """A notice as Slack, and what is compatible with it, take it."""
    text = _escaped(str(notice["text"]))
    blocks: list[JsonValue] = [_section(text)]
    if notice.get("next"):
        blocks.append(_section(f"`{_escaped(str(notice['next']))}`"))
    about = [str(notice[name]) for name in ("goal", "run", "at") if notice.get(name)]
    if about:
        said = _escaped(" · ".join(about))[:_TEXT_LIMIT]
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": said}]})
    return {"text": text[:_TEXT_LIMIT], "blocks": blocks}


def _section(text: str) -> JsonObject:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_TEXT_LIMIT]}}


def _escaped(text: str) -> str:
    """As it stands: no link, and nobody is called, neither in Slack nor in what takes the same (`@channel`)."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CALLS_ALL.sub("@\u200b", escaped)


def _data(event: ev.Event) -> JsonValue:
    """The event's data as the journal has it: masked."""
    data: JsonValue = json.loads(event.line).get("data", {})
    return data


def _status_after(event: ev.Event) -> str:
    if isinstance(event.payload, ev.RunRolledBack):
        return event.payload.status
    return _STATUS.get(event.type, "")


def _words(event: ev.Event, plan: str) -> str:
    who = f"{plan or 'run'} ({event.run})"
    match event.payload:
        case ev.RunWaiting(steps=steps):
            return f"{who} waits for a person: {', '.join(steps)}"
        case ev.RunSucceeded():
            return f"{who} succeeded"
        case ev.RunFailed(step=step, error=error):
            return f"{who} failed: {step}: {error.message}" if step else f"{who} failed"
        case ev.RunCancelled(reason=reason):
            return f"{who} was cancelled" + (f": {reason}" if reason else "")
        case ev.ApprovalRequested(question=question):
            return f"{who} asks about {event.step}: {question}"
        case ev.ApprovalGranted(note=note) | ev.ApprovalRejected(note=note) | ev.ApprovalWaived(note=note):
            did = event.type.partition(".")[2]
            return f"{who}: {event.step} was {did} by {event.actor.id}" + (f": {note}" if note else "")
        case _:
            return f"{who}: {event.type}" + (f" {event.step}" if event.step else "")


def _way_on(event: ev.Event) -> tuple[str, str]:
    """What mends it, and what to type next; empty where nothing is."""
    run: RunId = event.run
    match event.payload:
        case ev.RunFailed(error=error, next=command):
            return error.hint, command or f"nofx retry {run}"
        case ev.RunWaiting(steps=steps) if steps:
            return "", f"nofx approve {steps[0]} --run {run}"
        case ev.ApprovalRequested() | ev.ApprovalStale():
            return "", f"nofx approve {event.step} --run {run}"
        case ev.RunCancelled():
            return "", f"nofx retry {run}"
        case _:
            return "", ""
