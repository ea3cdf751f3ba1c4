"""Requests over real HTTP on loopback: limits, redirects, errors that tell no secret, and what may have arrived."""

import threading
from collections.abc import Iterator

import pytest

from nofx_cli import errors
from nofx_cli.safety.web import Limits, Request, Response, Unanswered, send
from nofx_cli.safety.web_exchange import Exchange
from tests.webhook_server import DROP, HANG, Answer, WebServer

SECRET = "s3cret-token"


def _get(url: str, **headers: str) -> Request:
    return Request("GET", url, headers)


def test_a_request_arrives_as_it_was_said_and_its_answer_comes_back() -> None:
    with WebServer(Answer(201, b'{"a": 1}', {"X-Id": "7", "Content-Type": "application/json"})) as server:
        request = Request("POST", f"{server.url}/x?a=b", {"Authorization": f"Bearer {SECRET}"}, b"body")
        response = send(request)
    [received] = server.requests
    assert (received.method, received.path, received.body) == ("POST", "/x?a=b", b"body")
    assert received.headers["authorization"] == f"Bearer {SECRET}"
    assert received.headers["user-agent"].startswith("nofx/")
    assert (response.status, response.ok, response.headers["x-id"], response.json()) == (201, True, "7", {"a": 1})


def test_a_header_cannot_say_another_host_than_the_address() -> None:
    with WebServer() as server:
        send(Request("POST", server.url, {"Host": "elsewhere.example", "Content-Length": "99"}, b"four"))
    [received] = server.requests
    assert (received.headers["host"], received.headers["content-length"]) == (server.url[7:], "4")


def test_a_status_is_an_answer() -> None:
    with WebServer(Answer(503, headers={"Retry-After": "7"}), Answer(404)) as server:
        busy, gone = send(_get(server.url)), send(_get(server.url))
    assert (busy.status, busy.ok, busy.may_pass, busy.retry_after_ms(0)) == (503, False, True, 7_000)
    assert (gone.status, gone.may_pass, gone.retry_after_ms(0)) == (404, False, 0)


@pytest.mark.parametrize(
    ("wish", "arrived"), [({"status": DROP}, True), ({"status": HANG}, True), ({"stopped": True}, False)]
)
def test_it_is_known_whether_a_request_without_an_answer_may_have_arrived(
    wish: dict[str, object], *, arrived: bool
) -> None:
    with WebServer(str(wish.get("status", ""))) as server:
        if wish.get("stopped"):
            server.stop()
        with pytest.raises(Unanswered) as told:
            send(Request("POST", f"{server.url}/{SECRET}", {"A": SECRET}, b"x"), limits=Limits(whole_ms=300))
        server.stop() if not wish.get("stopped") else server.start()
    assert told.value.may_have_arrived is arrived
    assert server.url in told.value.message
    assert SECRET not in told.value.message


def _dripping(closed: threading.Event) -> Iterator[bytes]:
    while not closed.wait(0.02):
        yield b"."


def test_time_is_limited_for_the_whole_however_the_server_drips() -> None:
    over = threading.Event()
    with WebServer(Answer(pieces=_dripping(over))) as server:
        with pytest.raises(Unanswered, match="gave no whole answer within 200ms") as told:
            send(_get(server.url), limits=Limits(whole_ms=200))
        over.set()
    assert told.value.code == "http-timeout"


def test_an_answer_is_limited_in_size() -> None:
    with WebServer(Answer(body=b"x" * 1000), Answer(body=b"x" * 1001)) as server:
        assert len(send(_get(server.url), limits=Limits(answer_bytes=1000)).body) == 1000
        with pytest.raises(Unanswered, match="is larger than 1000 bytes") as told:
            send(_get(server.url), limits=Limits(answer_bytes=1000))
    assert told.value.code == "http-answer-too-large"


def test_a_body_that_nobody_wants_is_not_waited_for() -> None:
    over = threading.Event()
    with WebServer(Answer(pieces=_dripping(over)), Answer(body=b"x" * 10_000)) as server:
        for _ in range(2):
            response = send(_get(server.url), limits=Limits(whole_ms=20_000, answer_bytes=1, reads_body=False))
            assert (response.status, response.body) == (200, b"")
        over.set()


class _Enough(Exception):
    pass


def test_what_the_caller_raises_meanwhile_ends_the_request() -> None:
    def check() -> None:
        if server.requests:
            raise _Enough

    with WebServer(HANG) as server, pytest.raises(_Enough):
        send(_get(server.url), check=check)


