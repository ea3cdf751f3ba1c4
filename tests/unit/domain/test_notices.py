"""What is told of an event: stable fields for programs, words and the next command for people."""

import json
from typing import Any

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head, encode_batch
from nofx_cli.domain.events import Actor, Draft, Event, RunCreated
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.notices import message_notice, notice_of, slack_of
from nofx_cli.domain.outcome import StepError

RUN, AT = RunId("20260101-120000-aaaaaa"), "2026-01-01T12:00:00.000000Z"
CREATED = RunCreated(plan_name="ship", goal="Ship it")


def _event(payload: ev.Payload, step: str = "") -> Event:
    name = StepName(step) if step else None
    drafts = [Draft(payload, name, 1 if step else None)]
    [event], _ = encode_batch(drafts, run=RUN, head=Head(6, "f" * 64), at=AT, actor=Actor("user", "ada"), mask=None)
    return event


def _notice(payload: ev.Payload, step: str = "") -> dict[str, Any]:
    return dict(notice_of(_event(payload, step), CREATED))


def test_the_fields_of_a_notice() -> None:
    failed = ev.RunFailed("pr", 2, StepError("http-status", "refused", "look"), f"nofx retry {RUN} --from pr", 5)
    notice = _notice(failed)
    data = notice.pop("data")
    assert notice == {
        "id": f"{RUN}:7",
        "type": "run.failed",
        "run": RUN,
        "seq": 7,
        "at": AT,
        "plan": "ship",
        "goal": "Ship it",
        "step": None,
        "attempt": None,
        "actor": {"kind": "user", "id": "ada"},
        "status": "failed",
        "text": f"ship ({RUN}) failed: pr: refused",
        "hint": "look",
        "next": f"nofx retry {RUN} --from pr",
    }
    assert data["error"] == {"code": "http-status", "message": "refused", "hint": "look"}


@pytest.mark.parametrize(
    ("payload", "step", "text", "way_on", "status"),
    [
        (ev.RunWaiting(("a", "b")), "", f"ship ({RUN}) waits for a person: a, b", f"nofx approve a --run {RUN}",
         "waiting"),
        (ev.RunSucceeded(), "", f"ship ({RUN}) succeeded", "", "succeeded"),
        (ev.RunCancelled("too late"), "", f"ship ({RUN}) was cancelled: too late", f"nofx retry {RUN}", "cancelled"),
        (ev.ApprovalRequested("d", "Right?"), "ok", f"ship ({RUN}) asks about ok: Right?",
         f"nofx approve ok --run {RUN}", ""),
        (ev.ApprovalGranted("d", "seen"), "ok", f"ship ({RUN}): ok was granted by ada: seen", "", ""),
        (ev.ApprovalRejected("d"), "ok", f"ship ({RUN}): ok was rejected by ada", "", ""),
        (ev.RunRolledBack(3, "why", "running"), "", f"ship ({RUN}): run.rolled_back", "", "running"),
        (ev.StepEnqueued(), "ok", f"ship ({RUN}): step.enqueued ok", "", ""),
    ],
)  # fmt: skip
def test_the_words_of_an_event(payload: ev.Payload, step: str, text: str, way_on: str, status: str) -> None:
    notice = _notice(payload, step)
    assert (notice["text"], notice["next"], notice["status"]) == (text, way_on, status)


def test_what_slack_gets_is_escaped_and_short_enough() -> None:
    text = "<!channel> & " + "x" * 4000
    body: Any = slack_of(message_notice(text, key="k", run=RUN, step=StepName("say"), at=AT))
    assert body["text"].startswith("&lt;!channel&gt; &amp; xxx")
    assert len(body["blocks"][0]["text"]["text"]) <= 3000
    assert body["blocks"][-1]["elements"][0]["text"] == f"{RUN} · {AT}"


@pytest.mark.parametrize("who", ["channel", "here", "all", "everyone", "Everyone"])
def test_no_text_calls_everybody(who: str) -> None:
    body: Any = slack_of(message_notice(f"mail a@{who}.org @{who}!", key="k", run=RUN, step=StepName("say"), at=AT))
    assert f"@{who}" not in json.dumps(body, ensure_ascii=False)
    assert f"@\u200b{who}!" in body["text"]


def test_slack_shows_what_to_type() -> None:
    body: Any = slack_of(_notice(ev.RunWaiting(("a",))))
    assert body["blocks"][1]["text"]["text"] == f"`nofx approve a --run {RUN}`"
