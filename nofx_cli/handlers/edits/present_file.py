"""A file of the workspace as it is now."""

import os
from pathlib import Path

from nofx_cli.domain.record import record
from nofx_cli.regular_files import open_regular

MOST_BYTES = 64 * 1024 * 1024


class NoText(Exception):
    """The reason why the content of a file cannot be changed as text."""


@record
class PresentFile:
    """Its bytes and the bits of its mode."""

    data: bytes
    mode: int

    @property
    def text(self) -> str:
        """The whole text, with a mark of byte order if it begins with one.

        Raises:
            NoText: it is not UTF-8, or has a NUL in it.
        """
        if b"\0" in self.data:
            raise NoText("is binary; only text can be changed")
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise NoText(f"is not UTF-8 (byte {exc.start + 1} is not); it is not changed in another encoding") from exc


def read_present(place: Path) -> PresentFile | None:
    """Read a file, without following a link; None where there is none.

    Raises:
        NoText: it is too large.
        OSError: as `open_regular`.
    """
    try:
        file = open_regular(place, follow=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with file:
        found = os.fstat(file.fileno())
        if found.st_size > MOST_BYTES:
            raise NoText(f"has {found.st_size} bytes; files of more than {MOST_BYTES} are not changed")
        return PresentFile(file.read(), found.st_mode & 0o7777)
