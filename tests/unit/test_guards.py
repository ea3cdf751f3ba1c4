"""The guards of `tests/conftest.py` themselves: each must bite, and let through what is the test's own."""

import os
import socket
from pathlib import Path

import pytest

from nofx_cli.clock import SystemClock
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.workers import FileWorkers
from nofx_cli.testing.child import Child, listen, say
from nofx_cli.testing.left_workers import end_workers
from nofx_cli.testing.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_store_of_a_test_is_in_its_own_folder(tmp_path: Path) -> None:
    assert Path(os.environ["NOFX_HOME"]).is_relative_to(tmp_path)
    assert Path.home().is_relative_to(tmp_path)
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("name", ["CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR", "NOFX_ACTOR", "GIT_DIR"])
def test_what_the_caller_has_set_is_not_seen(name: str) -> None:
    assert name not in os.environ


def test_a_store_beside_the_project_is_refused() -> None:
    with pytest.raises(RuntimeError, match="belongs into its tmp_path"):
        (REPOSITORY / "local_data").mkdir()
    assert not (REPOSITORY / "local_data" / "runs" / "guard").exists()


def test_a_file_of_the_project_cannot_be_written() -> None:
    with pytest.raises(RuntimeError, match="belongs into its tmp_path"):
        (REPOSITORY / "guard.txt").write_text("")
    assert not (REPOSITORY / "guard.txt").exists()


def test_a_file_cannot_be_moved_into_the_project(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("")
    with pytest.raises(RuntimeError, match="belongs into its tmp_path"):
        mine.rename(REPOSITORY / "guard.txt")


def test_a_file_of_the_project_can_be_read() -> None:
    assert (REPOSITORY / "pyproject.toml").read_text().startswith("[build-system]")


def test_the_world_cannot_be_reached_by_name() -> None:
    with pytest.raises(RuntimeError, match=r"reached for 'example\.invalid'"):
        socket.create_connection(("example.invalid", 80), timeout=0.1)


@pytest.mark.parametrize("connect", [socket.socket.connect, socket.socket.connect_ex])
def test_the_world_cannot_be_reached_by_number(connect: object) -> None:
    assert callable(connect)
    with socket.socket() as sock, pytest.raises(RuntimeError, match=r"reached for '192\.0\.2\.1'"):
        connect(sock, ("192.0.2.1", 80))


def test_loopback_can_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_wait_that_is_in_vain_fails_and_says_what_for() -> None:
    with pytest.raises(AssertionError, match="waited 0 s for 'the impossible'"):
        wait_until(lambda: False, timeout=0, why="the impossible")


def test_a_wait_gives_back_what_it_found() -> None:
    looks = iter([None, "", "there"])
    assert wait_until(lambda: next(looks)) == "there"


def test_a_worker_that_a_test_has_left_is_ended(tmp_path: Path) -> None:
    store = tmp_path / "another store"
    with Child(become_a_worker, str(store)) as child:
        worker = child.hear()
        assert end_workers(store) == [worker]
        assert end_workers(store) == []


def become_a_worker(store: str) -> None:
    registration = FileWorkers(Layout(Path(store), sync=False), SystemClock()).register(concurrency=1)
    say(registration.id)
    listen()
