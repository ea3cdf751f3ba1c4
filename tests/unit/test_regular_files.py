"""Files are read; what would keep us waiting, or has no end, is not."""

import os
from pathlib import Path

import pytest

from nofx_cli.regular_files import NotRegular, open_regular


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    with open_regular(tmp_path / "a") as file:
        assert file.read() == b"one"


@pytest.mark.parametrize("follow", [True, False])
def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path: Path, *, follow: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegular, match="it is no regular file"):
        open_regular(tmp_path / "pipe", follow=follow)


def test_a_device_is_refused() -> None:
    with pytest.raises(NotRegular):
        open_regular("/dev/zero")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)


def test_a_link_is_followed_only_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "link").symlink_to("a")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"one"
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(tmp_path / "link", follow=False)


def test_nothing_stays_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = os.listdir("/dev/fd")
    for _ in range(3):
        with pytest.raises(NotRegular):
            open_regular(tmp_path / "pipe")
    assert len(os.listdir("/dev/fd")) == len(before)
