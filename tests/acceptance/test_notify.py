"""Others are told of runs over real HTTP: every event at least once, those of a run in order, whatever dies."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from nofx_cli.domain.signature import verify_signature
from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import PATIENCE, Program, ended
from tests.acceptance.workplace import Workplace
from tests.webhook_server import HANG, Answer, Received, WebServer

pytestmark = pytest.mark.acceptance

KEY = "k3y-7f3a9c55e1b24d60"
LOOK = """\
import sys
from nofx_cli.cli.app import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
ASKS = """\
  - {name: one, tool: "test:echo"}
  - {name: ok, tool: "manual:ok"}
  - {name: two, tool: "test:echo"}
"""


class Told:
    """What a receiver that checks signatures took, and what it refused."""

    def __init__(self, key: str = KEY) -> None:
        self.key = key
        self.taken: list[str] = []
        self.forged = 0
        self.bodies: list[dict[str, object]] = []

    def __call__(self, request: Received) -> Answer:
        stamp, signature = request.headers["x-nofx-timestamp"], request.headers.get("x-nofx-signature", "")
        if not verify_signature(self.key, signature, timestamp=stamp, body=request.body, now=time.time()):
            self.forged += 1
            return Answer(401)
        self.taken.append(request.headers["x-nofx-delivery"])
        self.bodies.append(json.loads(request.body))
        return Answer()

    def of(self, run: str) -> list[int]:
        """The events that were taken of a run, each when it came first."""
        seqs = [int(name.rpartition(":")[2]) for name in self.taken if name.startswith(f"{run}:")]
        return list(dict.fromkeys(seqs))


def _settings(nofx: Program, url: str, *, events: str = '["*"]', more: str = "") -> None:
    (nofx.folder / "nofx.yaml").write_text(
        "secrets: {hooks: {KEY: {env: HOOK_KEY}}}\n"
        f"notify:\n  team: {{url: '{url}/hook', secret: hooks/KEY, events: {events}}}\n{more}"
    )


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", KEY)


def _seqs(nofx: Program, run: str) -> list[int]:
    return [event.seq for event in nofx.events(run)]


def test_a_run_is_told_of_from_its_first_event_to_its_last_once_and_in_order(nofx: Program) -> None:
    """And a target that says nothing of events is told of what concerns people."""
    told, usual = Told(), Told()
    with WebServer(otherwise=lambda request: (usual if request.path == "/usual" else told)(request)) as server:
        _settings(nofx, server.url, more=f"  usual: {{url: '{server.url}/usual', secret: hooks/KEY}}\n")
        nofx.plan(ASKS)
        assert nofx("run", "plan.yaml").code == 8
        assert nofx("approve", "ok").code == 0
    [run] = nofx.runs()
    assert told.taken == [f"{run}:{seq}" for seq in _seqs(nofx, run)]
    asked = next(body for body in told.bodies if body["type"] == "approval.requested")
    assert (asked["plan"], asked["next"]) == ("plan", f"nofx approve ok --run {run}")
    types = [body["type"] for body in usual.bodies]
    assert types == ["approval.requested", "run.waiting", "approval.granted", "run.succeeded"]


def test_a_receiver_that_dies_and_comes_back_is_told_everything_in_order(nofx: Program) -> None:
    """It dies in the middle of a run, misses a whole one, and comes back."""
    told = Told()

    def dies(request: Received) -> Answer:
        return told(request) if len(told.taken) < 3 else Answer(503)

    with WebServer(otherwise=dies) as server:
        _settings(nofx, server.url)
        nofx.plan(ASKS)
        first = nofx("run", "plan.yaml")
        assert first.code == 8
        assert "team was not told" in first.err
        server.stop()
        assert nofx("run", "plan.yaml").code == 8
        assert nofx("approve", "ok").code == 0
        missing = json.loads(nofx("notify", "status", "--json").out)["targets"][0]
        assert missing["left"]["runs"] == 2
        assert missing["error"]
        assert nofx("notify", "send").code == 69
        server.otherwise = told
        server.start()
        sent = nofx("notify", "send", "--json")
        assert sent.code == 0, sent
    assert json.loads(sent.out)["targets"][0]["sent"] == missing["left"]["events"]
    for run in nofx.runs():
        assert told.of(run) == _seqs(nofx, run)
    assert max(Counter(told.taken).values()) == 1


def test_a_wrong_signature_is_told_apart_and_nothing_is_lost_of_it(nofx: Program) -> None:
    told = Told()
    with WebServer(otherwise=told) as server:
        _settings(nofx, server.url, events='["run.*"]')
        nofx.plan('  - {name: one, tool: "test:echo"}\n')
        assert nofx("run", "plan.yaml", env={"HOOK_KEY": "another-key-5521"}).code == 0
        assert told.taken == []
        assert told.forged > 0
        status = json.loads(nofx("notify", "status", "--json").out)["targets"][0]
        assert status["error"] == f"{server.url} answered with status 401"
        assert nofx("notify", "send").code == 0
    [run] = nofx.runs()
    assert told.of(run) == [event.seq for event in nofx.events(run) if event.type.startswith("run.")]


