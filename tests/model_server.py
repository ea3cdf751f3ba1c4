"""A server that speaks the OpenAI API for chat and answers as a test scripts it: real HTTP on loopback, with threads.

    with ModelServer(Refuse(500), Say("hello")) as server:      # the first request gets a 500, the second one `hello`
        ...                                                     # server.base_url, or server.models_yaml() for nofx.yaml
        assert [asked.model for asked in server.asked] == ["m", "m"]

What can be scripted, each for one request: `Say` (an answer, streamed where the request wants a stream), `Refuse` (an
HTTP status), `Broken` (an answer that breaks off), `Drop` (the connection is closed without a word), `ErrorInside` (a
200 with an error in it), `Chunks` (a stream of the test's own making), `Raw` (any body), `Hang` (nothing more comes
until the server is closed or `Hang.go_on` is set). A function `Asked -> Step` in place of a step decides by the
request.

`server.script(..., model="big")` adds steps for one model only; they come before the others. `server.otherwise` is
what is done when the script is over: a refusal with 400, unless a test sets a step. `server.asked` has every request
for an answer, in order of arrival; `server.other` the method and path of the others. `unreachable()` gives an address
that takes no connection, and `deaf()` one that a connection hangs on.
"""

import json
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

Json: TypeAlias = dict[str, Any]

USAGE: Json = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


@dataclass(frozen=True)
class Asked:
    """One request for an answer."""

    path: str
    headers: Mapping[str, str]
    body: Json
    connection: int
    """Which connection it came on; the same number twice is a connection that was used again."""

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[tuple[str, str]]:
        return [(message["role"], message["content"]) for message in self.body["messages"]]

    @property
    def prompt(self) -> str:
        """What the last message says."""
        return self.messages[-1][1]


@dataclass
class Say:
    """An answer.

    Attributes:
        pieces: the text as it is streamed; by default in pieces of four characters.
        usage: None leaves it out.
        thinking: comes before the text, as `reasoning_content`.
        go_on: the first token is held back until this is set. Headers are sent at once.
    """

    text: str = ""
    finish: str | None = "stop"
    usage: Json | None = field(default_factory=lambda: dict(USAGE))
    pieces: Sequence[str] | None = None
    thinking: str = ""
    refusal: str = ""
    go_on: threading.Event | None = None


@dataclass
class Refuse:
    """An HTTP status with an error as the API words it. `body` takes its place, where it is given."""

    status: int
    message: str = "refused by the script"
    code: str | None = None
    param: str | None = None
    retry_after: str | None = None
    body: str | None = None


@dataclass
class Broken:
    """A stream that ends in the middle of an answer: by a closed connection, or `clean`, as if it were complete."""

    text: str = "half of"
    clean: bool = False


@dataclass
class Drop:
    """The connection is closed without a response."""


@dataclass
class ErrorInside:
    """Status 200, and an error object: as the body, or in the stream after some `text`."""

    message: str = "the model is overloaded"
    text: str = ""
    code: str | int | None = None


@dataclass
class Chunks:
    """A stream of the test's own making: objects are sent as `data:`, texts as lines as they are. Then `[DONE]`."""

    chunks: Sequence[Json | str]
    done: bool = True


@dataclass
class Raw:
    """Any body at all. `missing` bytes more are announced, and never come."""

    body: str | bytes
    content_type: str = "application/json"
    status: int = 200
    missing: int = 0


@dataclass
class Hang:
    """Silence: before the headers, or after them and `text`, until `go_on` is set; then the connection is closed."""

    headers: bool = False
    text: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)


Step: TypeAlias = Say | Refuse | Broken | Drop | ErrorInside | Chunks | Raw | Hang
Scripted: TypeAlias = Step | Callable[[Asked], Step]


def chunk(text: str | None = None, *, finish: str | None = None, **delta: Any) -> Json:
    """One chunk of a stream with a piece of the answer."""
    if text is not None:
        delta["content"] = text
    return _chunk({"index": 0, "delta": delta, "finish_reason": finish})


def usage_chunk(**counts: Any) -> Json:
    """The last chunk, which has the usage and no choice."""
    return {**_chunk(), "usage": counts}


