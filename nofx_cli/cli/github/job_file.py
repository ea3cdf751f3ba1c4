"""Files that GitHub's runner gives a job's step to write to."""

import os
from pathlib import Path


def append_to(path: Path, text: str) -> None:
    """Append to such a file; paths that are in no code come out as their bytes. A pipe is not waited for.

    Raises:
        OSError: it cannot be written.
    """
    with open(path, "a", encoding="utf-8", errors="surrogateescape", opener=_open_at_once) as file:
        file.write(text)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
