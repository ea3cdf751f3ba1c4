"""`tool: http` in real runs: secrets stay out of what is written, policy decides, and no crash doubles a request."""

import json
import threading

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import Program
from tests.webhook_server import DROP, HANG, Answer, Received, WebServer

pytestmark = pytest.mark.acceptance

TOKEN = "tok-7f3a9c55e1b24d60"
SETTINGS = "secrets: {api: {TOKEN: {env: API_TOKEN}}}\n"


@pytest.fixture(autouse=True)
def _token(nofx: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    (nofx.folder / "nofx.yaml").write_text(SETTINGS)
    monkeypatch.setenv("API_TOKEN", TOKEN)


def _post(url: str, **wishes: object) -> str:
    inputs = {"url": url, "method": "POST", "json": {"a": 1}, **wishes}
    return f"  - {{name: send, tool: http, inputs: {json.dumps(inputs)}}}\n"


def test_what_one_step_gets_the_next_one_sends_and_no_secret_is_written(nofx: Program) -> None:
    def echo(request: Received) -> Answer:
        return Answer(
            201, json.dumps({"said": request.headers["authorization"]}).encode(), {"Content-Type": "text/json"}
        )

    with WebServer(Answer(200, b'{"id": 7}', {"Content-Type": "application/json"}), echo) as server:
        nofx.plan(f"""\
  - {{name: look, tool: http, inputs: {{url: "{server.url}/item"}}}}
  - name: send
    tool: http
    secrets_scope: api
    inputs:
      url: "{server.url}/item/{{{{ steps.look.outputs.json.id }}}}"
      method: PUT
      body: hello
      secret_headers: {{Authorization: "Bearer {{TOKEN}}"}}
      save: answer.json
""")
        told = nofx("run", "plan.yaml")
        assert told.code == 0, told
    assert [(one.method, one.path) for one in server.requests] == [("GET", "/item"), ("PUT", "/item/7")]
    assert server.requests[1].headers["authorization"] == f"Bearer {TOKEN}"
    written = b"".join(path.read_bytes() for path in nofx.store.rglob("*") if path.is_file())
    assert TOKEN.encode() not in written + told.out.encode() + told.err.encode()
    shown = json.loads(nofx("show", "--json").out)
    assert TOKEN not in json.dumps(shown)
    assert nofx.types().count("effect.done send") == 1


def test_policy_decides_which_hosts_are_reached(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").write_text('policy: {hosts: {allow: ["api.example.org"]}}\n')
    with WebServer() as server:
        nofx.plan(_post(server.url))
        told = nofx("run", "plan.yaml")
    assert told.code == 6, told
    assert server.requests == []
    assert "effect.intended send" not in nofx.types()


@pytest.mark.parametrize(
    ("wishes", "sent", "code"),
    [
        ({}, 1, 8),
        ({"idempotency_header": "Idempotency-Key"}, 2, 0),
        ({"method": "PUT"}, 2, 0),
    ],
)
def test_after_a_kill_it_is_sent_again_only_where_that_comes_to_the_same(
    nofx: Program, wishes: dict[str, object], sent: int, code: int
) -> None:
    """The server gets the request, nofx dies before the answer."""
    there, go_on = threading.Event(), threading.Event()

    def hold(_: Received) -> str:
        there.set()
        go_on.wait(30)
        return DROP

    with WebServer(hold) as server:
        nofx.plan(_post(server.url, **wishes))
        process = nofx.start("run", "plan.yaml")
        assert there.wait(30)
        process.kill()
        process.wait()
        go_on.set()
        told = nofx("resume")
        assert told.code == code, told
        assert len(server.requests) == sent
        if code == 8:
            assert nofx.types()[-3:] == ["effect.unknown send", "approval.requested send", "run.waiting"]
            assert nofx("waive", "send", "--note", "it is there").code == 0
            assert len(server.requests) == 1
    keys = {one.headers["idempotency-key"] for one in server.requests}
    assert len(keys) == 1


def test_what_was_refused_before_is_sent_again_without_a_question(nofx: Program) -> None:
    """The attempt that failed has kept that nothing was made."""
    with WebServer(Answer(429), Answer(201)) as server:
        nofx.plan(_post(server.url).replace("tool: http", "tool: http, retry: {max_attempts: 2, backoff: [1ms]}"))
        told = nofx("run", "plan.yaml")
        assert told.code == 0, told
        assert len(server.requests) == 2
    assert "effect.unknown send" not in nofx.types()


def test_the_server_is_asked_whether_what_was_cut_off_was_made(nofx: Program) -> None:
    def made(request: Received) -> Answer | str:
        if request.method == "POST":
            return DROP
        return Answer(200 if request.path == "/made" else 404)

    with WebServer(otherwise=made) as server:
        nofx.plan(
            _post(server.url, reconcile={"url": f"{server.url}/made"}).replace(
                "tool: http", "tool: http, retry: {max_attempts: 2, backoff: [1ms]}"
            )
        )
        told = nofx("run", "plan.yaml")
        assert told.code == 0, told
    assert [one.method for one in server.requests] == ["POST", "GET"]
    [done] = [event.payload for event in nofx.events() if isinstance(event.payload, ev.EffectDone)]
    assert done.reconciled
    assert done.result == {"status": 200, "found": f"{server.url}/made"}


def test_a_step_whose_time_is_over_does_not_wait_for_the_server(nofx: Program) -> None:
    with WebServer(HANG) as server:
        nofx.plan(_post(server.url).replace("tool: http", "tool: http, timeout: 300ms"))
        told = nofx("run", "plan.yaml", "--json")
    assert told.code == 1, told
    assert json.loads(told.out)["failure"]["code"] == "timeout"


def test_without_a_timeout_of_its_own_a_request_has_a_minute(nofx: Program) -> None:
    nofx.plan(_post("https://x.example"))
    shown = json.loads(nofx("plan", "show", "plan.yaml", "--json").out)
    assert shown["steps"][0]["timeout_ms"] == 60_000


def test_the_cancel_of_another_terminal_ends_a_request(nofx: Program) -> None:
    with WebServer(HANG) as server:
        nofx.plan(_post(server.url))
        process = nofx.start("run", "plan.yaml")
        wait_until(lambda: server.requests, why="the request")
        assert nofx("cancel").code == 0
        assert process.wait(timeout=30) == 1
