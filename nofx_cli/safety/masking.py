"""Secrets are masked here, at the one funnel through which everything that is kept or shown goes.

Every occurrence of a known value becomes `***`, in any of the forms that `masking_forms` makes of it, and so does
everything that looks like a secret (`masking_patterns`). Occurrences that overlap become one. Values shorter than
`SHORTEST` characters are not masked: they would tear ordinary words apart and tell more than they hide. Nor are words
of nofx's own records (`succeeded`): whoever has such a password cannot keep it secret in a text that says them anyway.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from weakref import WeakSet

from nofx_cli.domain.ids import JsonValue
from nofx_cli.safety import masking_patterns
from nofx_cli.safety.masking_forms import SHORTEST, forms
from nofx_cli.safety.masking_needles import Needles
from nofx_cli.safety.masking_stream import StreamMasker, masked

_CUT_SIGN, _CUT_ESCAPED = "…".encode(), rb"\u2026"
_CUT = re.compile(_CUT_SIGN + b"|" + re.escape(_CUT_ESCAPED))
_MOST_CUTS = 1_000
"""So many are looked at in one text: a text that is full of `…` was not cut so often."""
_OWN_WORDS = (
    *("succeeded", "failed", "skipped", "cancelled", "waiting", "running", "pending", "queued", "interrupted"),
    *("passed", "errored", "vacuous", "timed_out", "timeout", "granted", "rejected", "waived", "blocking", "warning"),
    *("approval", "system", "worker", "upstream"),
)


_ALIVE: "WeakSet[Masker]" = WeakSet()


class Masker:
    """Replaces secrets in text, in JSON and in streams of bytes. Its `repr` never tells them. Threads may share it."""

    __slots__ = ("__weakref__", "_lock", "_needles", "_patterns", "_values")

    def __init__(self, values: Iterable[str] = (), *, patterns: bool = True) -> None:
        """`patterns` False leaves alone what only looks like a secret."""
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset(_maskable(values))
        self._needles: Needles | None = None  # made when it is first needed: many a command masks nothing
        self._patterns = patterns
        _ALIVE.add(self)

    @staticmethod
    def of_this_process() -> "Masker":
        """One that knows what all others know, for a place that has none: the report of a fault."""
        return Masker(value for masker in list(_ALIVE) for value in masker._values)

    def __repr__(self) -> str:
        return f"Masker({len(self._values)} values)"

    @property
    def active(self) -> bool:
        """False where there is nothing to mask: everything passes through untouched, at no cost."""
        return self._patterns or bool(self._values)

    def learn(self, values: Iterable[str]) -> None:
        """Mask these values too, in what is masked and in the streams that are begun from now on."""
        new = frozenset(_maskable(values))
        with self._lock:
            if not new <= self._values:
                self._values |= new
                self._needles = None

    def text(self, text: str) -> str:
        """The text without secrets. It may also be JSON already."""
        data, errors = _encoded(text)
        spans = self.spans(data)
        return masked(data, spans).decode("utf-8", errors) if spans else text

    def data(self, value: JsonValue) -> JsonValue:
        """A copy of a JSON value whose strings, keys too, are without secrets."""
        return self._data(value, {})

    def _data(self, value: JsonValue, known: dict[str, str]) -> JsonValue:
        """`known` is what became of the strings so far: keys of records come again and again."""
        if isinstance(value, str):
            masked = known.get(value)
            if masked is None:
                masked = known[value] = self.text(value)
            return masked
        if isinstance(value, Mapping):
            return {str(self._data(key, known)): self._data(item, known) for key, item in value.items()}
        if isinstance(value, list):
            return [self._data(item, known) for item in value]
        if isinstance(value, tuple):
            return tuple(self._data(item, known) for item in value)
        return value

    def knows(self, data: bytes) -> bool:
        """Whether there is a known value in it; what only looks like a secret does not count."""
        return bool(self._known().spans(data))

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where the secrets of a whole text stand, in no order; they may overlap.

        What was cut short before it came here may have been cut in the middle of a secret: of one that `…` stands
        behind, the beginning counts.
        """
        found = [*self._known().spans(data), *self._cut_off(data)]
        if self._patterns:
            found += masking_patterns.spans(data)
        return found

    def _cut_off(self, data: bytes) -> Iterator[tuple[int, int]]:
        if _CUT_SIGN not in data and _CUT_ESCAPED not in data:
            return
        known = self._known()
        for cut in islice(_CUT.finditer(data), _MOST_CUTS):
            start = known.begun(data, cut.start(), shortest=SHORTEST)
            if start < cut.start():
                yield start, cut.start()

    def stream(self) -> StreamMasker:
        """Begin to mask a stream of bytes."""
        return StreamMasker(self._known(), patterns=self._patterns)

    def _known(self) -> Needles:
        known = self._needles
        if known is None:
            with self._lock:
                known = self._needles = Needles(form for value in self._values for form in forms(value))
        return known


def _maskable(values: Iterable[str]) -> Iterable[str]:
    stripped = (value.strip() for value in values)
    return (value for value in stripped if len(value) >= SHORTEST and not any(value in word for word in _OWN_WORDS))


def _encoded(text: str) -> tuple[bytes, str]:
    """The bytes of a text, and how they are read again; text from the system may hold bytes that are no UTF-8."""
    try:
        return text.encode(), "surrogateescape"
    except UnicodeEncodeError:
        pass
    try:
        return text.encode("utf-8", "surrogateescape"), "surrogateescape"
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass"), "surrogatepass"
