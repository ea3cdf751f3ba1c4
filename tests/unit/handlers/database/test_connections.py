"""What goes wrong between nofx and a database: the change is made once or not at all, and it is told what to do."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.effects import Done, Intent, NotDone, Unclear
from nofx_cli.domain.outcome import Outcome, Succeeded
from nofx_cli.handlers.database import opening, work
from nofx_cli.handlers.database.handler import DbWrite
from nofx_cli.handlers.database.session import Lost, Session
from nofx_cli.handlers.database.where import Bound
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.testing.context import FakeContext
from nofx_cli.testing.waiting import wait_until
from tests.databases import DatabaseUnderTest, postgres_schema, spec_of
from tests.unit.handlers.database.scene import CLOSE, ROWS, Scene, failure, outputs, sql

INSERT = sql("insert into orders (id, state) values (7, 'x')")


@pytest.fixture
def scene(database: DatabaseUnderTest, tmp_path: Path) -> Scene:
    return Scene(database, tmp_path)


class Failing:
    """A session that is lost at one of its calls: before it, or after it was done."""

    def __init__(self, session: Session, name: str, *, done: bool) -> None:
        self._session, self._name, self._done = session, name, done

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._session, name)
        return self._fail(call) if name == self._name else call

    def _fail(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*args: Any, **named: Any) -> Any:
            if self._done:
                call(*args, **named)
            raise Lost("the connection broke")

        return failing


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let sessions for writing be lost at a call, the first so many."""

    def install(name: str, *, done: bool = False, times: int = 1) -> None:
        left = [times]

        def opened(*args: Any, **named: Any) -> Any:
            session = opening.open_session(*args, **named)
            if "most_ms" in named or not left[0]:
                return session
            left[0] -= 1
            return Failing(session, name, done=done)

        monkeypatch.setattr(work, "open_session", opened)

    return install


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something done when all is counted, right before a change is written."""

    def install(first: Callable[[], object]) -> None:
        write = work.Work.write

        def after(self: work.Work, *given: Any) -> Any:
            first()
            return write(self, *given)

        monkeypatch.setattr(work.Work, "write", after)

    return install


class TestLost:
    @pytest.mark.parametrize(
        ("name", "done"), [("commit", True), ("commit", False), ("execute", False), ("execute", True)]
    )
    def test_a_connection_that_breaks_is_made_anew_and_the_change_is_made_once(
        self, scene: Scene, losing: Callable[..., None], name: str, *, done: bool
    ) -> None:
        scene.run({"insert": {"table": "orders", "values": {"id": 0}}})  # so that the accounts are there
        losing(name, done=done)
        assert outputs(scene.run(CLOSE))["rows"] == 2
        assert scene.changes() == [("insert", 0), ("update", 1), ("update", 2)]

    def test_one_that_breaks_again_and_again_is_told_and_the_next_attempt_finds_out(
        self, scene: Scene, losing: Callable[..., None]
    ) -> None:
        scene.run({"insert": {"table": "orders", "values": {"id": 0}}})
        losing("begin", times=99)
        ctx = scene.ctx(CLOSE)
        outcome = failure(scene.handler.run(ctx))
        assert (outcome.error.code, outcome.retryable) == ("database-unreachable", True)
        assert ctx.effects == []
        losing("commit", times=99)
        failure(scene.handler.run(ctx))
        assert scene.reconciled(ctx) == NotDone()
        assert scene.changes() == [("insert", 0)]

    def test_reconcile_looks_for_the_row(self, scene: Scene) -> None:
        ctx = scene.ctx(CLOSE)
        told = outputs(scene.handler.run(ctx))
        found = scene.reconciled(ctx)
        assert isinstance(found, Done)
        assert {**found.result, "before": "before.jsonl"} == told
        unclear = scene.handler.reconcile(ctx, Intent("db.write", "main orders", "another digest"))
        assert isinstance(unclear, Unclear)
        assert ctx.idempotency_key in unclear.known

    def test_an_attempt_that_goes_on_has_the_result_and_does_nothing(self, scene: Scene) -> None:
        first = scene.ctx(CLOSE)
        told = outputs(scene.handler.run(first))
        [effect] = first.effects
        assert effect.result is not None
        scene.database.execute("drop table nofx_effects")  # it does not even look
        again = scene.ctx(CLOSE, attempt=2, made={("db.write", "main orders"): effect.result})
        assert outputs(scene.handler.run(again)) == told
        assert again.logged[0] == "the change was made by an earlier attempt; nothing was done"
        assert scene.changes() == [("update", 1), ("update", 2)]


class TestTogether:
    def test_two_attempts_at_the_same_time_make_it_once(
        self, scene: Scene, writing: Callable[[Callable[[], object]], None]
    ) -> None:
        writing(threading.Barrier(4).wait)
        ended: list[Outcome] = []

        def attempt() -> None:
            ended.append(scene.handler.run(scene.ctx(INSERT)))

        threads = [threading.Thread(target=attempt) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(isinstance(one, Succeeded) for one in ended), ended
        assert len(ended) == 4
        assert scene.changes() == [("insert", 7)]
        assert len(scene.accounts()) == 1

    def test_a_step_that_is_cancelled_while_others_hold_the_rows_changes_nothing(
        self, scene: Scene, writing: Callable[[Callable[[], object]], None]
    ) -> None:
        scene.run({"insert": {"table": "orders", "values": {"id": 0}}})
        stopped: list[BaseException] = []
        begun = threading.Event()
        writing(begun.set)
        ctx = scene.ctx(CLOSE)

        def attempt() -> None:
            try:
                scene.handler.run(ctx)
            except StepCancelled as exc:
                stopped.append(exc)

        with scene.database.transaction("update orders set total = 1 where id = 1"):
            thread = threading.Thread(target=attempt)
            thread.start()
            assert begun.wait(20)
            ctx.stop = "cancelled"
            thread.join(6)  # less than it would wait for the others
            assert not thread.is_alive()
        assert len(stopped) == 1
        assert scene.orders() == [(0, None, None), *ROWS]
        assert ctx.effects == []

    def test_the_rows_that_are_kept_are_held(self, tmp_path: Path) -> None:
        with postgres_schema() as database:
            Scene(database, tmp_path)
            place = opening.place_of(spec_of(database), FakeContext(tmp_path), tmp_path)
            session = opening.open_session(place, FakeContext(tmp_path))
            take = "select id from orders for update skip locked"
            with closing(session):
                session.begin(write=True)
                session.select(Bound("SELECT * FROM orders WHERE id = 1"), lock=True)
                assert database.rows(take) == [(2,), (3,)]
            wait_until(lambda: len(database.rows(take)) == 3, timeout=20, why="the end of the transaction")


class TestReaching:
    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        handler = DbWrite(tmp_path, lambda: {"main": DatabaseSpec("main", "sqlite:shop.db")})
        with pytest.raises(errors.NotFound, match=r"there is no database .*shop.db") as told:
            handler.preview(FakeContext(tmp_path, inputs={"database": "main", **CLOSE}))
        assert told.value.code == "database-not-found"
        assert not (tmp_path / "shop.db").exists()

    def test_a_file_in_the_workspace_has_to_be_writable_for_the_step(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE})
        handler = DbWrite(ctx.workspace, lambda: {"main": DatabaseSpec("main", "sqlite:var/shop.db")})
        with pytest.raises(errors.NotFound):
            handler.preview(ctx)
        assert ctx.asked == [("update", "orders"), ("write", "var/shop.db")]

    def test_a_server_that_does_not_answer(self, tmp_path: Path) -> None:
        url = "postgresql://me@127.0.0.1:9/shop"
        spec = DatabaseSpec("main", url, password_secret="db/PASSWORD")
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE}, secrets={"PASSWORD": "s3cret-pass"})
        outcome = failure(DbWrite(tmp_path, lambda: {"main": spec}).run(ctx))
        assert (outcome.error.code, outcome.retryable) == ("database-unreachable", True)
        assert "the database at 127.0.0.1, database shop cannot be reached: " in outcome.error.message
        assert "s3cret-pass" not in str(outcome)
        with pytest.raises(errors.Unavailable):
            DbWrite(tmp_path, lambda: {"main": spec}).reconcile(ctx, Intent("db.write", "main orders", "x"))

    def test_what_the_server_says_has_no_password_in_it(self, tmp_path: Path) -> None:
        with postgres_schema() as database:
            url = f"postgresql://s3cret-pass@{database.url.partition('@')[2]}"
            spec = DatabaseSpec("main", url, password_secret="db/PASSWORD")
            ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE}, secrets={"PASSWORD": "s3cret-pass"})
            told = failure(DbWrite(tmp_path, lambda: {"main": spec}).run(ctx)).error.message
            assert 'role "***" does not exist' in told

    def test_an_address_with_its_password_comes_from_a_secret(self, tmp_path: Path) -> None:
        with postgres_schema() as database:
            database.execute("create table orders (id integer, state text)")
            spec = DatabaseSpec("main", url_secret="db/URL", schema=database.schema)
            handler = DbWrite(tmp_path, lambda: {"main": spec})
            url = database.url.replace("@", ":anything-at-all@")
            ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE}, secrets={"URL": url})
            assert handler.preview(ctx)["rows"] == 0
            assert "anything-at-all" not in str(ctx.asked)
            without = FakeContext(tmp_path, inputs={"database": "main", **CLOSE})
            with pytest.raises(
                errors.InvalidInput, match="takes the secret db/URL, which step step does not have"
            ) as told:
                handler.preview(without)
            assert told.value.hint == "write `secrets_scope: db` on the step"

    @pytest.mark.parametrize("url", ["mysql://root:hidden@host/db", "postgresql://me:hidden@[bad/db", "hidden"])
    def test_an_address_that_cannot_be_used_is_not_repeated(self, tmp_path: Path, url: str) -> None:
        spec = DatabaseSpec("main", url_secret="db/URL")
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE}, secrets={"URL": url})
        with pytest.raises(errors.InvalidInput, match="the address of database main cannot be used") as told:
            DbWrite(tmp_path, lambda: {"main": spec}).preview(ctx)
        assert "hidden" not in str(told.value.__dict__)

    def test_without_the_extra_it_is_told_how_to_install_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
        spec = DatabaseSpec("main", "postgresql://me@127.0.0.1/shop")
        ctx = FakeContext(tmp_path, inputs={"database": "main", **CLOSE})
        with pytest.raises(errors.NotFound, match="takes the extra `db`") as told:
            DbWrite(tmp_path, lambda: {"main": spec}).preview(ctx)
        assert told.value.hint == "python -m pip install 'nofx-cli[db]'"


def test_who_may_not_make_the_table_of_accounts_is_told_what_its_owner_executes(tmp_path: Path) -> None:
    with postgres_schema() as database:
        scene = Scene(database, tmp_path)
        role = f"{database.schema}_role"
        database.execute(
            f"create role {role} login",
            f"grant usage on schema {database.schema} to {role}",
            f"grant select, update on orders to {role}",
            f"grant insert on changes to {role}",
        )
        try:
            url = f"postgresql://{role}@{database.url.partition('@')[2]}"
            handler = DbWrite(tmp_path, lambda: {"main": DatabaseSpec("main", url, schema=database.schema)})
            with pytest.raises(errors.InvalidInput) as told:
                handler.run(scene.ctx(CLOSE))
            assert told.value.code == "database-no-accounts"
            database.execute(
                told.value.hint.removeprefix("let its owner execute: "),
                f"grant select, insert, update on nofx_effects to {role}",
            )
            assert outputs(handler.run(scene.ctx(CLOSE)))["rows"] == 2
        finally:
            database.execute(f"drop owned by {role}", f"drop role {role}")
