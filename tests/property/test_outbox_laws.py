"""Whatever a receiver answers and whoever dies: all events of a run are told at last, and in their order."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from nofx_cli.clock import ManualClock, format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.events import Actor, Draft
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.outbox import FileOutbox
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.engine.deliver import Courier
from nofx_cli.safety.web_request import Request, Response, Unanswered

RUNS = [RunId(f"2099010{day}-120000-aaaaaa") for day in (1, 2)]
ADA = Actor("user", "ada")

ANSWERS = st.sampled_from([200, 200, 200, 500, 400, 429, "lost", "took and lost", "killed"])
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.sampled_from(RUNS)),
        st.tuples(st.just("end"), st.sampled_from(RUNS)),
        st.tuples(st.just("deliver"), st.lists(ANSWERS, max_size=6)),
    ),
    max_size=20,
)


class Killed(BaseException):
    """The deliverer dies here: nothing that follows in it happens."""


class Receiver:
    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []
        self.answers: Iterator[int | str] = iter(())

    def __call__(self, request: Request) -> Response:
        answer = next(self.answers, 200)
        notice = json.loads(request.body)
        if answer in (200, "took and lost", "killed"):
            self.taken.append((notice["run"], notice["seq"]))
        if answer == "killed":
            raise Killed
        if isinstance(answer, str):
            raise Unanswered(answer)
        return Response(answer, {}, b"", request.url)


def _play(folder: Path, moves: list[tuple[str, object]]) -> tuple[MemoryRunStore, Receiver]:
    clock, store, receiver = ManualClock("2099-01-01T12:00:00.000000Z"), MemoryRunStore(), Receiver()

    def outbox() -> FileOutbox:
        return FileOutbox(Layout(folder / "store", sync=False), folder, "team")

    def deliver(answers: list[int | str]) -> None:
        courier = Courier(
            NotifyTarget("team", "https://x.example", events=("*",)), outbox(), store=store, project=str(folder),
            secrets_of=lambda scopes: {}, clock=clock, mask=lambda value: value, send=receiver,
        )  # fmt: skip
        receiver.answers = iter(answers)
        try:
            courier.round()
        except Killed:
            return

    def append(run: RunId, payload: ev.Payload) -> None:
        at = format_at(clock.now_us())
        store.append(run, store.head(run).seq, [Draft(payload)], at=at, actor=ADA)
        outbox().open(run)  # whoever executes a run does this before

    for run in RUNS:
        first = ev.RunCreated(workspace={"path": str(folder)})
        store.create(run, "a plan", [Draft(first)], at=format_at(clock.now_us()), actor=ADA)
        outbox().open(run)
    for kind, what in moves:
        clock.advance(1_500)
        if kind == "deliver":
            deliver(what)  # type: ignore[arg-type]
        else:
            append(what, ev.RunResumed() if kind == "event" else ev.RunSucceeded())  # type: ignore[arg-type]
    for _ in range(3):
        clock.advance(3_600_000)
        deliver([])
    assert all(not outbox().health.tries for _ in RUNS)
    return store, receiver


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_every_event_is_told_once_or_more_and_those_of_a_run_in_order(moves: list[tuple[str, object]]) -> None:
    with TemporaryDirectory() as folder:
        store, receiver = _play(Path(folder), moves)
    for run in RUNS:
        told = [seq for name, seq in receiver.taken if name == run]
        assert list(dict.fromkeys(told)) == list(range(1, store.head(run).seq + 1))
        assert all(later >= before for before, later in pairwise(told)), "an older event came later"
