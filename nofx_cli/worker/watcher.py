"""Wake the executor when somebody else appends to its run, while it has nothing else to wait for."""

import threading

from nofx_cli.engine.open_run import OpenRun
from nofx_cli.worker.attempts import Changed, Inbox

_TURN_MS = 500


class JournalWatcher:
    """A thread that waits on the journal; it begins with `start` and ends soon after `close`."""

    def __init__(self, open_run: OpenRun, inbox: Inbox) -> None:
        self._open_run, self._inbox = open_run, inbox
        self._closed = threading.Event()
        self._taken_in = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch, from the sequence number that the run stands at now."""
        self._taken_in.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="journal watcher", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._taken_in.set()

    def _watch(self) -> None:
        store, run = self._open_run.services.store, self._open_run.run
        while not self._closed.is_set():
            self._taken_in.wait()
            if store.wait(run, after_seq=self._open_run.seq, timeout_ms=_TURN_MS):
                self._taken_in.clear()
                self._inbox.put(Changed())
