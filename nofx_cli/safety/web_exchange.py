"""One exchange over HTTP in a thread of its own, which the caller can give up at any moment.

The thread sends nothing once it is given up: the request's first byte and giving up exclude each other. What waits for
the server wakes because its connection is shut; what looks a name up, which nothing can interrupt, ends by itself.
"""

import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from nofx_cli import __version__, errors
from nofx_cli.clock import Inbox, SystemClock
from nofx_cli.domain.durations import format_duration
from nofx_cli.safety.hosts import UnreadableHost, is_on_this_machine, read_address
from nofx_cli.safety.web_request import Limits, Request, Response, Unanswered, invalid_request, origin_of

if TYPE_CHECKING:
    import ssl

_LOOK_EVERY_SECONDS = 0.1
_SENDING = ".send_request_headers.started"
_CONNECTED = (".connect_tcp.complete", ".start_tls.complete")
_OF_THE_LIBRARY = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_BROKE_OFF = re.compile("disconnected|closed connection")
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""The signs of a token (RFC 9110, 5.6.2): of methods and of names of headers."""


def patience(whole_ms: int) -> Callable[[], bool]:
    """Tells whether so much time has passed since now."""
    clock = SystemClock()
    deadline_ms = clock.monotonic_ms() + whole_ms
    return lambda: clock.monotonic_ms() >= deadline_ms


class Exchange:
    """A request on its way."""

    def __init__(self, request: Request, limits: Limits) -> None:
        check_request(request)
        self._request, self._limits = request, limits
        self._lock = threading.Lock()
        self._given_up = self._is_sent = False
        self._socket: socket.socket | None = None
        self._answer: Inbox[Response | Exception] = Inbox()

    def outcome(self, time_is_over: Callable[[], bool], check: Callable[[], None] | None) -> Response:
        """Send, and wait for the answer. Raises as `web.send`."""
        threading.Thread(target=self._work, name="http", daemon=True).start()
        try:
            while (answer := self._answer.get(_LOOK_EVERY_SECONDS)) is None:
                if check is not None:
                    check()
                if time_is_over():
                    raise self._too_late()
        except BaseException:
            self._give_up()
            raise
        if isinstance(answer, Exception):
            raise self._told(answer)
        return answer

    def _give_up(self) -> None:
        with self._lock:
            self._given_up = True
            connection = self._socket
        if connection is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # that of TLS would take its state from the thread

    def _work(self) -> None:
        try:
            self._answer.put(self._exchange())
        except Exception as exc:  # noqa: BLE001 - whatever it is, the caller is to have it
            self._answer.put(exc)

    def _exchange(self) -> Response:
        import httpx2

        request, limits = self._request, self._limits
        is_direct = is_on_this_machine(request.url)
        url = httpx2.URL(request.url)
        if _endpoint(str(url)) != _endpoint(request.url):  # what policy was asked about is what is connected to
            raise invalid_request(f"the address {origin_of(request.url)} can be read in several ways")
        seconds = limits.whole_ms / 1000
        try:
            client = httpx2.Client(
                trust_env=not is_direct,
                verify=_nobody() if is_direct and url.scheme == "http" else _certificates(),
                timeout=httpx2.Timeout(seconds, connect=min(limits.connect_ms / 1000, seconds)),
                follow_redirects=False,
            )
        except Exception as exc:
            raise _unusable(exc) from exc
        with client:
            built = client.build_request(
                request.method.upper(),
                url,
                headers=_headers(request.headers),
                content=request.body or None,
                extensions={"trace": self._trace},
            )
            return self._read(client.send(built, stream=True))

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by the library where it connects and before it sends."""
        if name.endswith(_CONNECTED):
            self._socket = info["return_value"].get_extra_info("socket")
        if name.endswith((_SENDING, *_CONNECTED)):
            with self._lock:
                if self._given_up:
                    if self._socket is not None:
                        self._socket.close()  # the library does not have it yet
                    raise ConnectionAbortedError
                self._is_sent = self._is_sent or name.endswith(_SENDING)

    def _read(self, answer: Any) -> Response:
        body = bytearray()
        try:
            for data in answer.iter_bytes() if self._limits.reads_body else ():
                body += data
                if len(body) > self._limits.answer_bytes:
                    raise _TooLarge
        finally:
            answer.close()
        return Response(answer.status_code, dict(answer.headers), bytes(body), str(self._request.url))

    def _too_late(self) -> Unanswered:
        within = format_duration(self._limits.whole_ms)
        return self._unanswered("http-timeout", f"{self._origin} gave no whole answer within {within}")

    @property
    def _origin(self) -> str:
        return origin_of(self._request.url)

    def _unanswered(self, code: str, message: str) -> Unanswered:
        told = Unanswered(message, code=code, context={"address": self._origin})
        told.may_have_arrived = self._is_sent
        return told

    def _told(self, exc: Exception) -> Exception:
        """The error for what the library, or the system below it, says."""
        import httpx2

        if isinstance(exc, errors.NofxError):
            return exc
        if isinstance(exc, _TooLarge):
            most = self._limits.answer_bytes
            return self._unanswered(
                "http-answer-too-large", f"the answer of {self._origin} is larger than {most} bytes"
            )
        if isinstance(exc, httpx2.LocalProtocolError | httpx2.InvalidURL | httpx2.UnsupportedProtocol):
            return invalid_request(f"the request to {self._origin} is none that HTTP allows")  # its words have values
        if isinstance(exc, UnicodeEncodeError) and not self._is_sent:
            return invalid_request(f"the request to {self._origin} has signs that no encoding has")
        if not isinstance(exc, httpx2.HTTPError | OSError | ValueError):
            return exc
        if isinstance(exc, httpx2.TimeoutException) and not isinstance(exc, httpx2.ConnectTimeout):
            return self._too_late()
        code, message = self._words(exc, httpx2)
        return self._unanswered(code, message)  # without its cause, whose words may have what was sent

    def _words(self, exc: Exception, httpx2: Any) -> tuple[str, str]:
        if isinstance(exc, httpx2.ConnectTimeout):
            return "http-no-connection", f"{self._origin} took no connection in time"
        why = _reason(exc)
        if self._is_sent:
            return "http-connection-lost", f"the connection to {self._origin} was lost: {why}"
        code = "http-tls" if _is_tls(exc) else "http-no-connection"
        return code, f"no connection to {self._origin}: {why}"