def test_a_receiver_that_hangs_does_not_slow_a_run(nofx: Program) -> None:
    """A request is given up after ten seconds: a run that waited for one of them would show it."""
    nofx.plan("".join(f'  - {{name: s{number}, tool: "test:echo"}}\n' for number in range(30)))
    assert nofx("run", "plan.yaml").code == 0
    with WebServer(otherwise=HANG) as server:
        _settings(nofx, server.url)
        hung = nofx("run", "plan.yaml")
        assert hung.code == 0, hung
        assert server.requests
    assert "team was not told" in hung.err
    assert "it is kept: nofx notify send" in hung.err
    with_it, without = (_duration_ms(nofx, run) for run in nofx.runs())
    assert with_it < without + 8_000


def _duration_ms(nofx: Program, run: str) -> int:
    shown = json.loads(nofx("show", run, "--json").out)
    return int(shown["duration_ms"])


def test_a_deliverer_that_is_killed_before_it_noted_an_event_tells_it_again(nofx: Program) -> None:
    told = Told()

    def third_is_lost(request: Received) -> Answer | str:
        answer = told(request)
        return HANG if len(told.taken) == 3 else answer

    with WebServer(otherwise=third_is_lost) as server:
        _settings(nofx, server.url)
        nofx.plan(ASKS)
        process = nofx.start("run", "plan.yaml")
        wait_until(lambda: len(told.taken) == 3, timeout=PATIENCE, why="the third event")
        nofx.shows("run.waiting")
        process.kill()
        process.wait()
        server.otherwise = told
        assert nofx("notify", "send").code == 0
    [run] = nofx.runs()
    assert told.of(run) == _seqs(nofx, run)
    assert Counter(told.taken) - Counter(dict.fromkeys(told.taken, 1)) == Counter([f"{run}:3"])


def test_a_run_that_nobody_told_of_is_found(nofx: Program) -> None:
    """Its project got a target only after it had begun; then it ended without any deliverer."""
    told = Told()
    with WebServer(otherwise=told) as server:
        nofx.plan(ASKS)
        assert nofx("run", "plan.yaml").code == 8
        _settings(nofx, server.url)
        assert nofx("notify", "send").code == 0
        assert told.taken == []
        (nofx.folder / "nofx.yaml").write_text("")
        assert nofx("approve", "ok").code == 0
        _settings(nofx, server.url)
        assert nofx("notify", "send").code == 0
    [run] = nofx.runs()
    granted = next(event.seq for event in nofx.events(run) if event.type == "approval.granted")
    assert told.of(run) == list(range(granted, len(_seqs(nofx, run)) + 1))


def test_two_that_deliver_at_once_tell_nothing_twice(nofx: Program) -> None:
    told = Told()
    with WebServer(otherwise=Answer(503)) as server:
        _settings(nofx, server.url)
        nofx.plan('  - {name: one, tool: "test:echo"}\n')
        for _ in range(2):
            assert nofx("run", "plan.yaml").code == 0
        server.otherwise = told
        for process in [nofx.start("notify", "send") for _ in range(2)]:
            assert ended(process).code == 0
    assert max(Counter(told.taken).values()) == 1
    for run in nofx.runs():
        assert told.of(run) == _seqs(nofx, run)


def test_a_worker_tells_of_the_runs_that_it_executes(work: Workplace) -> None:
    nofx, told = work.nofx, Told()
    with WebServer(otherwise=told) as server:
        _settings(nofx, server.url)
        nofx.plan('  - {name: one, tool: "test:echo"}\n')
        nofx("run", "plan.yaml", "--detach", "--no-start-worker")
        assert nofx("worker", "--drain").code == 0
    [run] = nofx.runs()
    assert told.of(run) == _seqs(nofx, run)


def test_no_secret_is_told_or_written(nofx: Program) -> None:
    with WebServer() as server:
        _settings(nofx, server.url, more="  slack: {url: chat/URL, format: slack}\n")
        text = (nofx.folder / "nofx.yaml").read_text()
        (nofx.folder / "nofx.yaml").write_text(text.replace("{hooks:", "{chat: {URL: {env: CHAT}}, hooks:"))
        nofx.plan(
            "  - {name: one, tool: shell, secrets_scope: hooks, inputs: {command: 'echo key=$KEY >> $NOFX_OUTPUT'}}\n"
        )
        env = {"CHAT": f"{server.url}/services/T00/verysecretpath"}
        done = nofx("run", "plan.yaml", env=env)
        assert done.code == 0, done
        server.otherwise = Answer(500)
        shown = [nofx("notify", *words, env=env) for words in (["test", "slack"], ["status"])]
    assert {request.path for request in server.requests} == {"/hook", "/services/T00/verysecretpath"}
    said = "".join(one.out + one.err for one in (done, *shown))
    written = b"".join(path.read_bytes() for path in nofx.store.rglob("*") if path.is_file())
    everything = written + said.encode() + b"".join(request.body for request in server.requests)
    assert b"key" in everything
    assert KEY.encode() not in everything
    assert b"verysecretpath" not in everything


def _loaded(nofx: Program, words: Sequence[str]) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *words], cwd=nofx.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_a_project_that_tells_nobody_loads_nothing_for_it(nofx: Program) -> None:
    (nofx.folder / "nofx.yaml").write_text("policy: {tools: {allow: ['*']}}\n")
    nofx.plan('  - {name: one, tool: "test:echo"}\n')
    loaded = _loaded(nofx, ["run", "plan.yaml"])
    ours = ("nofx_cli.wiring.notify", "nofx_cli.worker.notifier", "nofx_cli.engine.deliver", "nofx_cli.domain.notices")
    assert not loaded & {*ours, "nofx_cli.domain.notify", "nofx_cli.planning.notify_settings", "httpx2", "hmac"}
    assert not (nofx.store / "notify").exists()
