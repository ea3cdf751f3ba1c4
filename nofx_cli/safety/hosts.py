"""Hosts of addresses, and rules on them: `api.example.org`, `localhost:8080`, `*.example.org`.

An address is read strictly, since programs disagree on what is odd in one: what could mean two hosts means none here.
Names are compared in lower case, without a dot at their end, and as ASCII (`xn--…`); numbers of IPv6 in their
shortest form. An IPv4 number is only what has four plain decimal parts: `127.1`, `0x7f.0.0.1` and `2130706433` are
refused, although many programs take them for 127.0.0.1.
"""

import re

from nofx_cli.domain.record import record

_SCHEMES = {"http": 80, "https": 443}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(?:[/?#].*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOPBACK = ("localhost", "::1")
_FULL_STOP = "\u3002"  # some programs take it for a dot
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\%]")


class UnreadableHost(ValueError):
    """An address or a rule does not say clearly which host it means; the message says why."""


@record
class Endpoint:
    """A host, and its port; None where none is told."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def read_address(address: str) -> Endpoint:
    """The host and port that `https://host/path`, or `host:port`, means.

    Raises:
        UnreadableHost: it is none, has a user in it, or could mean different hosts to different programs.
    """
    found = _URL.fullmatch(address)
    if found is None:
        return _endpoint(address, None)
    scheme = found[1].lower()
    if scheme not in _SCHEMES:
        raise UnreadableHost(f"`{found[1]}` is none of {', '.join(_SCHEMES)}")
    return _endpoint(found[2], _SCHEMES[scheme])


def is_on_this_machine(address: str) -> bool:
    """Whether an address is one of this machine, as far as its text tells; `localhost.example.org` is none.

    One that cannot be read is none either.
    """
    try:
        host = read_address(address).host
    except UnreadableHost:
        return False
    return host in _LOOPBACK or re.fullmatch(r"127(\.[0-9]+){3}", host) is not None


def host_matches(address: str, pattern: str) -> bool:
    """Whether the host of an address is one that a rule means.

    A rule without a port means all of them. `*.example.org` means every name below `example.org`, not that one
    itself; `*` means every host. An address, or a rule, that cannot be read matches nothing: ask `host_fault` first.
    """
    try:
        endpoint = read_address(address)
        host, port = _read_pattern(pattern)
    except UnreadableHost:
        return False
    if port is not None and port != endpoint.port:
        return False
    if host == "*":
        return True
    if host.startswith("*."):
        return endpoint.host.endswith(host[1:]) and not _is_number(endpoint.host)
    return endpoint.host == host


def host_fault(text: str, *, pattern: bool = False) -> str:
    """Why an address, or a rule, cannot be read; empty where it can."""
    try:
        if pattern:
            _read_pattern(text)
        else:
            read_address(text)
    except UnreadableHost as exc:
        return str(exc)
    return ""


def _read_pattern(pattern: str) -> tuple[str, int | None]:
    if pattern == "*" or pattern.startswith("*:"):
        port = _endpoint("any" + pattern[1:], None).port
        return "*", port
    below = pattern.removeprefix("*.")
    endpoint = _endpoint(below, None)
    if below != pattern and _is_number(endpoint.host):
        raise UnreadableHost(f"`{pattern}` has a number where a name must be")
    return ("*." if below != pattern else "") + endpoint.host, endpoint.port


def _endpoint(authority: str, port: int | None) -> Endpoint:
    if "@" in authority:
        raise UnreadableHost("a user stands before the host; programs do not agree on where such a host begins")
    if _UNSAFE.search(authority):
        raise UnreadableHost("there is a space, a backslash, a `%` or a control character in the host")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or not found[1]:
        raise UnreadableHost(f"`{authority}` is no host")
    if found[2]:
        port = int(found[2])
    if port is not None and not 0 < port < 65536:
        raise UnreadableHost(f"{port} is no port")
    return Endpoint(_host(found[1]), port)


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text[1:-1])
    host = _ascii(text).lower().removesuffix(".")
    if _IPV4.fullmatch(host):
        return host
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise UnreadableHost(f"`{text}` is a number in a form that programs read in different ways")
    if not _NAME.fullmatch(host):
        raise UnreadableHost(f"`{text}` is no name of a host")
    return host


def _ascii(text: str) -> str:
    """The name as resolvers are asked for it. One with signs that merely look like others is refused."""
    if text.isascii():
        return text
    import unicodedata

    is_odd = unicodedata.normalize("NFKC", text) != text or any(unicodedata.category(char) == "Cf" for char in text)
    if is_odd or _FULL_STOP in text:
        raise UnreadableHost(f"`{text}` has signs that programs take for others, or do not see")
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise UnreadableHost(f"`{text}` is no name of a host") from exc


def _ipv6(text: str) -> str:
    import ipaddress

    try:
        number = ipaddress.IPv6Address(text)
    except ValueError as exc:
        raise UnreadableHost(f"`[{text}]` is no number of a host") from exc
    if number.scope_id:
        raise UnreadableHost(f"`[{text}]` has a zone")
    return str(number.ipv4_mapped or number)


def _is_number(host: str) -> bool:
    return ":" in host or _IPV4.fullmatch(host) is not None
