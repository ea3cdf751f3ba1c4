"""`kill -9` at every point of pushing a branch and opening a pull request: one branch, one push, one pull request."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.conftest import nofx, work
from tests.acceptance.program import PATIENCE, Program
from tests.acceptance.pull_request_project import TOKEN, Shop
from tests.acceptance.workplace import Workplace
from tests.crash.dying_pull_request import POINTS
from tests.forge_server import ForgeServer

__all__ = ["nofx", "work"]

pytestmark = pytest.mark.crash

OF_WORKERS = ("the pull request is open, and not on record",)
OF_RUNS = ("the push is made, and not known to be", "the pull request is open, and not on record")
"""Where they die in the default suite; the other points are among the tests that take long."""


@pytest.fixture
def shop(nofx: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with ForgeServer(tmp_path / "bare.git", token=TOKEN) as forge:
        yield Shop(nofx, tmp_path, forge)


def dying(shop: Shop, point: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.crash.dying_pull_request", point, str(shop.bare.parent / "hits"))


def here(shop: Shop, work: Workplace, point: str) -> int:
    program = Program(shop.nofx.folder, shop.nofx.store)
    program.command = dying(shop, point)
    return program("approve", "pr").code


def in_a_worker(shop: Shop, work: Workplace, point: str) -> int:
    assert shop.nofx("approve", "pr", "--no-resume").code == 0
    return work.worker(command=dying(shop, point)).ended()


def resumed(shop: Shop, work: Workplace) -> None:
    told = shop.nofx("resume", "latest")
    assert told.code == 0, told


def taken_over(shop: Shop, work: Workplace) -> None:
    worker = work.worker()
    work.has("", "run.succeeded")
    worker.signal()
    assert worker.ended() == 0


@pytest.mark.parametrize(
    ("die", "go_on", "point"),
    [
        pytest.param(die, go_on, point, marks=() if point in usual else pytest.mark.long)
        for die, go_on, usual in ((here, resumed, OF_RUNS), (in_a_worker, taken_over, OF_WORKERS))
        for point in POINTS
    ],
)
def test_there_is_one_push_and_one_pull_request(
    shop: Shop,
    work: Workplace,
    die: Callable[[Shop, Workplace, str], int],
    go_on: Callable[[Shop, Workplace], None],
    point: str,
) -> None:
    more = ("--detach", "--no-start-worker") if die is in_a_worker else ()
    plan = shop.plan(remote=shop.forge.git, repository=None)
    if more:
        assert shop.nofx("run", plan, *more).code == 0
        asking = work.worker()
        work.has("", "run.waiting")
        asking.signal()
        assert asking.ended() == 0
    else:
        assert shop.nofx("run", plan).code == 8
    assert die(shop, work, point) == -signal.SIGKILL
    assert (shop.bare.parent / "hits").read_text() == f"{point}\n"
    go_on(shop, work)
    assert shop.changed() == ["A notes.md"]
    assert len(shop.branches()) == len(shop.forge.pulls) == shop.forge.pushes == 1
    assert shop.forge.asked.count("POST /api/v3/repos/team/shop/pulls") == 1
    outputs = shop.step()["outputs"]
    assert (outputs["number"], outputs["commit"]) == (1, shop.remote("rev-parse", shop.branches()[0]))
    assert shop.nofx.types().count("approval.requested pr") == 1
    assert [path.name for path in shop.bare.parent.rglob("nofx-pull-request-*")] == []


def test_what_is_in_the_forges_hands_when_nofx_dies_is_found(shop: Shop) -> None:
    """The request arrived, and nofx dies before the forge has done anything with it."""
    assert shop.run().code == 8
    running: list[object] = []

    def kill() -> None:
        process = shop.nofx.started[-1]
        process.kill()
        running.append(process.wait(PATIENCE))

    shop.forge.next("POST", kill)
    shop.nofx.start("approve", "pr")
    wait_until(lambda: bool(shop.forge.pulls), timeout=PATIENCE, why="the pull request")
    assert running == [-signal.SIGKILL]
    told = shop.nofx("resume", "latest")
    assert told.code == 0, told
    assert len(shop.forge.pulls) == 1
