"""One HTTP request to a model: sent through the `openai` package, its stream read here, ended by its time limits.

The package is told everything; nothing of it comes from variables that it reads by itself (`OPENAI_ORG_ID`,
`OPENAI_PROJECT_ID`, `OPENAI_CUSTOM_HEADERS`, `OPENAI_BASE_URL`), and it never repeats a request. Proxies and
certificates are those of the usual variables (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), but for addresses of this
machine.
"""

import asyncio
import json
import os
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from nofx_cli.clock import Clock
from nofx_cli.domain.durations import format_duration
from nofx_cli.models.event_stream import EventStream
from nofx_cli.models.exchange import Came, Sent
from nofx_cli.models.failure import Failure, Next, broken, inside, refused
from nofx_cli.models.gathered import DONE, ErrorInside, Gathered, words_of
from nofx_cli.models.loop_thread import THREAD

_MOST_BYTES = 64 * 1024 * 1024
_MOST_BYTES_OF_ERRORS = 64 * 1024
"""As they are sent; packed ones become a thousand times as large at most."""
_AFTER_DONE_SECONDS = 0.1
"""How long the end of a body is waited for after the end of the answer, so that the connection can be used again."""
_OF_THE_TRANSPORT = ("httpx", "httpcore", "h11", "anyio", "ssl")


