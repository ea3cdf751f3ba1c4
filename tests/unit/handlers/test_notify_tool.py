"""`notify`: one message to a target, as an effect."""

import json
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.effects import Intent, NotDone
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.domain.outcome import Failed, Succeeded
from nofx_cli.domain.signature import verify_signature
from nofx_cli.handlers.notify import Notify
from nofx_cli.testing import FakeContext
from tests.webhook_server import DROP, Answer, WebServer

SECRETS = {"KEY": "k3y"}


def _context(
    folder: Path, *, target: str = "team", secrets: dict[str, str] | None = None, **inputs: Any
) -> FakeContext:
    given = {"target": target, "text": "it is out", **inputs}
    return FakeContext(folder, inputs=given, tool="notify", secrets=SECRETS if secrets is None else secrets)


def _handler(url: str = "https://x.example/y", **wishes: Any) -> Notify:
    return Notify({"team": NotifyTarget("team", url, **wishes)})


def test_a_message_is_said_signed_and_on_record(tmp_path: Path) -> None:
    with WebServer() as server:
        ctx = _context(tmp_path)
        outcome = _handler(f"{server.url}/hook", secret="hooks/KEY").run(ctx)
    assert outcome == Succeeded({"target": "team", "status": 200})
    [request], [effect] = server.requests, ctx.effects
    assert (effect.intent.kind, effect.intent.target, effect.result) == ("notify", "team", outcome.outputs)
    body = json.loads(request.body)
    assert (body["type"], body["text"], body["id"]) == ("step.message", "it is out", ctx.idempotency_key)
    stamp, signature = request.headers["x-nofx-timestamp"], request.headers["x-nofx-signature"]
    assert verify_signature("k3y", signature, timestamp=stamp, body=request.body, now=float(stamp))
    assert ctx.asked == [("host", f"{server.url}/hook")]


def test_slack_gets_what_it_takes_at_an_address_that_is_a_secret(tmp_path: Path) -> None:
    with WebServer() as server:
        ctx = _context(tmp_path, secrets={"URL": f"{server.url}/s3cr3t\n"})
        handler = _handler("slack/URL", format="slack")
        shown, outcome = handler.preview(ctx), handler.run(ctx)
    assert json.loads(server.requests[0].body)["text"] == "it is out"
    assert shown == {"target": "team", "url": "secret slack/URL", "format": "slack", "text": "it is out"}
    assert "s3cr3t" not in repr([outcome, ctx.logged, ctx.effects[0].intent])


def test_what_was_said_is_not_said_again(tmp_path: Path) -> None:
    ctx = _context(tmp_path)
    ctx.made = {("notify", "team"): {"target": "team", "status": 200}}
    assert _handler().run(ctx) == Succeeded({"target": "team", "status": 200})


@pytest.mark.parametrize(("answer", "retryable"), [(DROP, True), (Answer(500), True), (Answer(404), False)])
def test_what_was_not_taken_is_a_failure(tmp_path: Path, answer: Answer | str, *, retryable: bool) -> None:
    with WebServer(answer) as server:
        ctx = _context(tmp_path)
        outcome = _handler(f"{server.url}/s3cr3t").run(ctx)
    assert isinstance(outcome, Failed)
    assert (outcome.retryable, outcome.error.hint) == (retryable, "nofx notify test team")
    assert "s3cr3t" not in outcome.error.message
    assert ctx.effects[0].result is None
    assert _handler().reconcile(ctx, Intent("notify", "team", "d")) == NotDone()


def test_a_secret_that_the_step_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="needs the secret hooks/KEY") as told:
        _handler(secret="hooks/KEY").run(_context(tmp_path, secrets={}))
    assert told.value.hint == "write into the step: secrets_scope: hooks"


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"target": "tem", "text": "x"}, "`target`: tem is no target of nofx.yaml; did you mean team?"),
        ({"target": "ops", "text": "x"}, "`target`: ops is no target of nofx.yaml; there are team"),
        ({"target": "team", "text": " "}, "`text` is empty"),
        ({"target": "team"}, "`text` is missing"),
        ({"target": "team", "text": "x", "title": "y"}, "`title` is not an input of this tool"),
    ],
)
def test_what_is_wrong_is_told(inputs: dict[str, Any], fault: str) -> None:
    [told] = _handler().check(inputs)
    assert fault in told


def test_a_project_without_targets_is_told_where_they_stand() -> None:
    assert Notify({}).check({"target": "a", "text": "x"}) == [
        "`target`: a is no target of nofx.yaml; nofx.yaml has none below `notify:`"
    ]
    assert _handler().check({"target": "{{ params.who }}", "text": "x"}) == []
