"""One thread of this process in which all calls to models run, so that a call can be ended at any point of it.

What blocks in a thread (a connection that is not taken, a body that does not come) cannot be ended from outside; a task
of asyncio can.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that looks names up in threads that nobody waits for: at its end the interpreter waits for those
    of asyncio, and a name server that does not answer would keep a command from ending.
    """

    async def getaddrinfo(self, *args: Any, **named: Any) -> Any:
        """As `socket.getaddrinfo`."""
        found: asyncio.Future[Any] = self.create_future()

        def tell(result: Any, error: OSError | None) -> None:
            if found.done():
                return
            if error is None:
                found.set_result(result)
            else:
                found.set_exception(error)

        def look_up() -> None:
            result, error = None, None
            try:
                result = socket.getaddrinfo(*args, **named)
            except OSError as exc:
                error = exc
            self.call_soon_threadsafe(tell, result, error)

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        return await found


class LoopThread:
    """The thread; it starts with the first call."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may come here at any point
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin with `work`; `Future.cancel` ends it."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():  # a fork has no threads of its parent
                self._loop, self._process = _Loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="models", daemon=True).start()
            return self._loop


THREAD = LoopThread()
