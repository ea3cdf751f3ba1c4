"""Keys from a real pseudo-terminal, whose modes are put back whatever happens."""

import fcntl
import os
import resource
import termios
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nofx_cli.cli.live.keyboard import Keyboard, keys_of, readable
from nofx_cli.testing.waiting import wait_until


@dataclass
class Terminal:
    """Both ends of a pseudo-terminal: `person` types, `fd` is what the program reads."""

    person: int
    fd: int

    def modes(self) -> object:
        return termios.tcgetattr(self.fd)

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    person, fd = os.openpty()
    yield Terminal(person, fd)
    os.close(person)
    os.close(fd)


def test_keys_come_one_by_one_without_enter(terminal: Terminal) -> None:
    keyboard = Keyboard(terminal.fd)
    keyboard.take()
    os.write(terminal.person, b"a")
    assert wait_until(keyboard.read) == ["a"]
    assert keyboard.read() == []
    assert not terminal.echoes
    keyboard.give_back()


def test_a_descriptor_may_have_any_number(terminal: Terminal) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 2_048:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2_048, hard), hard))
    high = fcntl.fcntl(terminal.fd, fcntl.F_DUPFD, 1_100)  # beyond what `select` takes
    try:
        assert readable([high], timeout_ms=0) == set()
        os.write(terminal.person, b"a\n")
        assert readable([high], timeout_ms=5_000) == {high}
    finally:
        os.close(high)


def test_modes_are_put_back(terminal: Terminal) -> None:
    before = terminal.modes()
    keyboard = Keyboard(terminal.fd)
    keyboard.take()
    keyboard.take()
    assert terminal.modes() != before
    keyboard.give_back()
    assert terminal.modes() == before
    keyboard.give_back()
    assert terminal.modes() == before


def test_nothing_is_read_before_it_is_taken_or_after(terminal: Terminal) -> None:
    keyboard = Keyboard(terminal.fd)
    os.write(terminal.person, b"a\n")
    assert keyboard.read() == []
    keyboard.take()
    keyboard.give_back()
    assert keyboard.read() == []


def test_what_was_typed_before_is_forgotten(terminal: Terminal) -> None:
    keyboard = Keyboard(terminal.fd)
    keyboard.take()
    os.write(terminal.person, b"aaa")
    keyboard.forget()
    os.write(terminal.person, b"r")
    assert wait_until(keyboard.read) == ["r"]
    keyboard.give_back()


def test_hang_up_ends_the_keys(terminal: Terminal) -> None:
    keyboard = Keyboard(terminal.fd)
    keyboard.take()
    os.close(terminal.person)
    terminal.person = os.open(os.devnull, os.O_RDONLY)
    assert keyboard.read() == []
    assert not keyboard.is_ready


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("a", ["a"]),
        ("ü", ["ü"]),
        ("\r", ["enter"]),
        ("\n", ["enter"]),
        ("\x7f\b\x15", ["backspace", "backspace", "clear"]),
        ("\x1b", ["escape"]),
        ("\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"]),
        ("\x1b[1;5Ca", ["other", "a"]),
        ("\x1b[200~", ["other"]),
        ("\x1b[", ["other"]),
        ("\x01", ["other"]),
    ],
)
def test_names_of_keys(typed: str, keys: list[str]) -> None:
    assert keys_of(typed) == keys
