"""A server that takes any request and answers as a test scripts it: real HTTP on loopback, with threads.

    with WebServer(Answer(503), Answer(200, b"{}")) as server:      # the first request gets a 503, the second one `{}`
        ...                                                         # server.url
        assert [request.path for request in server.requests] == ["/x", "/x"]

Besides `Answer` there are `DROP` (the request is read, and the connection closed without a word), `HANG` (nothing comes
until the server is closed), and any function of a `Received` that gives one of these. `server.otherwise` is what is
done when the script is over. `server.stop()` and `server.start()` end it and bring it back at the same port.
"""

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, TypeAlias


@dataclass(frozen=True)
class Received:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer; `pieces` are sent one after the other, each after `wait` gave true."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] = ()


DROP, HANG = "drop", "hang"
Step: TypeAlias = Answer | str | Callable[[Received], "Answer | str"]


class WebServer:
    """Answers while the block lasts."""

    def __init__(self, *script: Step, otherwise: Step = Answer(), port: int = 0) -> None:
        self.script, self.otherwise = deque(script), otherwise
        self.requests: list[Received] = []
        self._port = port
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", self._port), _handler_of(self))
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Take no connection any more, and break those off that there are."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answer(self, handler: "BaseHTTPRequestHandler") -> None:
        size = int(handler.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        received = Received(handler.command, handler.path, headers, handler.rfile.read(size))
        with self._lock:
            self.requests.append(received)
            step = self.script.popleft() if self.script else self.otherwise
            self._open.add(handler.connection)
        given = step if isinstance(step, Answer | str) else step(received)
        if isinstance(given, Answer):
            _write(handler, given)
        elif given == HANG:
            self._closing.wait()
        handler.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """The other side broke off; the test knows why."""


def _write(handler: BaseHTTPRequestHandler, given: Answer) -> None:
    handler.send_response(given.status)
    for name, value in given.headers.items():
        handler.send_header(name, value)
    if not given.pieces:
        handler.send_header("Content-Length", str(len(given.body)))
    handler.end_headers()
    for piece in given.pieces or ((given.body,) if handler.command != "HEAD" else ()):
        handler.wfile.write(piece)
        handler.wfile.flush()


def _handler_of(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return lambda: server.answer(self)
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Nothing goes to the terminal."""

    return Handler
