"""A request to stop, seen by every thread that works for an attempt."""

import threading
from collections.abc import Callable


class StopRequest:
    """Implements `ports.processes.Cancellation`. A later, harder reason replaces an earlier one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], None]] = []
        self._reason = ""

    @property
    def reason(self) -> str:
        return self._reason

    def stop(self, reason: str) -> None:
        """Ask to stop; `killed` overrides everything, another reason only silence."""
        with self._lock:
            if self._reason and reason != "killed":
                return
            self._reason = reason
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            self._wakers.append(wake)
            asked = bool(self._reason)
        if asked:
            wake()

        def unsubscribe() -> None:
            with self._lock:
                if wake in self._wakers:
                    self._wakers.remove(wake)

        return unsubscribe
