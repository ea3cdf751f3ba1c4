"""What is wrong with the inputs of `http`, told before anything runs."""

import pytest

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.http_request.handler import HANDLER
from nofx_cli.handlers.http_request.inputs import expects

URL = "https://api.example.org/x"


@pytest.mark.parametrize(
    "inputs",
    [
        {"url": URL},
        {"url": "{{ params.url }}"},
        {"url": "{{ params.base }}/x", "method": "{{ params.method }}", "body": "x"},
        {"url": "https://{{ params.host }}/x", "method": "post", "json": [1, None]},
        {"url": URL, "expect": 204},
        {"url": URL, "expect": "2xx"},
        {"url": URL, "expect": [200, "404", "5xx"]},
        {"url": URL, "query": {"a": 1, "b": ["x", True]}, "headers": {"X-A": "1", "X-B": 2}},
        {"url": URL, "method": "PUT", "form": {"a": "b"}, "idempotency_header": False},
        {"url": URL, "method": "POST", "file": {"step": "a", "name": "b", "type": "text/csv"}, "save": "out.json"},
        {"url": URL, "method": "POST", "secret_headers": {"Authorization": "Bearer {TOKEN}"}},
        {"url": URL, "method": "POST", "reconcile": {"url": f"{URL}/1", "expect": 200}},
    ],
)
def test_what_is_right(inputs: JsonObject) -> None:
    assert HANDLER.check(inputs) == []


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({}, "`url` is missing"),
        ({"url": URL, "metod": "POST"}, "`metod` is not an input of this tool; did you mean `method`?"),
        ({"url": "ftp://x"}, "`url` must begin with https:// or http://"),
        ({"url": "api.example.org"}, "`url` must begin with https:// or http://"),
        ({"url": "https://me:pw@x.example"}, "`url` cannot be used: a user stands before the host"),
        ({"url": URL, "method": "PSOT"}, "`method` must be one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"),
        ({"url": URL, "body": "x"}, "`body` is for a `method` that sends a body, such as POST"),
        ({"url": URL, "method": "POST", "body": "x", "json": 1}, "give one of `body`, `json`"),
        ({"url": URL, "expect": "2x"}, "`expect` takes statuses such as 201"),
        ({"url": URL, "expect": [600]}, "not 600"),
        ({"url": URL, "headers": {"A b": "x"}}, "`headers`: `A b` is no name of a header"),
        ({"url": URL, "headers": {"Host": "x"}}, "`headers`: Host is not to be set: the address says it"),
        ({"url": URL, "headers": {"A": ["x"]}}, "`headers`: A must be a text, not a list"),
        ({"url": URL, "secret_headers": {"A": "tok"}}, '`secret_headers`: A names no secret; write it like "Bearer'),
        ({"url": URL, "query": {"a": {}}}, "`query`: a must be a text, a number, or a list of them"),
        ({"url": URL, "method": "POST", "file": {"step": "a"}}, "`file` must have `step` and `name`"),
        ({"url": URL, "reconcile": {"url": URL}}, "`reconcile` is for a `method` that changes something"),
        ({"url": URL, "method": "POST", "reconcile": {"uri": URL}}, "`reconcile`: uri is not an input of this tool"),
        ({"url": URL, "method": "POST", "reconcile": {"url": "x"}}, "`reconcile.url` must begin with"),
    ],
)
def test_what_is_wrong(inputs: JsonObject, fault: str) -> None:
    faults = HANDLER.check(inputs)
    assert any(fault in one for one in faults), faults


@pytest.mark.parametrize(
    ("status", "expect", "fits"),
    [
        (200, "2xx", True),
        (302, "2xx", False),
        (404, [200, "404"], True),
        (500, ("2xx", "5xx"), True),
        (201, 200, False),
    ],
)
def test_what_is_expected(status: int, expect: JsonValue, *, fits: bool) -> None:
    assert expects(status, expect) is fits