class Wire:
    """The connections to all providers; they are kept open between calls. Used in the thread of the loop only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clients: dict[tuple[str, str, int], Any] = {}
        weakref.finalize(self, _close_all, self._clients).atexit = False

    async def call(self, sent: Sent, on_text: Callable[[str], None]) -> Came:
        """Send a request and read the answer; pieces of it go to `on_text` as they come."""
        try:
            client = self._client(sent)
        except Exception as exc:  # noqa: BLE001 - a proxy or a certificate that cannot be used fails in any way
            return Came(Gathered(), _unusable(exc))
        call = _Call(client, sent, on_text, self._clock)
        failure: Failure | None = None
        try:
            await call.run()
        except Exception as exc:
            if not _is_of_the_transport(exc):
                raise
            failure = _failure_of(exc, sent.provider.base_url)
        gathered = call.gathered
        if gathered.error is not None:
            failure = inside(gathered.error)
        elif gathered.is_whole:
            failure = None  # what went wrong after the end of an answer takes nothing from it
        elif call.too_late:
            failure = broken(call.too_late, status=call.status, is_timeout=True)
        elif failure is None:
            failure = broken("the answer broke off", status=call.status)
        return Came(gathered, failure, call.first_token_ms)

    def _client(self, sent: Sent) -> Any:
        known = (sent.provider.base_url, sent.key, sent.limits.connect_ms)
        if known not in self._clients:
            self._clients[known] = _new_client(sent)
        return self._clients[known]


class _Call:
    """One request while it runs. `too_late` says which time limit ended it."""

    def __init__(self, client: Any, sent: Sent, on_text: Callable[[str], None], clock: Clock) -> None:
        self._client, self._sent, self._on_text, self._clock = client, sent, on_text, clock
        self.gathered = Gathered()
        self.status = 0
        self.too_late = ""
        self.first_token_ms = 0
        self._began_ms = clock.monotonic_ms()

    async def run(self) -> None:
        limits = self._sent.limits
        try:
            async with asyncio.timeout(limits.whole_ms / 1000) as whole:
                async with asyncio.timeout(limits.first_token_ms / 1000) as first:
                    await self._exchange(first, whole)
        except TimeoutError:
            if first.expired():
                self.too_late = f"it said nothing within {format_duration(limits.first_token_ms)}"
            else:
                self.too_late = f"it came to no end within {format_duration(limits.whole_ms)}"

    async def _exchange(self, first: asyncio.Timeout, whole: asyncio.Timeout) -> None:
        asking = self._client.chat.completions.with_streaming_response.create(
            **self._sent.body, extra_headers=_own_headers(self._sent.key)
        )
        async with asking as response:
            self.status = response.status_code
            if "event-stream" not in response.headers.get("content-type", "").lower():
                await self._whole_body(response)
                return
            events = EventStream()
            async for data in _limited(response):
                for event in events.feed(data):
                    self._take(event, first, whole)
                if self.gathered.error is not None:
                    return
            for event in events.close():
                self._take(event, first, whole)

    async def _whole_body(self, response: Any) -> None:
        """A server that does not stream answers with one object; whatever else it sends is no answer."""
        body = b"".join([data async for data in _limited(response)])
        self._take_json(body.decode("utf-8", "replace"))
        self.gathered.done = True

    def _take(self, event: str, first: asyncio.Timeout, whole: asyncio.Timeout) -> None:
        if self.gathered.done:
            return
        if event.strip() == DONE:
            self.gathered.done = True
            first.reschedule(None)
            whole.reschedule(asyncio.get_running_loop().time() + _AFTER_DONE_SECONDS)
            return
        self._take_json(event)
        if self.first_token_ms:
            first.reschedule(None)

    def _take_json(self, text: str) -> None:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            if not self.gathered.is_whole:
                self.gathered.error = ErrorInside(f"it answered with what is no JSON: {words_of(text) or 'nothing'}")
            return
        for piece in self.gathered.take(value):
            self._on_text(piece)
        if self.gathered.began and not self.first_token_ms:
            self.first_token_ms = max(round(self._clock.monotonic_ms() - self._began_ms), 1)


async def _limited(response: Any) -> AsyncIterator[bytes]:
    size = 0
    async for data in response.iter_bytes():
        size += len(data)
        if size > _MOST_BYTES:
            raise _TooLarge(f"its answer is larger than {_MOST_BYTES // 1024**2} MB")
        yield data


class _TooLarge(OSError):
    """An answer that nobody can want."""


def _is_of_the_transport(exc: Exception) -> bool:
    from openai import OpenAIError

    return isinstance(exc, OpenAIError | OSError) or type(exc).__module__.startswith(_OF_THE_TRANSPORT)


def _failure_of(exc: Exception, url: str) -> Failure:
    import openai

    if isinstance(exc, openai.APIStatusError):
        body = exc.body if exc.body is not None else exc.response.text
        return refused(exc.status_code, body, exc.response.headers)
    if isinstance(exc, _TooLarge):
        return Failure(str(exc), Next.OTHER, 200)
    kind = type(exc.__cause__ or exc).__name__
    if isinstance(exc, openai.APITimeoutError):
        return broken(f"{url} took no connection in time", is_timeout=True, unused=True)
    if kind == "ConnectError":
        return broken(f"no connection to {url}: {_reason(exc)}", unused=True)
    return broken(f"the connection was lost: {_reason(exc)}")


def _unusable(exc: Exception) -> Failure:
    words = f"what the environment says of proxies and certificates (HTTPS_PROXY, SSL_CERT_FILE) fails: {_reason(exc)}"
    return Failure(words, Next.OTHER, unused=True)


def _reason(exc: BaseException) -> str:
    """What is at the bottom of an error that others were made of."""
    why = words_of(str(exc)) or type(exc).__name__
    while (deeper := exc.__cause__ or exc.__context__) is not None:
        exc = deeper.exceptions[0] if isinstance(deeper, BaseExceptionGroup) else deeper
        refused = isinstance(exc, ConnectionError) and exc.errno  # asyncio words it by the numbers of the address
        why = os.strerror(refused) if refused else words_of(str(exc)) or why
    return why


def _close_all(clients: dict[tuple[str, str, int], Any]) -> None:
    """Nobody asks through these connections any more."""

    async def close() -> None:
        for client in clients.values():
            with suppress(Exception):
                await client.close()

    if clients:
        THREAD.submit(close())


def _own_headers(key: str) -> dict[str, Any]:
    """The headers that are not left to the package: the key, and none of what it takes from variables."""
    import openai

    headers: dict[str, Any] = dict.fromkeys(("OpenAI-Organization", "OpenAI-Project"), openai.Omit())
    for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n"):
        if ":" in line:
            headers[line.partition(":")[0].strip()] = openai.Omit()
    return {**headers, "Authorization": f"Bearer {key}" if key else openai.Omit()}


def _new_client(sent: Sent) -> Any:
    import openai

    return openai.AsyncOpenAI(
        api_key=sent.key or "none",
        base_url=sent.provider.base_url,
        max_retries=0,
        timeout=openai.Timeout(None, connect=sent.limits.connect_ms / 1000),
        http_client=openai.DefaultAsyncHttpxClient(
            trust_env=not sent.provider.is_local,
            follow_redirects=False,
            event_hooks={"response": [_keep_short]},
        ),
    )


async def _keep_short(response: Any) -> None:
    """The package reads the whole page of an error, so its end is put where nobody needs to read on."""
    if response.status_code >= 300:
        response.stream = _beginning_of(response.stream)


def _beginning_of(stream: Any) -> Any:
    class Beginning(type(stream)):  # type: ignore[misc]  # of the kind that the package looks for
        def __init__(self) -> None:
            """It has nothing of its own."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for data in stream:
                yield data[: _MOST_BYTES_OF_ERRORS - size]
                size += len(data)
                if size >= _MOST_BYTES_OF_ERRORS:
                    return

        async def aclose(self) -> None:
            await stream.aclose()

    return Beginning()
