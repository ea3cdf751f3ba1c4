"""Secrets are masked here, at the one funnel through which everything that is kept or shown goes.

Every occurrence of a value becomes `***`; occurrences that overlap become one. A value is also found in its
JSON-escaped forms, and line by line where it has several lines. Values shorter than `SHORTEST` characters are not
masked: they would tear ordinary words apart and tell more than they hide.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import AnyStr

from nofx_cli.domain.ids import JsonValue

REPLACEMENT = "***"
SHORTEST = 6
_SHORTEST_LINE = 12

_SECRET_PARTS = ("SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "BEARER", "COOKIE")
_SECRET_WORDS = ("TOKENS", "PAT", "AUTH")
_SECRET_KEYS = (
    "API",
    "ACCESS",
    "PRIVATE",
    "SIGNING",
    "ENCRYPTION",
    "MASTER",
    "ACCOUNT",
    "STORAGE",
    "DEPLOY",
    "SSH",
    "GPG",
)
_TELLS_WHERE = (
    "SOCK",
    "PATH",
    "FILE",
    "DIR",
    "HOME",
    "ASKPASS",
    "HELPER",
    "PID",
    "URL",
    "URI",
    "NAME",
    "TTL",
    "LIFETIME",
)


def secret_values(env: Mapping[str, str]) -> list[str]:
    """The values of an environment that are secrets: judged by their names, and passwords inside of URLs.

    Names that tell where a secret lies (`SSH_AUTH_SOCK`, `TOKEN_FILE`, a path in `…_CREDENTIALS`) and counts
    (`MAX_TOKENS=100000`) are none.
    """
    found: dict[str, None] = {}
    for name, value in env.items():
        if _is_secret(name, value):
            found[value] = None
        if "://" in value and "@" in value:
            found.update(dict.fromkeys(_passwords_in_urls(value)))
    return list(found)


def _is_secret(name: str, value: str) -> bool:
    upper = name.upper()
    words = upper.split("_")
    if words[-1] in _TELLS_WHERE:
        return False
    if "TOKENS" in upper and value.isdigit():
        return False
    if "CREDENTIAL" in upper and value.startswith(("/", "~/")):
        return False
    return (
        any(part in upper for part in _SECRET_PARTS)
        or any(word in _SECRET_WORDS or word.endswith("TOKEN") for word in words)
        or any(f"{key}_KEY" in upper or f"{key}KEY" in upper for key in _SECRET_KEYS)
    )


def _passwords_in_urls(text: str) -> list[str]:
    import re

    return re.findall(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@", text)


class Masker:
    """Replaces secret values in text, in JSON and in streams of bytes. Its `repr` never tells them."""

    __slots__ = ("_bytes", "_count", "_texts", "active")

    active: bool
    """False where there is nothing to mask: everything passes through untouched, at no cost."""

    def __init__(self, values: Iterable[str]) -> None:
        secrets = {value.strip() for value in values}
        forms = {form for value in secrets if len(value) >= SHORTEST for form in _forms(value)}
        self._count = len(secrets)
        self._texts = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._bytes = tuple(form.encode("utf-8", "surrogateescape") for form in self._texts)
        self.active = bool(forms)

    def __repr__(self) -> str:
        return f"Masker({self._count} values)"

    def text(self, text: str) -> str:
        """The text without secrets. It may also be JSON already."""
        present = [form for form in self._texts if form in text]
        if not present:
            return text
        pieces: list[str] = []
        done = 0
        for start, end in _occurrences(text, present):
            if start >= done:
                pieces += (text[done:start], REPLACEMENT)
            done = max(done, end)
        return "".join([*pieces, text[done:]])

    def data(self, value: JsonValue) -> JsonValue:
        """A copy of a JSON value whose strings, keys too, are without secrets."""
        if not self.active:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.data(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.data(item) for item in value]
        if isinstance(value, tuple):
            return tuple(self.data(item) for item in value)
        return value

    def stream(self) -> "StreamMasker":
        """Begin to mask a stream of bytes."""
        return StreamMasker(self._bytes)


class StreamMasker:
    """Masks bytes that come in pieces: all pieces together give what masking the whole would give.

    It holds back only an end that may be the beginning of a secret, so never more than the longest one.
    """

    __slots__ = ("_covered", "_held", "_needles")

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._needles = needles
        self._held = b""
        self._covered = 0  # how much of what is held belongs to an occurrence whose `***` was already given out

    def feed(self, chunk: bytes) -> bytes:
        """Take in a piece; give out what is settled."""
        if not self._needles:
            return chunk
        data = self._held + chunk if self._held else chunk
        return self._settle(data, self._settled_length(data))

    def flush(self) -> bytes:
        """Give out the rest; nothing comes after it."""
        return self._settle(self._held, len(self._held))

    def _settle(self, data: bytes, length: int) -> bytes:
        self._held = data[length:]
        pieces: list[bytes] = []
        done = self._covered
        present = [needle for needle in self._needles if needle in data]
        for start, end in _occurrences(data, present):
            if start >= length:
                break
            if start >= done:
                pieces += (data[done:start], REPLACEMENT.encode())
            done = max(done, end)
        pieces.append(data[done:length])
        self._covered = max(done - length, 0)
        return b"".join(pieces)

    def _settled_length(self, data: bytes) -> int:
        """Where the first end of `data` begins that is the beginning of a secret."""
        length = len(data)
        for needle in self._needles:
            first = needle[:1]
            place = data.find(first, max(len(data) - len(needle) + 1, 0), length)
            while place >= 0:
                if needle.startswith(data[place:]):
                    length = place
                    break
                place = data.find(first, place + 1, length)
        return length


def _forms(value: str) -> set[str]:
    """All the ways in which a value is written: as it is, each long line of it, and both as JSON."""
    import json

    lines = [line.strip() for line in value.splitlines()] if "\n" in value else []
    plain = {value, *(line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----"))}
    escaped = {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in plain for ascii_only in (True, False)}
    return plain | escaped


def _occurrences(text: AnyStr, needles: Iterable[AnyStr]) -> list[tuple[int, int]]:
    """Start and end of every occurrence, those that overlap too, ordered by start."""
    found = []
    for needle in needles:
        start = text.find(needle)
        while start >= 0:
            found.append((start, start + len(needle)))
            start = text.find(needle, start + 1)
    return sorted(found)
