"""`db_write` in forked children that die by SIGKILL, and what the next attempt makes of what they left.

A script of its own: the parent stays single-threaded, so that forking it is safe, and imports nofx once for all cases.

    python -m tests.crash.dying_writer FOLDER            in SQLite
    python -m tests.crash.dying_writer FOLDER URL SCHEMA in that schema of a PostgreSQL

From the first call that is to write on, every call to the database, and everything that is put on record, is a point
before it and one after it. For each kind of change a child dies at each of them; a few more die after a random time.
Prints a JSON object for each case.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nofx_cli.domain.effects import Done, Intent
from nofx_cli.domain.ids import JsonObject, StepName
from nofx_cli.domain.outcome import Succeeded
from nofx_cli.handlers.database import opening, work
from nofx_cli.handlers.database.handler import DbWrite
from nofx_cli.testing.context import FakeContext, FakeEffect
from tests.databases import DatabaseUnderTest, PostgresSchema, SqliteFile, fill, spec_of, with_table

ROWS = [(1, "open", 10), (2, "open", 20), (3, "done", 30)]
INSERTED: JsonObject = {"table": "orders", "rows": [{"id": 4, "state": "a"}, {"id": 5, "state": "b"}]}
UPSERTED: JsonObject = {"table": "orders", "rows": [{"id": 3, "state": "a"}, {"id": 5, "state": "b"}], "key": "id"}
CHANGES: Mapping[str, tuple[JsonObject, list[tuple[object, ...]]]] = {
    "insert": ({"insert": INSERTED}, [("insert", 4), ("insert", 5)]),
    "first": ({"insert": INSERTED}, [("insert", 4), ("insert", 5)]),
    "upsert": ({"upsert": UPSERTED}, [("insert", 5), ("update", 3)]),
    "delete": ({"delete": {"table": "orders", "where": {"state": "open"}}}, [("delete", 1), ("delete", 2)]),
    "sql": ({"sql": "update orders set total = total + 1 where id < 3"}, [("update", 1), ("update", 2)]),
}
WITHOUT_ACCOUNTS = "first"
"""The kind of change that makes the table `nofx_effects`, too; it commits twice."""
AT_RANDOM = 6
"""How many children of each kind die after a random time."""


class KeptOpen(PostgresSchema):
    """With one connection for all that the parent looks at; children never touch it, and end without a word."""

    _kept: Any = None

    def _connect(self) -> Any:
        self._kept = self._kept or super()._connect()
        return nullcontext(self._kept)


class Death:
    """Counts the points that a child passes, and dies at one of them; 0: at none."""

    def __init__(self, at: int, notes: Path) -> None:
        self.at, self.count, self.notes, self.is_writing = at, 0, notes, False

    def passes(self, point: str) -> None:
        self.count += self.is_writing
        if self.is_writing and self.count == self.at:
            self.note("died", point)
            os.kill(os.getpid(), signal.SIGKILL)

    def intends(self, intent: Intent) -> None:
        self.note("intended", json.dumps(asdict(intent)))
        self.passes("the intent is on record")

    def note(self, name: str, text: str) -> None:
        (self.notes / name).write_text(text)

    def around(self, point: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def passing(*args: Any, **named: Any) -> Any:
            self.passes(f"before {point}")
            result = call(*args, **named)
            self.passes(f"after {point}")
            return result

        return passing

    def install(self) -> None:
        """Only in a child."""
        done = FakeEffect.done
        work.open_session = self._opened  # type: ignore[attr-defined]
        FakeContext.put_artifact = self.around("before.jsonl", FakeContext.put_artifact)  # type: ignore[method-assign]

        def noted(effect: FakeEffect, result: JsonObject) -> None:
            self.passes("before effect.done")
            self.note("done", json.dumps(result))
            done(effect, result)
            self.passes("after effect.done")

        FakeEffect.done = noted  # type: ignore[method-assign,assignment]

    def _opened(self, *args: Any, **named: Any) -> Any:
        self.is_writing = "most_ms" not in named
        session = self.around("connect", opening.open_session)(*args, **named)
        for name in ("begin", "select", "execute", "commit"):
            setattr(session, name, self.around(name, getattr(session, name)))
        return session


class Case:
    """One change: a child makes it and dies, and another attempt goes on."""

    def __init__(self, database: DatabaseUnderTest, folder: Path, kind: str, name: str) -> None:
        self.database, self.kind, self.name = database, kind, name
        self.folder = folder / f"{kind}-{name}"
        self.folder.mkdir(parents=True)
        self.inputs, self.changes = CHANGES[kind]
        fill(database, ROWS)
        if kind == WITHOUT_ACCOUNTS:
            database.execute("drop table if exists nofx_effects")
        self.handler = DbWrite(folder, lambda: {"main": spec_of(database)})

    def ctx(self, attempt: int, made: Mapping[tuple[str, str], JsonObject] | None = None) -> FakeContext:
        inputs = {"database": "main", **self.inputs}
        step = StepName(f"{self.kind}-{self.name}")
        return FakeContext(self.folder, inputs=inputs, step=step, attempt=attempt, made=made or {})

    def die(self, at: int, after_seconds: float = 0.0) -> int:
        """How a child ended that makes the change."""
        pid = os.fork()
        if pid:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        code = 70
        try:
            death = Death(at, self.folder)
            death.install()
            ctx = self.ctx(1)
            ctx.on_intended = death.intends
            if after_seconds:
                signal.setitimer(signal.ITIMER_REAL, after_seconds)  # ends the process, as nobody handles it
            code = 0 if isinstance(self.handler.run(ctx), Succeeded) else 1
        finally:
            os._exit(code)

    def noted(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def go_on(self) -> dict[str, object]:
        """What the next attempt finds and does, as the engine would have it."""
        made: dict[tuple[str, str], JsonObject] = {}
        found = ""
        if intended := self.noted("intended"):
            intent = Intent(**json.loads(intended))
            if done := self.noted("done"):
                made[intent.kind, intent.target] = json.loads(done)
            else:
                answer = self.handler.reconcile(self.ctx(2), intent)
                found = type(answer).__name__
                if isinstance(answer, Done):
                    made[intent.kind, intent.target] = answer.result
        there = self.made()
        outcome = self.handler.run(self.ctx(2, made))
        return {
            "point": self.noted("died"), "reconciled": found, "there": there, "outcome": type(outcome).__name__,
            "made": self.made() == self.changes, "accounts": self.accounts(),
        }  # fmt: skip

    def made(self) -> list[tuple[object, ...]]:
        return sorted(self.database.rows("select * from changes"))

    def accounts(self) -> int:
        key = self.ctx(1).idempotency_key
        return int(self.database.rows(f"select count(*) from nofx_effects where idempotency_key = '{key}'")[0][0])


def at_every_point(database: DatabaseUnderTest, folder: Path, kind: str) -> Iterator[dict[str, object]]:
    at, goes_on = 0, True
    while goes_on:
        at += 1
        case = Case(database, folder, kind, str(at))
        code = case.die(at)
        goes_on = code != 0
        yield {"kind": kind, "at": at, "code": code, **case.go_on()}


def at_random(database: DatabaseUnderTest, folder: Path, kind: str) -> Iterator[dict[str, object]]:
    chance = random.Random(kind)
    for number in range(AT_RANDOM):
        case = Case(database, folder, kind, f"random-{number}")
        code = case.die(0, chance.uniform(0.001, 0.05))
        yield {"kind": kind, "at": 0, "code": code, **case.go_on()}


def main() -> None:
    folder = Path(sys.argv[1])
    database: DatabaseUnderTest = KeptOpen(*sys.argv[2:4]) if sys.argv[2:] else SqliteFile(folder / "shop.db")
    with_table(database)
    for kind in CHANGES:
        for cases in (at_every_point, at_random):
            for found in cases(database, folder, kind):
                sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