def test_what_is_given_up_before_it_was_sent_is_not_sent() -> None:
    with WebServer() as server:
        exchange = Exchange(_get(server.url), Limits())
        exchange._give_up()
        with pytest.raises(Unanswered) as told:
            exchange.outcome(lambda: False, None)
    assert (server.requests, told.value.may_have_arrived) == ([], False)


def test_a_redirect_is_followed_on_the_same_server_and_the_caller_is_asked() -> None:
    asked: list[str] = []
    with WebServer(Answer(302, headers={"Location": "/there?x=1"}), Answer(body=b"found")) as server:
        response = send(_get(f"{server.url}/here"), on_redirect=asked.append)
    assert (response.text, response.url) == ("found", f"{server.url}/there?x=1")
    assert asked == [f"{server.url}/there?x=1"]


def test_a_redirect_to_another_server_is_given_back_and_gets_no_header() -> None:
    with WebServer() as other, WebServer(Answer(302, headers={"Location": f"{other.url}/x"})) as server:
        response = send(_get(server.url, Authorization=SECRET))
    assert (response.status, response.headers["location"]) == (302, f"{other.url}/x")
    assert not other.requests


def test_what_changes_something_is_never_sent_to_a_second_place() -> None:
    with WebServer(Answer(307, headers={"Location": "/there"})) as server:
        assert send(Request("POST", server.url, {}, b"x")).status == 307
    assert len(server.requests) == 1


@pytest.mark.parametrize("there", ["http://[::1", "http://127.0.0.1:99999/", "//", "http:///x"])
def test_a_redirect_to_what_is_no_address_is_given_back(there: str) -> None:
    with WebServer(otherwise=Answer(302, headers={"Location": there})) as server:
        assert send(_get(server.url)).status == 302


def test_redirects_come_to_an_end() -> None:
    with WebServer(otherwise=Answer(302, headers={"Location": "/again"})) as server:
        assert send(_get(server.url)).status == 302
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("GET", f"ftp://example.org/?{SECRET}"), "the address ftp://example.org cannot be used"),
        (Request("GET", f"example.org/?{SECRET}"), "cannot be used: it does not begin with https:// or http://"),
        (Request("GET", f"https://me:{SECRET}@example.org/"), "the address https://example.org cannot be used"),
        (Request("GET", "http://127.0.0.1:9", {"A": f"{SECRET}\r\nB: c"}), "the value of the header `A` has signs"),
        (Request("GET", "http://127.0.0.1:9", {"A": f"{SECRET}\u2013"}), "the value of the header `A` has signs"),
        (Request("GET", "http://127.0.0.1:9", {"A b": SECRET}), "`A b` is no name of a header"),
        (Request("GET", f"http://127.0.0.1:9/{SECRET}\ud800"), "has signs that no encoding has"),
        (Request("GET", f"http://fa\xdf.example/{SECRET}"), "can be read in several ways"),
        (Request("G T", "http://127.0.0.1:9"), "`G T` is no method of HTTP"),
    ],
)
def test_what_cannot_be_sent_is_told_without_what_may_be_secret(request_: Request, said: str) -> None:
    with pytest.raises(errors.InvalidInput) as told:
        send(request_)
    assert (told.value.code, said in told.value.message, SECRET in told.value.message) == (
        "http-request-invalid",
        True,
        False,
    )


def test_a_server_that_speaks_no_tls_is_told_so() -> None:
    with WebServer() as server, pytest.raises(Unanswered, match="TLS failed") as told:
        send(_get(server.url.replace("http:", "https:")))
    assert (told.value.code, told.value.may_have_arrived) == ("http-tls", False)


def test_proxies_of_the_environment_are_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with WebServer(Answer(204)) as server:
        assert send(_get(server.url)).status == 204


def test_other_addresses_are_asked_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer(Answer(204)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert send(_get("http://example.invalid/x")).status == 204
    assert proxy.requests[0].path == "http://example.invalid/x"


def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks9://x")
    with pytest.raises(errors.Unavailable, match="what the environment says of proxies") as told:
        send(_get("http://example.invalid/"))
    assert told.value.code == "http-environment"


def test_an_answer_that_is_no_json_is_told() -> None:
    response = Response(200, {}, b"<html>", "https://example.org/secret")
    with pytest.raises(errors.Unavailable, match=r"https://example\.org answered with status 200 and what is no JSON"):
        response.json()


def test_text_is_read_as_it_says_it_is_written() -> None:
    assert Response(200, {"content-type": "text/plain; charset=latin-1"}, b"\xe9", "").text == "é"
    assert Response(200, {"content-type": "text/plain; charset=none-such"}, b"\xc3\xa9", "").text == "é"
