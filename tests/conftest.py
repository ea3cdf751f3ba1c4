"""What every test gets: a store, a home and a working folder of its own, and guards against reaching beyond them."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bare_pytest import make_environment

pytest.register_assert_rewrite("nofx_cli.testing")

REPOSITORY = Path(__file__).resolve().parents[1]
_HOME = Path.home().resolve()
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.mkdir": (0, 2), "os.remove": (0, 1), "os.rmdir": (0, 1), "os.rename": (1, 3), "os.link": (1, 3)}
"""Where audit events of the interpreter have the path that is changed, and the folder that it is relative to."""
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", ""})
_OF_THE_CALLER = ("NOFX_", "GIT_", "GITHUB_", "BACKPRESSURE_")
_OF_THE_TERMINAL = (
    "CI",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "LINES",
    "PAGER",
    "EDITOR",
)


class OutsideTheTest(RuntimeError):
    """A test reached for something that is not its own."""


class Guard:
    """Refuses what this process does beyond its tests, as an audit hook of the interpreter.

    - A write below the repository or the user's home, but for caches of tools: a store that is not in the test's
      folder would be made in one of the two, beside the project or in the home.
    - A name that is looked up, or an address that is connected to, other than loopback.
    """

    def __init__(self) -> None:
        self.own_folder = ""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if args[2] & _WRITES:
                self._check_path(args[0])
        elif event in _CHANGES:
            path, folder_fd = (args[place] for place in _CHANGES[event])
            if folder_fd < 0:  # else the path is relative to a folder that was opened
                self._check_path(path)
        elif event == "socket.getaddrinfo":
            _check_host(args[0])
        elif event in ("socket.connect", "socket.sendto") and args[0].family in _INTERNET:
            _check_host(args[1][0])

    def _check_path(self, path: object) -> None:
        if not self.own_folder or not isinstance(path, str | bytes | os.PathLike):
            return  # no test runs: it is pytest that writes its report; or a file that was checked when it was opened
        place = os.path.abspath(os.fsdecode(path))
        if "/__pycache__" in place or place.startswith(self.own_folder):
            return
        for root in (str(REPOSITORY), str(_HOME)):
            if place.startswith(root + "/") and not place[len(root) + 1 :].startswith("."):
                raise OutsideTheTest(f"a test wrote to {place}; what it makes belongs into its tmp_path")


def _check_host(host: object) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is not None and name not in _LOOPBACK:
        raise OutsideTheTest(f"a test reached for {name!r} over the network")


_guard = Guard()


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(_guard)
    for ignored in (signal.SIGINT, signal.SIGQUIT):  # as a shell leaves them to what it runs in the background
        if signal.getsignal(ignored) is signal.SIG_IGN:
            signal.signal(ignored, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    _guard.own_folder = str(tmp_path_factory.getbasetemp().resolve())
    yield
    _guard.own_folder = ""


@pytest.fixture(scope="session")
def bare_pytest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment for `VIRTUAL_ENV`, whose pytest starts fast."""
    return make_environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A store, a home, an identity for git and a working folder of the test's own, for it and for what it starts.

    A worker that it leaves behind in its store is ended, and the test fails: such a process would live on for ever.
    """
    for name in list(os.environ):
        if name.startswith(_OF_THE_CALLER) or name in _OF_THE_TERMINAL:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {
        "NOFX_HOME": str(tmp_path / "store"),
        "NOFX_SYNC": "off",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.invalid",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.invalid",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    yield
    if (tmp_path / "store" / "workers").is_dir():
        from nofx_cli.testing.left_workers import end_workers

        left = end_workers(tmp_path / "store")
        if left:
            pytest.fail(f"the test left workers running: {left}")
