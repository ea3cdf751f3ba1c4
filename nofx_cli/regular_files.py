"""Files that anybody may have put there: they are opened without waiting, and read only where they are regular ones."""

import errno
import io
import os
import stat
from pathlib import Path


class NotRegular(OSError):
    """What is there is a pipe, a device or a socket."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(errno.EINVAL, "it is no regular file", os.fspath(path))


def open_regular(path: str | Path, *, follow: bool = True) -> io.BufferedReader:
    """Open a file to read its bytes. A pipe without a writer does not keep us waiting.

    Args:
        follow: whether a link is followed; where it is not, one is an OSError.

    Raises:
        NotRegular: it is none that has a content.
        OSError: as `open`.
    """
    file = open(path, "rb", opener=_open_at_once if follow else _open_itself_at_once)  # noqa: SIM115 - the caller's
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotRegular(path)
    return file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _open_itself_at_once(path: str, flags: int) -> int:
    return _open_at_once(path, flags | os.O_NOFOLLOW)