class _TooLarge(Exception):
    """An answer that is larger than its limit."""


def check_request(request: Request) -> None:
    """Raise `errors.InvalidInput` where method or headers are none that HTTP allows; values are never told."""
    if not request.method or set(request.method) - _TOKEN:
        raise invalid_request(f"`{request.method}` is no method of HTTP")
    for name, value in request.headers.items():
        if not name or set(name) - _TOKEN:
            raise invalid_request(f"`{name}` is no name of a header")
        if any((char < " " and char != "\t") or char == "\x7f" or char > "\xff" for char in value):
            raise invalid_request(f"the value of the header `{name}` has signs that no header may have")


def _headers(given: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The address says which host is meant: a header that says another one would go past the policy."""
    is_named = any(name.lower() == "user-agent" for name in given)
    headers = {} if is_named else {"User-Agent": f"nofx/{__version__}"}
    headers |= {name: value for name, value in given.items() if name.lower() not in _OF_THE_LIBRARY}
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def _unusable(exc: Exception) -> errors.Unavailable:
    return errors.Unavailable(
        f"what the environment says of proxies or certificates cannot be used: {exc}",
        code="http-environment",
        hint="see HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
    )


def _endpoint(url: str) -> object:
    try:
        return read_address(url)
    except UnreadableHost as exc:
        raise invalid_request(f"the address {origin_of(url)} cannot be used: {exc}") from exc


@cache
def _certificates() -> "ssl.SSLContext":
    """Those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`; read once."""
    import httpx2

    return httpx2.create_ssl_context()


@cache
def _nobody() -> "ssl.SSLContext":
    """For connections without TLS: reading certificates takes longer than the request."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _is_tls(exc: BaseException | None) -> bool:
    import ssl

    while exc is not None:
        if isinstance(exc, ssl.SSLError):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def _reason(exc: BaseException) -> str:
    """What the system says at the bottom of an error; never the library's words, which may have what was sent."""
    import os
    import ssl

    is_odd = type(exc).__name__ == "RemoteProtocolError" and not _BROKE_OFF.search(str(exc))
    found = "it did not speak HTTP" if is_odd else "it broke off"
    deeper: BaseException | None = exc
    while deeper is not None:
        if isinstance(deeper, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {deeper.verify_message}"
        if isinstance(deeper, ssl.SSLError):
            return f"TLS failed: {deeper.reason or 'it does not speak it'}"
        if isinstance(deeper, socket.gaierror):
            return f"there is no such host, or no name service: {deeper.strerror}"
        if isinstance(deeper, OSError) and deeper.errno:
            return os.strerror(deeper.errno)
        deeper = deeper.__cause__ or deeper.__context__
    return found
