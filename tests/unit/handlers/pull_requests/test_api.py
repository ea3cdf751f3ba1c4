"""What the refusals of a forge mean; the token is in none of them, and nothing is sent twice."""

import json
from collections.abc import Callable

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.pull_requests.failing import may_pass
from nofx_cli.handlers.pull_requests.forges.api import Api
from nofx_cli.handlers.pull_requests.forges.github import read_pull
from nofx_cli.handlers.pull_requests.forges.gitlab import read_merge_request
from tests.forge_server import refuse
from tests.unit.handlers.pull_requests.scene import TOKEN
from tests.webhook_server import Answer, WebServer


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "words"),
    [
        (refuse(401, "Bad credentials"), "forge-unauthorized", False, "does not accept the token: Bad credentials"),
        (refuse(403, "Resource not accessible"), "forge-forbidden", False, "Resource not accessible"),
        (refuse(403, "secondary limit", Retry_After="30"), "forge-rate-limited", True, "it asks to wait 30 s"),
        (refuse(403, "limit", X_RateLimit_Remaining="0"), "forge-rate-limited", True, "enough requests"),
        (refuse(429, "slow down", Retry_After="7"), "forge-rate-limited", True, "wait 7 s: slow down"),
        (refuse(404, "Not Found"), "forge-not-found", False, "Not Found"),
        (refuse(422, "Validation Failed"), "forge-refused", False, "with status 422: Validation Failed"),
        (refuse(422, {"base": ["is invalid"]}), "forge-refused", False, "base is invalid"),
        (refuse(422, f"odd {TOKEN}"), "forge-refused", False, "odd ***"),
        (refuse(301, "moved", Location="https://elsewhere.example/"), "forge-moved", False, "moved elsewhere"),
        (refuse(500, "oops"), "forge-unavailable", True, "status 500: oops"),
        (refuse(503, "busy"), "forge-unavailable", True, "busy"),
        (Answer(502, b"<html>"), "forge-unavailable", True, "status 502"),
        (Answer(200, b"<html>"), "http-not-json", True, "what is no JSON"),
    ],
)
def test_refusals(answer: Answer, code: str, retryable: bool, words: str) -> None:
    with WebServer(answer) as server:
        api = Api(server.url, TOKEN, headers={}, check=lambda: None)
        with pytest.raises(errors.NofxError) as caught:
            api.ask("POST", "/pulls", {"title": "Notes"})
    assert (caught.value.code, may_pass(caught.value)) == (code, retryable)
    assert words in caught.value.message
    assert TOKEN not in repr(caught.value)
    assert caught.value.hint or code.startswith("http-")
    assert len(server.requests) == 1


@pytest.mark.parametrize("read", [read_pull, read_merge_request])
def test_an_answer_that_is_none(read: Callable[[JsonValue], object]) -> None:
    with pytest.raises(errors.Unavailable) as caught:
        read({"id": 7})
    assert caught.value.code == "forge-answer-odd"
    assert "api_url" in caught.value.hint


def test_an_error_with_details() -> None:
    told = {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "base", "code": "invalid"}]}
    with WebServer(Answer(422, json.dumps(told).encode())) as server, pytest.raises(errors.Denied) as caught:
        Api(server.url, TOKEN, headers={}, check=lambda: None).ask("POST", "/pulls", {})
    assert caught.value.message.endswith("with status 422: Validation Failed; PullRequest base invalid")
