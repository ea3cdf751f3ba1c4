"""Telling a target: in order, at least once, nothing left out, whatever it answers."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.events import Actor, Draft, Payload
from nofx_cli.domain.ids import JsonObject, RunId, StepName
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.domain.signature import verify_signature
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.outbox import FileOutbox
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.engine.deliver import Courier, Told
from nofx_cli.safety.notice_request import LIMITS
from nofx_cli.safety.web_request import Request, Response, Unanswered

URL, ADA = "https://hooks.example/path-s3cr3t", Actor("user", "ada")
ONE, TWO = RunId("20990101-120000-aaaaaa"), RunId("20990101-120001-aaaaaa")
SUCCEEDED = ev.RunSucceeded()


class Receiver:
    """Takes what is sent, and answers as a test says: a status, or an exception to raise."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[int | Exception] = []
        self.headers: dict[str, str] = {}
        self.judge: Callable[[JsonObject], int] | None = None

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        if self.judge is not None:
            answer = self.judge(json.loads(request.body))
        if isinstance(answer, Exception):
            raise answer
        return Response(answer, self.headers, b"", request.url)

    @property
    def ids(self) -> list[str]:
        return [request.headers["X-Nofx-Delivery"] for request in self.requests]


class Post:
    """A store with runs, a target, and who tells it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock("2099-01-01T12:00:00.000000Z")
        self.store, self.receiver = MemoryRunStore(), Receiver()
        self.layout, self.project = Layout(folder / "store", sync=False), folder / "project"
        self.secrets = {"KEY": "k3y", "URL": URL}
        self.asked: list[tuple[str, ...]] = []

    def outbox(self, name: str = "team") -> FileOutbox:
        return FileOutbox(self.layout, self.project, name)

    def courier(self, **wishes: Any) -> Courier:
        target = NotifyTarget("team", **{"url": URL, "events": ("run.*",), **wishes})
        return Courier(
            target,
            self.outbox(),
            store=self.store,
            project=str(self.project),
            secrets_of=self._secrets_of,
            clock=self.clock,
            mask=lambda value: value,
            send=self.receiver,
        )

    def run(self, run: RunId = ONE, *payloads: Payload, place: str = "", **created: Any) -> None:
        first = ev.RunCreated(plan_name="ship", workspace={"path": place or str(self.project)}, **created)
        drafts = [Draft(payload) for payload in (first, *payloads)]
        self.store.create(run, "a plan", drafts, at=format_at(self.clock.now_us()), actor=ADA)
        self.outbox().open(run)

    def goes_on(self, run: RunId, *payloads: Payload) -> None:
        drafts = [Draft(payload) for payload in payloads]
        head = self.store.head(run).seq
        self.store.append(run, head, drafts, at=format_at(self.clock.now_us()), actor=ADA)

    def _secrets_of(self, scopes: tuple[str, ...]) -> dict[str, str]:
        self.asked.append(scopes)
        return self.secrets


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def _ids(run: RunId, seqs: Sequence[int]) -> list[str]:
    return [f"{run}:{seq}" for seq in seqs]


def test_the_events_of_a_run_are_told_in_order_and_once(post: Post) -> None:
    post.run(ONE, ev.RunStarted(), ev.StepEnqueued(), SUCCEEDED)
    courier = post.courier()
    assert courier.round() == Told(sent=3)
    assert courier.round() == Told()
    assert post.courier().round() == Told()
    assert post.receiver.ids == _ids(ONE, [1, 2, 4])


def test_an_ended_run_is_closed_and_one_that_waits_stays_open(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.run(TWO, ev.RunWaiting(("a",)))
    courier = post.courier()
    courier.round()
    assert courier.outbox.runs() == [TWO]
    post.goes_on(TWO, ev.RunResumed(), SUCCEEDED)
    assert courier.round() == Told(sent=2)
    assert courier.outbox.runs() == []


def test_a_run_that_goes_on_after_its_end_is_told_of_from_there(post: Post) -> None:
    post.run(ONE, ev.RunFailed())
    post.courier().round()
    post.goes_on(ONE, ev.RunResumed(), SUCCEEDED)
    post.outbox().open(ONE)
    assert post.courier().round() == Told(sent=2)
    assert post.receiver.ids == _ids(ONE, [1, 2, 3, 4])


def test_what_a_request_holds(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.courier(events=("run.succeeded",), secret="hooks/KEY").round()
    [request] = post.receiver.requests
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["X-Nofx-Event"] == "run.succeeded"
    stamp, signature = request.headers["X-Nofx-Timestamp"], request.headers["X-Nofx-Signature"]
    now = post.clock.now_us() / 1_000_000
    assert verify_signature("k3y", signature, timestamp=stamp, body=request.body, now=now)
    assert not verify_signature("other", signature, timestamp=stamp, body=request.body, now=now)
    body = json.loads(request.body)
    assert (body["id"], body["type"], body["plan"], body["status"]) == (
        f"{ONE}:2",
        "run.succeeded",
        "ship",
        "succeeded",
    )


def test_without_a_secret_nothing_is_signed_and_none_is_asked_for(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.courier().round()
    assert "X-Nofx-Signature" not in post.receiver.requests[0].headers
    assert post.asked == []


def test_an_address_may_be_a_secret_and_is_looked_up_once(post: Post) -> None:
    post.run(ONE, ev.RunStarted(), SUCCEEDED)
    post.courier(url="slack/URL", format="slack").round()
    assert [request.url for request in post.receiver.requests] == [URL] * 3
    assert post.asked == [("slack",)]
    assert json.loads(post.receiver.requests[2].body)["text"] == f"ship ({ONE}) succeeded"


def test_what_is_masked_is_not_told(post: Post) -> None:
    post.run(ONE, ev.RunCancelled("hunter2"))
    courier = post.courier()
    courier._mask = lambda value: json.loads(json.dumps(value, default=dict).replace("hunter2", "***"))
    courier.round()
    assert b"hunter2" not in b"".join(request.body for request in post.receiver.requests)


@pytest.mark.parametrize("answer", [Unanswered("gone"), 500, 503, 429, 401, 404, 302])
def test_a_target_that_cannot_be_told_is_left_alone_for_longer_each_time(post: Post, answer: int | Exception) -> None:
    post.run(ONE, SUCCEEDED)
    courier = post.courier()
    pauses = []
    for _ in range(9):
        post.receiver.answers = [answer]
        told = courier.round()
        assert (told.sent, told.left, bool(told.error)) == (0, 1, True)
        pauses.append((courier.outbox.health.next_us - post.clock.now_us()) // 1000)
        tried = len(post.receiver.requests)
        assert courier.round().left == 1
        assert len(post.receiver.requests) == tried, "it was asked before its time"
        post.clock.advance(pauses[-1])
    assert pauses == [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 300_000, 300_000]
    assert courier.round() == Told(sent=2)
    assert courier.outbox.health.tries == 0
    assert sorted(set(post.receiver.ids)) == _ids(ONE, [1, 2])


def test_it_is_left_alone_for_as_long_as_it_asks_within_an_hour(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    courier = post.courier()
    for asked, waits in (("120", 120_000), ("999999", 3_600_000)):
        post.receiver.answers, post.receiver.headers = [429], {"retry-after": asked}
        courier.round(force=True)
        assert (courier.outbox.health.next_us - post.clock.now_us()) // 1000 == waits


def test_what_cannot_be_told_now_is_told_first_later(post: Post) -> None:
    post.run(ONE, ev.RunStarted(), ev.RunWaiting(("a",)))
    post.receiver.answers = [200, Unanswered("gone")]
    courier = post.courier()
    assert courier.round() == Told(1, 1, "gone")
    post.goes_on(ONE, ev.RunResumed(), SUCCEEDED)
    post.clock.advance(1_000)
    assert courier.round() == Told(sent=4)
    assert post.receiver.ids == _ids(ONE, [1, 2, 2, 3, 4, 5])


def test_no_other_run_is_tried_where_the_target_is_out_of_reach(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.run(TWO, SUCCEEDED)
    post.receiver.answers = [Unanswered("gone")]
    assert post.courier().round() == Told(0, 1, "gone")
    assert len(post.receiver.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_event_holds_up_its_own_run_only(post: Post, status: int) -> None:
    post.run(ONE, SUCCEEDED)
    post.run(TWO, SUCCEEDED)
    post.receiver.judge = lambda notice: status if notice["run"] == ONE else 200
    courier = post.courier()
    told = courier.round()
    assert (told.sent, told.left) == (2, 1)
    assert told.error == f"https://hooks.example answered with status {status} ({ONE}:1)"
    assert courier.outbox.health.tries == 0
    assert courier.round() == Told(0, 1, f"https://hooks.example answered with status {status}")
    assert post.receiver.ids == [f"{ONE}:1", f"{TWO}:1", f"{TWO}:2"]
    post.receiver.judge = None
    post.clock.advance(1_000)
    assert courier.round() == Told(sent=2)


def test_what_is_put_off_can_be_forced(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.receiver.answers = [500, 400]
    courier = post.courier()
    courier.round()
    courier.round(force=True)
    assert courier.round(force=True) == Told(sent=2)


def test_an_address_that_cannot_be_used_is_told(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.receiver.answers = [errors.InvalidInput("the address cannot be used")]
    assert post.courier().round() == Told(0, 1, "the address cannot be used")


def test_no_error_tells_the_path_of_an_address(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.receiver.answers = [500]
    assert "s3cr3t" not in post.courier().round().error


def test_who_finds_a_run_in_other_hands_leaves_it_and_says_so(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    with post.outbox().hold(ONE):
        assert post.courier().round() == Told(left=1)
    assert post.courier().round() == Told(sent=2)


def test_runs_of_other_projects_and_replays_are_nobodys_business(post: Post) -> None:
    post.run(ONE, SUCCEEDED, place="/elsewhere")
    post.run(TWO, SUCCEEDED, origin={"kind": "replay", "run": ONE})
    courier = post.courier()
    assert courier.round() == Told()
    assert courier.outbox.runs() == []


def test_a_run_that_is_gone_is_forgotten(post: Post) -> None:
    post.outbox().open(ONE)
    courier = post.courier()
    assert courier.round() == Told()
    assert courier.outbox.runs() == []


def test_one_damaged_journal_does_not_hold_up_the_others(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.run(ONE, SUCCEEDED)
    post.run(TWO, SUCCEEDED)
    read = post.store.read

    def damaged(run: RunId, *, after_seq: int = 0) -> Any:
        if run == ONE:
            raise errors.StoreFailure("a line cannot be read", code="journal-damaged")
        return read(run, after_seq=after_seq)

    monkeypatch.setattr(post.store, "read", damaged)
    assert post.courier().round() == Told(2, 1, "a line cannot be read")


def test_events_from_before_the_target_came_to_be_are_not_told(post: Post) -> None:
    post.clock = ManualClock("2020-01-01T12:00:00.000000Z")
    post.run(ONE, ev.RunStarted())
    post.clock = ManualClock("2099-01-01T12:00:00.000000Z")
    post.goes_on(ONE, SUCCEEDED)
    assert post.courier().round() == Told(sent=1)
    assert post.receiver.ids == _ids(ONE, [3])


def test_what_is_left_is_counted_and_can_be_let_go_of(post: Post) -> None:
    post.run(ONE, ev.RunStarted(), SUCCEEDED)
    post.run(TWO, ev.RunWaiting(("a",)))
    post.receiver.answers = [200, 500]
    courier = post.courier()
    courier.round()
    assert courier.left() == (2, 4)
    assert courier.drop() == 2
    assert (courier.left(), courier.outbox.runs(), courier.outbox.health.tries) == ((0, 0), [TWO], 0)
    post.goes_on(TWO, SUCCEEDED)
    assert courier.round() == Told(sent=1)


def test_the_rest_is_left_for_later_where_that_is_asked_for(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.run(TWO, SUCCEEDED)
    post.courier().round(stop=lambda: len(post.receiver.requests) >= 2)
    assert post.receiver.ids == _ids(ONE, [1, 2])
    assert post.courier().round(only=TWO) == Told(sent=2)


def test_steps_are_named(post: Post) -> None:
    post.run(ONE)
    post.store.append(
        ONE,
        1,
        [Draft(ev.ApprovalRequested("d", "Right?"), StepName("ok"))],
        at=format_at(post.clock.now_us()),
        actor=ADA,
    )
    post.courier(events=("approval.*",)).round()
    assert json.loads(post.receiver.requests[0].body)["step"] == "ok"


def test_what_comes_while_the_end_of_a_run_is_told_keeps_it_open(post: Post) -> None:
    """It ends, goes on and ends again, all before the receiver has answered."""
    post.run(ONE, SUCCEEDED)

    def goes_on(notice: JsonObject) -> int:
        post.receiver.judge = None
        post.goes_on(ONE, ev.RunResumed(), SUCCEEDED)
        return 200

    courier = post.courier(events=("run.succeeded",))
    post.receiver.judge = goes_on
    assert courier.round() == Told(sent=1)
    assert courier.outbox.runs() == [ONE]
    assert courier.round() == Told(sent=1)
    assert post.receiver.ids == _ids(ONE, [2, 4])
    assert courier.outbox.runs() == []


def test_a_target_is_told_again_after_the_clock_was_set_back(post: Post) -> None:
    post.run(ONE, SUCCEEDED)
    post.receiver.answers = [503]
    assert post.courier().round().left == 1
    post.clock = ManualClock("2098-01-01T12:00:00.000000Z")
    assert post.courier().round().sent == 2


def test_signs_that_no_encoding_has_are_told_as_json_writes_them(post: Post) -> None:
    post.run(ONE, ev.RunCancelled("not \udc80"))
    assert post.courier().round().left == 0
    assert "not \udc80" in json.loads(post.receiver.requests[-1].body)["text"]


def test_a_receiver_is_asked_for_its_status_alone() -> None:
    assert not LIMITS.reads_body