class ModelServer:
    """The server; it runs as long as the `with` block."""

    def __init__(
        self, *script: Scripted, models: Sequence[str] | None = ("m",), ollama: Sequence[str] | None = None
    ) -> None:
        """`models` are listed by `/v1/models`, None: there is no such page. `ollama`: the same for `/api/tags`."""
        self.models, self.ollama = models, ollama
        self.asked: list[Asked] = []
        self.other: list[str] = []
        self.given_up = 0
        """How many clients closed the connection while an answer hung."""
        self.otherwise: Scripted = Refuse(400, "the script is over: no answer is left")
        self._script: deque[Scripted] = deque(script)
        self._of_model: dict[str, deque[Scripted]] = {}
        self._lock = threading.Lock()
        self._hanging: list[threading.Event] = []
        self._connections = 0
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.of = self

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        """How many answers were asked for."""
        return len(self.asked)

    def models_yaml(self, *models: str, provider: str = "local", kinds: Sequence[str] = ("codegen",)) -> str:
        """The lines of nofx.yaml that route these kinds of questions to models of this server."""
        routes = ", ".join(f"{provider}/{model}" for model in models or ("m",))
        lines = [f"    {kind}: [{routes}]\n" for kind in kinds]
        where = f"{{base_url: {self.base_url}, key: none}}"
        return f"models:\n  providers:\n    {provider}: {where}\n  routes:\n{''.join(lines)}"

    def script(self, *steps: Scripted, model: str = "") -> None:
        """Add steps, for whatever is asked next or for what one model is asked."""
        with self._lock:
            (self._of_model.setdefault(model, deque()) if model else self._script).extend(steps)

    def next_step(self, asked: Asked) -> Step:
        """Take the step for a request, which is on record from now on."""
        with self._lock:
            self.asked.append(asked)
            steps = self._of_model.get(asked.model) or self._script
            scripted = steps.popleft() if steps else self.otherwise
        step = scripted(asked) if callable(scripted) else scripted
        held = step.go_on if isinstance(step, Hang | Say) else None
        if held is not None:
            self._hanging.append(held)
        return step

    def new_connection(self) -> int:
        with self._lock:
            self._connections += 1
            return self._connections

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), name="model-server", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for event in self._hanging:
            event.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def unreachable() -> Iterator[str]:
    """The base URL of a port that refuses every connection while the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"


@contextmanager
def deaf() -> Iterator[str]:
    """The base URL of a port on which connecting never ends: the queue of its connections is full."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    of: ModelServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to tell of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection_number = self.server.of.new_connection()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Tests look at `asked`."""

    def do_GET(self) -> None:
        of = self.server.of
        of.other.append(f"GET {self.path}")
        if self.path == "/v1/models" and of.models is not None:
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in of.models]
            self._send_json(200, {"object": "list", "data": listed})
        elif self.path == "/api/tags" and of.ollama is not None:
            self._send_json(200, {"models": [{"name": name, "model": name} for name in of.ollama]})
        else:
            self._send_json(404, {"error": {"message": f"no {self.path} here"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.path, headers, body, self.connection_number)
        if not self.path.endswith("/chat/completions"):
            self.server.of.other.append(f"POST {self.path}")
            self._send_json(404, {"error": {"message": f"no {self.path} here"}})
            return
        self._act(self.server.of.next_step(asked), asked)

    def _act(self, step: Step, asked: Asked) -> None:
        match step:
            case Say():
                self._say(step, asked)
            case Refuse():
                self._refuse(step)
            case Broken():
                self._break(step)
            case Drop():
                self._hang_up()
            case ErrorInside():
                self._err_inside(step, asked)
            case Chunks():
                self._stream(step.chunks, done=step.done)
            case Raw():
                body = step.body if isinstance(step.body, bytes) else step.body.encode()
                self._send(step.status, body, step.content_type, missing=step.missing)
            case Hang():
                self._hang(step)

    def _say(self, step: Say, asked: Asked) -> None:
        if not asked.body.get("stream"):
            _wait(step.go_on)
            self._send_json(200, _completion(step))
            return
        self._begin_stream()
        _wait(step.go_on)
        for one in _chunks_of(step):
            self._send_event(one)
        if step.usage is not None and (asked.body.get("stream_options") or {}).get("include_usage"):
            self._send_event(usage_chunk(**step.usage))
        self._end_stream()

    def _refuse(self, step: Refuse) -> None:
        error = {"message": step.message, "type": "error", "param": step.param, "code": step.code}
        body = json.dumps({"error": error}) if step.body is None else step.body
        more = {} if step.retry_after is None else {"Retry-After": step.retry_after}
        self._send(step.status, body.encode(), "application/json", more)

    def _break(self, step: Broken) -> None:
        self._begin_stream()
        self._send_event(chunk(step.text, role="assistant"))
        if step.clean:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._hang_up()

    def _err_inside(self, step: ErrorInside, asked: Asked) -> None:
        error = {"error": {"message": step.message, "type": "server_error", "code": step.code}}
        if asked.body.get("stream") and step.text:
            self._stream([chunk(step.text), error], done=False)
        else:
            self._send_json(200, error)

    def _hang(self, step: Hang) -> None:
        if step.headers or step.text:
            self._begin_stream()
        if step.text:
            self._send_event(chunk(step.text))
        while not step.go_on.wait(0.01):
            if self._is_alone():
                self.server.of.given_up += 1
                break
        self._hang_up()

    def _is_alone(self) -> bool:
        """Whether the client closed the connection."""
        if not select.select([self.connection], [], [], 0)[0]:
            return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _stream(self, chunks: Sequence[Json | str], *, done: bool) -> None:
        self._begin_stream()
        for one in chunks:
            self._send_event(one)
        if done:
            self._end_stream()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _send_event(self, event: Json | str) -> None:
        text = event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _end_stream(self) -> None:
        self._send_event("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _send_json(self, status: int, value: Json) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str] | None = None,
        *,
        missing: int = 0,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) + missing))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _wait(event: threading.Event | None) -> None:
    if event is not None:
        event.wait()


def _chunk(*choices: Json) -> Json:
    return {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": list(choices)}


def _chunks_of(step: Say) -> Iterator[Json]:
    yield chunk("", role="assistant")
    if step.thinking:
        yield chunk(reasoning_content=step.thinking)
    pieces = step.pieces
    if pieces is None:
        size = max(4, len(step.text) // 1000)
        pieces = [step.text[at : at + size] for at in range(0, len(step.text), size)]
    for piece in pieces:
        yield chunk(piece)
    if step.refusal:
        yield chunk(refusal=step.refusal)
    yield chunk(finish=step.finish)


def _completion(step: Say) -> Json:
    message = {"role": "assistant", "content": step.text, "refusal": step.refusal or None}
    choice = {"index": 0, "message": message, "finish_reason": step.finish}
    answer = {"id": "c1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    return answer if step.usage is None else {**answer, "usage": step.usage}
