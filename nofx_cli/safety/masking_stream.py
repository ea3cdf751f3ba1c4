"""Masking bytes that come in pieces: all pieces together give what masking the whole would give.

What is given out is settled: no secret that is still to come can begin in it. Held back is only an end that may be
the beginning of a known value or of a pattern, so never more than `LONGEST` bytes of either; where a match of a
pattern goes on for longer, its `***` is given out and the rest is swallowed as it comes.

Positions in `data` count from the first byte that is held; those that are kept between two pieces from the first byte
of the stream.
"""

from collections.abc import Iterable

from nofx_cli.safety import masking_patterns
from nofx_cli.safety.masking_needles import Needles
from nofx_cli.safety.masking_patterns import Pattern

REPLACEMENT = b"***"
Span = tuple[int, int]


def masked(data: bytes, spans: Iterable[Span]) -> bytes:
    """Bytes with each span replaced; those that overlap become one."""
    pieces: list[bytes] = []
    done = _replace(data, sorted(spans), pieces, done=0, length=len(data))
    pieces.append(data[done:])
    return b"".join(pieces)


def _replace(data: bytes, spans: Iterable[Span], pieces: list[bytes], *, done: int, length: int) -> int:
    """Add what stands before the spans that begin before `length`, and their `***`; returns where the last one ends."""
    for start, end in spans:
        if start >= length:
            break
        if start >= done:
            pieces += (data[done:start], REPLACEMENT)
        done = max(done, end)
    return done


class StreamMasker:
    """Masks one stream of bytes.

    Attributes:
        found: whether anything was masked so far.
    """

    __slots__ = ("_covered", "_held", "_needles", "_watch", "found")

    def __init__(self, needles: Needles, *, patterns: bool = True) -> None:
        self._needles = needles
        self._watch = _PatternWatch() if patterns else None
        self.found = False
        self._held = b""
        self._covered = 0  # how much of what is held belongs to an occurrence whose `***` was already given out

    def feed(self, chunk: bytes) -> bytes:
        """Take in a piece; give out what is settled."""
        return self._settle(self._held + chunk if self._held else chunk, final=False)

    def flush(self) -> bytes:
        """Give out the rest; nothing comes after it."""
        return self._settle(self._held, final=True)

    def _settle(self, data: bytes, *, final: bool) -> bytes:
        spans = self._needles.spans(data)
        length = len(data) if final else self._needles.settled(data)
        if self._watch is not None:
            length = min(length, self._watch.look(data, final=final))
            spans += self._watch.spans()
        self._held = data[length:]
        if self._watch is not None:
            self._watch.forget(data, length)
        if not spans and not self._covered:
            return data if length == len(data) else data[:length]
        pieces: list[bytes] = []
        done = _replace(data, sorted(spans), pieces, done=self._covered, length=length)
        self.found = self.found or bool(pieces)
        pieces.append(data[done:length])
        self._covered = max(done - length, 0)
        return b"".join(pieces)


class _PatternWatch:
    """What is known of the matches of patterns in the part of a stream that is held, and where each is to be looked
    for next.
    """

    __slots__ = ("_base", "_before", "_found", "_open", "_resume")

    def __init__(self) -> None:
        self._base = 0
        self._before = b""  # the last byte that was given out: what stands before a token decides whether it is one
        self._found: list[Span] = []
        self._resume: dict[Pattern, int] = {}
        self._open: set[Pattern] = set()

    def spans(self) -> list[Span]:
        return [(start - self._base, end - self._base) for start, end in self._found]

    def look(self, data: bytes, *, final: bool) -> int:
        """Find what is new; returns how much of `data` is settled."""
        text, shift = self._before + data, len(self._before)
        settled = len(text) if final else masking_patterns.beginning(text)
        for pattern in masking_patterns.present(text) | self._open:
            settled = min(settled, self._follow(pattern, text, shift, final=final))
        return max(settled - shift, 0)

    def forget(self, data: bytes, length: int) -> None:
        """The first `length` bytes of `data` were given out."""
        if not length:
            return
        self._before = data[length - 1 : length]
        self._base += length
        self._found = [span for span in self._found if span[0] >= self._base]
        self._resume = {pattern: at for pattern, at in self._resume.items() if at > self._base or pattern in self._open}

    def _follow(self, pattern: Pattern, text: bytes, shift: int, *, final: bool) -> int:
        """Find the matches of one pattern; returns where its first undecided one begins."""
        at = max(self._resume.get(pattern, 0) - self._base + shift, 0)
        if pattern in self._open:
            end = masking_patterns.tail_end(pattern, text, at)
            self._add(pattern, at - shift - 1, end - shift)  # one byte earlier: it is one with what it continues
            if masking_patterns.goes_on(pattern, text, end):
                return end
            self._open.discard(pattern)
            at = end
        while True:
            unsure = len(text) if final else masking_patterns.undecided_from(pattern, text, at)
            match = masking_patterns.full(pattern).search(text, at)
            if match is None or match.start() >= unsure:
                return unsure
            self._add(pattern, match.start(1) - shift, match.end(1) - shift, resume=match.end() - shift)
            at = match.end()
            if masking_patterns.goes_on(pattern, text, at):
                self._open.add(pattern)
                return at

    def _add(self, pattern: Pattern, start: int, end: int, resume: int | None = None) -> None:
        self._found.append((start + self._base, end + self._base))
        self._resume[pattern] = (end if resume is None else resume) + self._base
