"""The other workers of the store: this one hears at once when one of them comes to its end.

One thread for each waits on its lock, which the kernel gives the instant the other is gone. No clock is asked.
"""

import threading
from collections.abc import Iterator

from nofx_cli.domain.ids import WorkerId
from nofx_cli.ports.workers import Standing, WorkerInfo, Workers
from nofx_cli.worker.attempts import Inbox, WorkerGone

_MOST = 32  # more are only seen gone at the next look


class Fellows:
    """Watches every other worker that it has seen at a `look`."""

    def __init__(self, workers: Workers, *, me: WorkerId, inbox: Inbox) -> None:
        self._workers, self._me, self._inbox = workers, me, inbox
        self._watched: set[WorkerId] = set()

    def look(self) -> Iterator[WorkerInfo]:
        """The workers that are gone and whose records lie about; those that live are watched from now on."""
        for seen in self._workers.seen():
            worker = seen.info.id
            if worker == self._me:
                continue
            if seen.standing is Standing.GONE:
                yield seen.info
            elif seen.standing is Standing.ALIVE and worker not in self._watched and len(self._watched) < _MOST:
                self._watched.add(worker)
                threading.Thread(target=self._watch, args=(worker,), name=f"watch {worker}", daemon=True).start()

    def __bool__(self) -> bool:
        """Whether there may be another living worker."""
        return bool(self._watched)

    def _watch(self, worker: WorkerId) -> None:
        self._workers.wait_until_gone(worker, timeout_ms=None)
        self._watched.discard(worker)
        self._inbox.put(WorkerGone(worker))
