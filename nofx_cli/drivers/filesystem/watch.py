"""Wake when something in a folder changes, by the kernel's file events, with a slow look as a safety net."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

_STEP_MS = 4
_SAFETY_NET_MS = 1_000
_POLL_MS = 20


class FolderWatch:
    """A watch on the files directly in one folder. Where the kernel gives no events it looks every 20 ms."""

    def __init__(self, folder: Path) -> None:
        self._watcher = _open_watcher(folder)

    @property
    def has_events(self) -> bool:
        """Whether the kernel tells of changes here."""
        return self._watcher is not None

    def until(self, happened: Callable[[], bool], *, timeout_ms: float) -> bool:
        """Wait until `happened()`; False when the time is over."""
        deadline = time.monotonic() + timeout_ms / 1000
        while not happened():
            left_ms = (deadline - time.monotonic()) * 1000
            if left_ms <= 0:
                return False
            self._wait(left_ms)
        return True

    def _wait(self, left_ms: float) -> None:
        if self._watcher is None:
            time.sleep(min(left_ms, _POLL_MS) / 1000)
            return
        pause_ms = max(1, round(min(left_ms, _SAFETY_NET_MS)))
        if self._watcher.watch(2 * _STEP_MS, _STEP_MS, pause_ms, None) == "signal":
            raise KeyboardInterrupt  # the watcher has swallowed the one that was raised while it waited


def _open_watcher(folder: Path) -> "RustNotify | None":
    from watchfiles._rust_notify import RustNotify

    try:
        return RustNotify([str(folder)], False, False, _POLL_MS, False, True)
    except (OSError, RuntimeError):  # no inotify instances left, or a file system without events
        return None
