"""Every driver of `Ledger` under one contract: what was spent since when, and one reservation at a time."""

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId, StepName, new_run_id
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.ledger import FileLedger
from nofx_cli.drivers.filesystem.run_store import FileRunStore
from nofx_cli.drivers.memory.ledger import MemoryLedger
from nofx_cli.drivers.memory.run_store import MemoryRunStore
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.ledger import Ledger

PROJECT = Path("/home/ada/project")
ME = ev.Actor("user", "ada")
MORNING, NOON = "2026-11-22T08:00:00.000000Z", "2026-11-22T12:00:00.000000Z"


class Books:
    """A store and its ledger."""

    def __init__(self, store: RunStore, ledger: Ledger) -> None:
        self.store, self.ledger = store, ledger
        self._runs = 0

    def run(self, project: Path = PROJECT) -> RunId:
        self._runs += 1
        run = new_run_id(at=MORNING, randomness=self._runs)
        created = ev.RunCreated(workspace={"path": str(project)})
        self.store.create(run, "", [ev.Draft(created)], at=MORNING, actor=ME)
        return run

    def append(self, run: RunId, payload: ev.Payload, *, at: str) -> None:
        draft = ev.Draft(payload, StepName("ask"), 1)
        self.store.append(run, self.store.head(run).seq, [draft], at=at, actor=ME)

    def call(self, run: RunId, number: int, *, at: str, reserved: str = "0.10", cost: float | None = 0.04) -> None:
        self.append(run, ev.LlmRequested("d", "a/b", number, reserved, 1000), at=at)
        self.append(run, ev.LlmResponded("d", "a/b", {"input": 10, "output": 5}, cost, number), at=at)


def files(folder: Path) -> Books:
    layout = Layout(folder, sync=False)
    return Books(FileRunStore(layout), FileLedger(layout, PROJECT))


def memory(folder: Path) -> Books:
    store = MemoryRunStore()
    return Books(store, MemoryLedger(store))


@pytest.fixture(params=[files, memory], ids=["files", "memory"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Books:
    make: Callable[[Path], Books] = request.param
    return make(tmp_path)


def test_nothing_was_spent_where_there_is_nothing(books: Books) -> None:
    assert books.ledger.spent(since=MORNING).calls == 0


def test_all_runs_count_and_go_on_counting(books: Books) -> None:
    one, two = books.run(), books.run()
    books.call(one, 1, at=NOON)
    books.call(two, 1, at=NOON)
    first = books.ledger.spent(since=MORNING)
    books.call(one, 2, at=NOON)

    second = books.ledger.spent(since=MORNING)

    assert (first.usd, first.tokens, first.calls) == (Decimal("0.08"), 30, 2)
    assert (second.usd, second.tokens, second.calls) == (Decimal("0.12"), 45, 3)


def test_what_was_asked_before_the_period_does_not_count(books: Books) -> None:
    run = books.run()
    books.call(run, 1, at=MORNING)
    books.call(run, 2, at=NOON)

    assert books.ledger.spent(since=NOON).calls == 1


def test_what_is_reserved_and_what_nobody_knows_counts_in_full(books: Books) -> None:
    run = books.run()
    books.call(run, 1, at=NOON, cost=None)
    books.append(run, ev.LlmRequested("d", "a/b", 2, "0.30", 500), at=NOON)

    spent = books.ledger.spent(since=MORNING)

    assert (spent.usd, spent.calls, spent.unknown) == (Decimal("0.40"), 2, 2)


def test_one_at_a_time_has_the_turn(books: Books) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def take() -> None:
        nonlocal inside, most
        for _ in range(20):
            with books.ledger.turn():
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_other_projects_of_a_store_have_their_own(tmp_path: Path) -> None:
    books = files(tmp_path)
    books.call(books.run(Path("/home/ada/other")), 1, at=NOON)
    books.call(books.run(), 1, at=NOON)

    assert books.ledger.spent(since=MORNING).calls == 1


def test_a_line_that_is_not_whole_yet_is_read_when_it_is(tmp_path: Path) -> None:
    books = files(tmp_path)
    run = books.run()
    books.call(run, 1, at=NOON)
    [journal] = tmp_path.rglob("journal.jsonl")
    whole = journal.read_bytes()
    books.call(run, 2, at=NOON)
    more = journal.read_bytes()
    journal.write_bytes(more[: len(whole) + 40])
    assert books.ledger.spent(since=MORNING).calls == 1

    journal.write_bytes(more)

    assert books.ledger.spent(since=MORNING).calls == 2
