"""`nofx notify`: who is told, what is left, and what is wrong with them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.clock import SystemClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, new_run_id
from nofx_cli.drivers.filesystem.outbox import FileOutbox
from nofx_cli.ports.outbox import Health
from tests.cli.console import ADA, TWO_STEPS, Console, Records, harmless
from tests.webhook_server import Answer, WebServer


@pytest.fixture
def server(cli: Console) -> Iterator[WebServer]:
    """Who is told as `team`, signed; `chat` is told at a secret address."""
    with WebServer() as server:
        (cli.folder / "nofx.yaml").write_text(
            "secrets: {hooks: {KEY: {env: HOOK_KEY}, URL: {env: CHAT_URL}}}\n"
            f"notify:\n  team: {{url: '{server.url}/hook', secret: hooks/KEY, events: ['run.*']}}\n"
            "  chat: {url: hooks/URL, format: slack}\n"
        )
        yield server


@pytest.fixture(autouse=True)
def _secrets(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "k3y-5521-77ab")
    monkeypatch.setenv("CHAT_URL", f"{server.url}/services/s3cr3t")


def _outbox(records: Records, cli: Console, name: str = "team") -> FileOutbox:
    return FileOutbox(records.layout, cli.folder, name)


def _made(records: Records, cli: Console, *payloads: ev.Payload) -> RunId:
    """A run of the project that was made just now, and nobody was told of."""
    now = format_at(SystemClock().now_us())
    run = new_run_id(at=now, randomness=len(list(records.store.runs())))
    created = records.created(TWO_STEPS, workspace={"path": str(cli.folder)})
    drafts = [ev.Draft(payload) for payload in (created, *payloads)]
    for name in ("team", "chat"):
        _outbox(records, cli, name).open(run)
    records.store.create(run, TWO_STEPS, drafts, at=format_at(SystemClock().now_us()), actor=ADA)
    return run


def test_what_status_tells(cli: Console, records: Records, server: WebServer) -> None:
    _made(records, cli, ev.RunStarted(), ev.RunSucceeded())
    text = cli.ok("notify", "status")
    assert text == (
        f"team  webhook to {server.url}, signed\n"
        "  is told of  run.*\n"
        "  left        3 events of 1 run\n"
        "chat  slack to secret hooks/URL, not signed\n"
        "  is told of  run.waiting, run.succeeded, run.failed, run.cancelled, approval.*\n"
        "  left        1 event of 1 run\n"
    )
    assert cli.json("notify", "status", "team") == {
        "targets": [
            {
                "target": "team",
                "format": "webhook",
                "url": server.url,
                "signed": True,
                "events": ["run.*"],
                "left": {"runs": 1, "events": 3},
                "failing_since": "",
                "tries": 0,
                "next_us": 0,
                "error": "",
            }
        ]
    }
    assert server.requests == []


def test_what_is_left_is_sent(cli: Console, records: Records, server: WebServer) -> None:
    run = _made(records, cli, ev.RunStarted(), ev.RunSucceeded())
    assert cli.ok("notify", "send") == "team: 3 events told\nchat: 1 event told\n"
    assert cli.json("notify", "send") == {
        "targets": [{"target": name, "sent": 0, "left": 0, "error": ""} for name in ("team", "chat")]
    }
    assert [request.headers["x-nofx-delivery"] for request in server.requests] == [
        f"{run}:1", f"{run}:2", f"{run}:3", f"{run}:3",
    ]  # fmt: skip
    assert {request.path for request in server.requests} == {"/hook", "/services/s3cr3t"}


def test_what_cannot_be_sent_is_kept_and_told(cli: Console, records: Records, server: WebServer) -> None:
    _made(records, cli, ev.RunSucceeded())
    server.script.append(Answer(503))
    result = cli("notify", "send", "team")
    assert (result.exit_code, result.stdout) == (
        69,
        f"team: no events told; {server.url} answered with status 503\n",
    )
    told = cli.ok("notify", "status", "team")
    assert f", 1 time: {server.url} answered with status 503\n" in told
    assert "now: nofx notify send team\n" in told
    assert cli.ok("notify", "send", "team") == "team: 2 events told\n"
    assert "fails" not in cli.ok("notify", "status", "team")


def test_a_target_can_be_tried(cli: Console, server: WebServer) -> None:
    assert cli.ok("notify", "test", "team") == "team: it took the notice\n"
    [request] = server.requests
    body = json.loads(request.body)
    assert (body["type"], body["text"]) == ("nofx.test", "nofx can tell team of events")
    server.script.append(Answer(404))
    result = cli("notify", "test", "team", "--json")
    error = f"{server.url} answered with status 404"
    assert (result.exit_code, json.loads(result.stdout)) == (69, {"target": "team", "ok": False, "error": error})


def test_a_secret_that_is_not_there_is_told(cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAT_URL")
    result = cli("notify", "test", "chat")
    assert result.exit_code == 69
    assert "the secret URL of scope hooks" in result.stdout


def test_what_is_left_can_be_let_go_of(cli: Console, records: Records, server: WebServer) -> None:
    _made(records, cli, ev.RunSucceeded())
    assert cli.ok("notify", "drop", "team") == "team: 1 run let go of\n"
    assert cli.ok("notify", "drop", "team") == "team: nothing was left to tell\n"
    assert cli.json("notify", "drop", "chat") == {"target": "chat", "runs": 1}
    assert cli.ok("notify", "send") == "team: nothing was left to tell\nchat: nothing was left to tell\n"
    assert server.requests == []


@pytest.mark.parametrize("words", [["status", "tem"], ["send", "tem"], ["test", "tem"], ["drop", "tem"]])
def test_a_target_that_is_not_there(cli: Console, words: list[str]) -> None:
    result = cli("notify", *words)
    assert result.exit_code == 4
    assert "nofx.yaml has no target 'tem' below `notify`\n  hint: did you mean team?" in result.stderr


def test_a_project_that_tells_nobody(cli: Console) -> None:
    (cli.folder / "nofx.yaml").write_text("")
    result = cli("notify", "status")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nobody is told of events: nofx.yaml has no `notify:`" in result.stderr
    assert cli("notify", "test", "team").exit_code == 4


def test_what_a_receiver_says_does_not_act_on_the_terminal(cli: Console, records: Records, server: WebServer) -> None:
    _made(records, cli, ev.RunSucceeded())
    outbox = _outbox(records, cli)
    outbox.note(Health(1, format_at(SystemClock().now_us()), 0, "\x1b]0;owned\x07"))
    assert harmless(cli.ok("notify", "status"))


def test_doctor_tells_of_a_target_that_fails_for_long(
    cli: Console, records: Records, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nofx_cli.wiring.doctor.machine.version_of", lambda argv: "git version 2")
    monkeypatch.setattr("nofx_cli.wiring.doctor.project.version_of", lambda argv: "1.0")
    monkeypatch.setattr("nofx_cli.wiring.doctor.agents.version_of", lambda argv: "2.0")
    _made(records, cli, ev.RunSucceeded())
    assert _doctor(cli, "notify team")["status"] == "ok"
    since = format_at(SystemClock().now_us() - 3 * 3_600_000_000)
    _outbox(records, cli).note(Health(9, since, 0, "gone"))
    found = _doctor(cli, "notify team")
    assert (found["status"], found["message"]) == ("warn", "could not be told for 3h00m: gone")
    assert found["remedy"] == "mend it, then: nofx notify send team"
    assert _doctor(cli, "notify chat")["status"] == "ok"


def _doctor(cli: Console, name: str) -> dict[str, Any]:
    checks = json.loads(cli("doctor", "--json").stdout)["checks"]
    return next(check for check in checks if check["check"] == name)


def test_nothing_is_written_by_a_look(cli: Console, records: Records, tmp_path: Path) -> None:
    cli.ok("notify", "status")
    assert not (tmp_path / "store").exists()
