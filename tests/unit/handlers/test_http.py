"""`http`: what is sent, what becomes of the answer, and what is known after a crash. Real HTTP on loopback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.effects import Done, Intent, NotDone, Reconciled, Unclear
from nofx_cli.domain.ids import StepName, digest_of_bytes
from nofx_cli.domain.outcome import Failed, Succeeded
from nofx_cli.handlers.http_request.handler import HANDLER, REFUSED
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.testing import FakeContext
from tests.webhook_server import DROP, HANG, Answer, WebServer

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., FakeContext]:
    """A context for a step with these inputs."""

    def make(url: str, *, secrets: dict[str, str] | None = None, attempt: int = 1, **inputs: Any) -> FakeContext:
        return FakeContext(
            tmp_path, inputs={"url": url, **inputs}, tool="http", secrets=secrets or {}, attempt=attempt,
            needed_artifacts={StepName("notes"): {"notes.md": b"# Notes"}},
        )  # fmt: skip

    return make


def _failure(outcome: object) -> Failed:
    assert isinstance(outcome, Failed)
    return outcome


def test_a_get_is_no_effect_and_its_json_becomes_an_output(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(200, b'{"a": [1]}', {**JSON, "ETag": "e", "Set-Cookie": "s3cr3t"})) as server:
        ctx = made(f"{server.url}/x?a=1", query={"q": "a b", "n": [1, True]})
        outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Succeeded)
    assert outcome.outputs["status"] == 200
    assert outcome.outputs["json"] == {"a": [1]}
    headers: Any = outcome.outputs["headers"]
    assert headers == {"content-type": "application/json", "content-length": "10", "etag": "e"}
    assert server.requests[0].path == "/x?a=1&q=a+b&n=1&n=true"
    assert ctx.effects == []
    assert ctx.asked == [("host", f"{server.url}/x?a=1&q=a+b&n=1&n=true")]


@pytest.mark.parametrize(
    ("given", "body", "media_type"),
    [
        ({"body": "hi"}, b"hi", "text/plain; charset=utf-8"),
        ({"json": {"a": "ä"}}, '{"a": "ä"}'.encode(), "application/json"),
        ({"form": {"a": "b c", "d": [1, 2]}}, b"a=b+c&d=1&d=2", "application/x-www-form-urlencoded"),
        ({"file": {"step": "notes", "name": "notes.md"}}, b"# Notes", "application/octet-stream"),
        ({"file": {"step": "notes", "name": "notes.md", "type": "text/markdown"}}, b"# Notes", "text/markdown"),
        ({"body": "hi", "headers": {"content-type": "text/x"}}, b"hi", "text/x"),
    ],
)
def test_the_bodies(made: Callable[..., FakeContext], given: dict[str, Any], body: bytes, media_type: str) -> None:
    with WebServer() as server:
        assert isinstance(HANDLER.run(made(server.url, method="POST", **given)), Succeeded)
    [request] = server.requests
    assert (request.body, request.headers["content-type"]) == (body, media_type)


def test_a_change_is_intended_before_it_is_sent_and_made_when_it_is_answered(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(201)) as server:
        ctx = made(f"{server.url}/x?key=1#f", method="POST", body="hi")
        ctx.on_intended = lambda intent: seen.append(len(server.requests))
        seen: list[int] = []
        outcome = HANDLER.run(ctx)
    [effect] = ctx.effects
    assert seen == [0]
    assert (effect.intent.kind, effect.intent.target) == ("http.post", f"{server.url}/x")
    assert isinstance(outcome, Succeeded)
    assert effect.result == outcome.outputs
    assert server.requests[0].headers["idempotency-key"] == ctx.idempotency_key


def test_what_was_made_is_not_sent_again(made: Callable[..., FakeContext]) -> None:
    with WebServer() as server:
        ctx = made(server.url, method="POST")
        ctx.made = {("http.post", server.url): {"status": 201}}
        assert HANDLER.run(ctx) == Succeeded({"status": 201})
    assert server.requests == []


@pytest.mark.parametrize(("said", "header"), [("X-Key", "x-key"), (True, "idempotency-key"), (False, "")])
def test_the_header_of_the_key_can_be_named_and_left_out(
    made: Callable[..., FakeContext], said: str | bool, header: str
) -> None:
    with WebServer() as server:
        ctx = made(server.url, method="POST", idempotency_header=said)
        HANDLER.run(ctx)
    headers = server.requests[0].headers
    assert [name for name, value in headers.items() if value == ctx.idempotency_key] == ([header] if header else [])


def test_secrets_go_into_headers_and_nowhere_else(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(500)) as server:
        ctx = made(
            server.url, method="POST", body="x", secrets={"TOKEN": "s3cr3t"},
            secret_headers={"Authorization": "Bearer {TOKEN}", "X-Both": "{TOKEN}:{TOKEN}"},
        )  # fmt: skip
        preview, outcome = HANDLER.preview(ctx), HANDLER.run(ctx)
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["x-both"]) == ("Bearer s3cr3t", "s3cr3t:s3cr3t")
    told = json.dumps([preview, repr(outcome), ctx.logged, repr(ctx.effects[0].intent)])
    assert "Bearer {TOKEN}" in told
    assert "s3cr3t" not in told


def test_a_secret_that_the_step_does_not_have_is_told_before_anything_is_sent(made: Callable[..., FakeContext]) -> None:
    with WebServer() as server, pytest.raises(errors.InvalidInput, match="needs the secret TOKEN") as told:
        HANDLER.run(made(server.url, method="POST", secret_headers={"A": "{TOKEN}"}))
    assert "secrets_scope" in told.value.hint
    assert server.requests == []


def test_the_preview_tells_the_body_by_its_digest(made: Callable[..., FakeContext]) -> None:
    shown = HANDLER.preview(made("https://x.example/a", method="POST", json={"a": 1}, query={"b": 2}))
    assert shown == {
        "method": "POST",
        "url": "https://x.example/a?b=2",
        "headers": {"Content-Type": "application/json"},
        "body_digest": digest_of_bytes(b'{"a": 1}'),
        "body_bytes": 8,
        "idempotency_header": "Idempotency-Key",
    }
    assert HANDLER.preview(made("ftp://x")) == {"faults": ("`url` must begin with https:// or http://",)}


def test_a_large_answer_and_one_that_is_no_text_are_kept_as_artifacts(made: Callable[..., FakeContext]) -> None:
    large = b"x" * 40_000
    with WebServer(Answer(200, large, {"Content-Type": "text/plain"}), Answer(200, b"\x00\x01")) as server:
        for body in (large, b"\x00\x01"):
            ctx = made(server.url)
            outcome = HANDLER.run(ctx)
            assert isinstance(outcome, Succeeded)
            assert outcome.outputs["saved"] == "answer"
            assert "body" not in outcome.outputs
            assert ctx.artifacts == {"answer": body}


def test_an_answer_can_be_saved(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(200, b"hello", {"Content-Type": "text/plain"})) as server:
        ctx = made(server.url, save="out/hello.txt")
        outcome = HANDLER.run(ctx)
    assert isinstance(outcome, Succeeded)
    assert (outcome.outputs["saved"], outcome.outputs["body"]) == ("out/hello.txt", "hello")
    assert ctx.artifacts == {"out/hello.txt": b"hello"}


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_a_status_that_is_not_expected_is_a_failure(
    made: Callable[..., FakeContext], status: int, *, retryable: bool
) -> None:
    with WebServer(Answer(status, b"no", {"Content-Type": "text/plain"})) as server:
        ctx = made(f"{server.url}/path")
        failed = _failure(HANDLER.run(ctx))
    assert failed.error.code == "http-status"
    assert failed.error.message == f"{server.url} answered with status {status}"
    assert failed.retryable is retryable
    assert ctx.logged[-1] == f"{status}: no"


def test_a_status_that_is_expected_is_none(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(404)) as server:
        assert isinstance(HANDLER.run(made(server.url, expect=[200, 404])), Succeeded)


def test_how_long_the_server_wants_to_be_left_alone_is_told(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(429, headers={"Retry-After": "7"})) as server:
        failed = _failure(HANDLER.run(made(server.url)))
    assert failed.error.message.endswith("answered with status 429, and wants to be left alone for 7.0s")
    assert failed.wait_ms == 7_000


def test_a_redirect_elsewhere_is_told_and_not_followed(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(302, headers={"Location": "https://other.example/x?s3cr3t"})) as server:
        failed = _failure(HANDLER.run(made(server.url)))
    assert failed.error.message == f"{server.url} answered with status 302, and points to https://other.example"
    assert not failed.retryable


def test_policy_is_asked_about_redirects_too(made: Callable[..., FakeContext]) -> None:
    with WebServer(Answer(302, headers={"Location": "/b"})) as server:
        ctx = made(f"{server.url}/a")
        HANDLER.run(ctx)
    assert ctx.asked == [("host", f"{server.url}/a"), ("host", f"{server.url}/b")]


@pytest.mark.parametrize(("answer", "code"), [(DROP, "http-connection-lost"), (None, "http-no-connection")])
def test_no_answer_is_a_failure_that_may_pass(made: Callable[..., FakeContext], answer: str | None, code: str) -> None:
    with WebServer(answer or "") as server:
        if answer is None:
            server.stop()
        failed = _failure(HANDLER.run(made(server.url)))
        if answer is None:
            server.start()
    assert (failed.error.code, failed.retryable) == (code, True)


def test_a_step_that_is_to_stop_gives_its_request_up(made: Callable[..., FakeContext]) -> None:
    with WebServer() as server:
        ctx = made(server.url)

        def stop(_: object) -> str:
            ctx.stop = "timeout"
            return HANG

        server.script.append(stop)
        with pytest.raises(StepCancelled):
            HANDLER.run(ctx)


def _reconciled(made: Callable[..., FakeContext], url: str, **inputs: Any) -> Reconciled:
    return HANDLER.reconcile(made(url, **inputs), Intent("http.post", url, "d", 1))


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"method": "POST"}, Unclear),
        ({"method": "PATCH"}, Unclear),
        ({"method": "POST", "idempotency_header": False}, Unclear),
        ({"method": "PUT"}, NotDone),
        ({"method": "DELETE"}, NotDone),
        ({"method": "POST", "idempotency_header": "Idempotency-Key"}, NotDone),
        ({"method": "POST", "idempotency_header": True}, NotDone),
    ],
)
def test_only_what_may_arrive_twice_is_sent_again(
    made: Callable[..., FakeContext], inputs: dict[str, Any], found: type[object]
) -> None:
    assert isinstance(_reconciled(made, "https://x.example/a", **inputs), found)


@pytest.mark.parametrize(
    ("answer", "is_known"),
    [(Answer(422), True), (Answer(409), True), (Answer(408), False), (Answer(500), False), (DROP, False), (None, True)],
)
def test_what_cannot_have_been_made_is_known(
    made: Callable[..., FakeContext], answer: Answer | str | None, *, is_known: bool
) -> None:
    with WebServer(answer or "") as server:
        if answer is None:
            server.stop()
        ctx = made(server.url, method="POST")
        HANDLER.run(ctx)
        if answer is None:
            server.start()
    assert (REFUSED in ctx.artifacts) is is_known
    ctx.needed_artifacts = {ctx.step: ctx.artifacts}
    found = HANDLER.reconcile(ctx, Intent("http.post", server.url, "d", 1))
    assert isinstance(found, NotDone if is_known else Unclear)


def test_what_one_attempt_knows_says_nothing_of_the_next(made: Callable[..., FakeContext]) -> None:
    ctx = made("https://x.example", method="POST", attempt=3)
    ctx.needed_artifacts = {ctx.step: {REFUSED: b'{"attempt": 1, "why": "refused"}'}}
    assert isinstance(HANDLER.reconcile(ctx, Intent("http.post", "https://x.example", "d", 1)), NotDone)
    assert isinstance(HANDLER.reconcile(ctx, Intent("http.post", "https://x.example", "d", 2)), Unclear)


@pytest.mark.parametrize(
    ("status", "expect", "found"),
    [(200, "2xx", Done), (404, "2xx", NotDone), (410, "2xx", NotDone), (500, "2xx", Unclear), (409, [409], Done)],
)
def test_the_server_can_be_asked_whether_it_was_made(
    made: Callable[..., FakeContext], status: int, expect: Any, found: type[object]
) -> None:
    with WebServer(Answer(status)) as server:
        asked = {"url": f"{server.url}/made", "expect": expect}
        ctx = made(server.url, method="POST", reconcile=asked, secret_headers={"A": "{T}"}, secrets={"T": "tok"})
        reconciled = HANDLER.reconcile(ctx, Intent("http.post", server.url, "d", 1))
    [request] = server.requests
    assert (request.method, request.path, request.headers["a"]) == ("GET", "/made", "tok")
    assert isinstance(reconciled, found)
    assert ctx.asked == [("host", f"{server.url}/made")]


def test_another_server_is_asked_without_the_secrets(made: Callable[..., FakeContext]) -> None:
    with WebServer() as server:
        ctx = made(
            "https://x.example", method="POST", reconcile={"url": server.url}, secret_headers={"A": "{T}"},
            secrets={"T": "tok"},
        )  # fmt: skip
        HANDLER.reconcile(ctx, Intent("http.post", "https://x.example", "d", 1))
    assert "a" not in server.requests[0].headers
