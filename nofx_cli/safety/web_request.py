"""What is sent over HTTP and what comes back, and how they are told of; `safety.web` sends them."""

import json
from collections.abc import Mapping
from dataclasses import field

from nofx_cli import errors
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.record import record
from nofx_cli.domain.retry_after import retry_after_ms
from nofx_cli.safety.hosts import Endpoint, UnreadableHost, read_address


class Unanswered(errors.Unavailable):
    """No whole answer came.

    Codes: `http-no-connection`, `http-tls` (its certificate, or the handshake), `http-connection-lost`, `http-timeout`,
    `http-answer-too-large`. `may_have_arrived` tells whether the server may have got the request, and acted on it.
    """

    default_code = "http-connection-lost"
    may_have_arrived = True


@record
class Request:
    """What is sent.

    Attributes:
        url: of `http` or `https`, with its query; without a user.
        headers: sent as they are; values are visible Latin-1, spaces and tabs. `User-Agent` is set where it is missing.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@record
class Limits:
    """How long a request may take, and how large its answer may be, unpacked.

    Attributes:
        reads_body: without it, the status and the headers are the answer: the body is neither read nor waited for.
    """

    connect_ms: int = 10_000
    whole_ms: int = 60_000
    answer_bytes: int = 10 * 1024 * 1024
    reads_body: bool = True


@record
class Response:
    """What the server answered, whatever its status.

    Attributes:
        headers: by name in lower case; of a header that came several times, its values joined by `, `.
        url: that gave the answer, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered otherwise later: 408, 425, 429, and what is the server's fault."""
        return self.status in (408, 425, 429) or self.status >= 500

    @property
    def text(self) -> str:
        """The body as text, in the charset that it says it has; what does not fit is replaced."""
        from email.message import Message

        content = Message()
        content["content-type"] = self.headers.get("content-type", "")
        try:
            return self.body.decode(content.get_content_charset("utf-8"), "replace")
        except LookupError:  # a charset that there is none of
            return self.body.decode("utf-8", "replace")

    def json(self) -> JsonValue:
        """The body as JSON.

        Raises:
            errors.Unavailable: it is none (code `http-not-json`).
        """
        try:
            value: JsonValue = json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            message = f"{origin_of(self.url)} answered with status {self.status} and what is no JSON"
            raise errors.Unavailable(message, code="http-not-json") from exc
        return value

    def retry_after_ms(self, now_us: int) -> float:
        """How long the server asks to be left alone, 0 where it does not."""
        return retry_after_ms(self.headers.get("retry-after", ""), now_us=now_us)


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, which is all that messages may tell of it."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    authority = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
    return f"{scheme}{mark}{authority}"


def endpoint_of(url: str) -> Endpoint:
    """The host and port of an address that a request can be sent to.

    Raises:
        errors.InvalidInput: it is none of `http` or `https`, or does not say clearly which host it means.
    """
    try:
        if "://" not in url:
            raise UnreadableHost("it does not begin with https:// or http://")
        return read_address(url)
    except UnreadableHost as exc:
        raise invalid_request(f"the address {origin_of(url)} cannot be used: {exc}") from exc


def invalid_request(message: str) -> errors.InvalidInput:
    """The error of a request that cannot be sent as it is."""
    return errors.InvalidInput(message, code="http-request-invalid")
