"""The pipe that wakes a worker, and what somebody may do to it."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nofx_cli.drivers.filesystem import bell
from nofx_cli.drivers.filesystem.bell import Bell


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it.bell"


def heard(one: Bell, *, timeout_ms: float = 0) -> bool:
    ear = one.ear()
    try:
        return bell.listen(ear, timeout_ms=timeout_ms)
    finally:
        os.close(ear)


def fill(pipe: Path) -> None:
    fd = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while os.write(fd, b"\0" * 65_536):
            pass
    os.close(fd)


@pytest.fixture
def hung(path: Path) -> Iterator[Bell]:
    one = Bell(path)
    yield one
    one.close()


class TestRing:
    def test_it_is_heard_once(self, hung: Bell, path: Path) -> None:
        bell.ring([path, path])
        assert heard(hung)
        assert not heard(hung)

    def test_a_full_pipe_is_no_hindrance(self, hung: Bell, path: Path) -> None:
        fill(path)
        bell.ring([path])
        hung.wake()
        assert heard(hung)
        assert not heard(hung)

    def test_one_that_nobody_hears_neither_blocks_nor_fails(self, path: Path, tmp_path: Path) -> None:
        os.mkfifo(path)
        bell.ring([path, tmp_path / "none.bell", tmp_path])

    def test_what_is_no_pipe_is_left_as_it_is(self, path: Path) -> None:
        path.write_text("a file")
        bell.ring([path])
        assert path.read_text() == "a file"

    def test_a_link_is_not_followed(self, hung: Bell, path: Path, tmp_path: Path) -> None:
        (tmp_path / "link.bell").symlink_to(path)
        bell.ring([tmp_path / "link.bell"])
        assert not heard(hung)


class TestListen:
    def test_it_ends_when_the_bell_is_closed(self, path: Path) -> None:
        one = Bell(path)
        ear = one.ear()
        answers: list[bool] = []
        listener = threading.Thread(target=lambda: answers.append(bell.listen(ear, timeout_ms=60_000)), daemon=True)
        listener.start()
        one.close()
        listener.join(30)
        os.close(ear)
        assert answers == [True]


class TestWithoutNamedPipes:
    @pytest.fixture
    def deaf(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bell]:
        def refuse(path: Path) -> None:
            raise OSError(errno.EOPNOTSUPP, "no pipes here", str(path))

        monkeypatch.setattr(os, "mkfifo", refuse)
        one = Bell(path)
        yield one
        one.close()

    def test_a_wait_ends_early(self, deaf: Bell) -> None:
        assert deaf.longest_wait_ms <= 250

    def test_it_can_be_rung_from_inside(self, deaf: Bell) -> None:
        assert not heard(deaf)
        deaf.wake()
        assert heard(deaf)

    def test_it_is_not_missed(self, deaf: Bell, path: Path) -> None:
        assert not path.exists()
        assert deaf.is_there()


class TestName:
    def test_a_bell_that_can_be_rung_may_be_waited_at_for_long(self, hung: Bell) -> None:
        assert hung.longest_wait_ms >= 60_000

    def test_a_bell_knows_whether_its_name_leads_to_it(self, hung: Bell, path: Path) -> None:
        assert hung.is_there()
        path.unlink()
        assert not hung.is_there()
        os.mkfifo(path)
        assert not hung.is_there()

    def test_a_full_disk_is_told(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path) -> None:
            raise OSError(errno.ENOSPC, "no space left", str(path))

        monkeypatch.setattr(os, "mkfifo", refuse)
        with pytest.raises(OSError, match="no space left"):
            Bell(path)
