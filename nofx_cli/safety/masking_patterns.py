r"""Secrets that are known by their look: the tokens of well-known services, private keys, passwords in URLs.

A pattern is a lead, which stays (`Authorization: Bearer `), a head, whose end settles that it is a secret, and a tail
of characters that belong to it as long as they come. Leads and heads are sequences of characters of fixed classes and
bounded counts. So from the same table comes what a stream needs: an expression for the ends of a text that may still
become a match, never longer than lead and head. No lead or head but that of private keys holds a line's end.

All patterns begin with, or hold, a few characters of their own; one expression finds those in a single pass, and only
what may be there is looked for. Everything is compiled when it is first needed.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from nofx_cli.domain.record import record

_WORD = rb"[A-Za-z0-9_-]"
_ALNUM = rb"[A-Za-z0-9]"
_APART = rb"(?<![A-Za-z0-9][\s\S])"
_APART_FROM_WORDS = rb"(?<![A-Za-z0-9_-][\s\S])"
_BASE64 = rb"[A-Za-z0-9+/=]"
_QUOTES = rb"[\"'\\]"
_BLANK = rb"[ \t]"


class Part(NamedTuple):
    """So many characters of one class."""

    characters: bytes
    fewest: int = 1
    most: int = 1

    @property
    def full(self) -> bytes:
        return self.characters + b"{%d,%d}" % (self.fewest, self.most)


@record
class Pattern:
    """One look of secrets.

    Attributes:
        trigger: what one expression finds all patterns by: a fixed character, and what must stand around it. It lies
            in the first `_TRIGGERED_WITHIN` bytes of a match. Several where it may be written in several ways.
        before: what must stand before it, as a lookbehind from behind its first character: so placed, the search jumps
            from one such character to the next.
        tail: characters that belong to it after its head; empty where it ends with `end`.
        end: what must follow the head and is none of it.
        in_lines: False where its lead or head holds the end of a line.
    """

    trigger: bytes | tuple[bytes, ...]
    lead: tuple[Part, ...] = ()
    head: tuple[Part, ...] = ()
    tail: bytes = b""
    end: tuple[Part, ...] = ()
    before: bytes = _APART
    in_lines: bool = True

    def __hash__(self) -> int:
        return hash(self.trigger)

    @property
    def longest(self) -> int:
        """The most bytes that an undecided end has."""
        return sum(part.most for part in (*self.lead, *self.head, *self.end))


def _text(text: str) -> tuple[Part, ...]:
    return tuple(Part(re.escape(character.encode())) for character in text)


def _token(trigger: bytes, start: str, *rest: Part, tail: bytes = _WORD, before: bytes = _APART) -> Pattern:
    return Pattern(trigger, head=(*_text(start), *rest), tail=tail, before=before)


def _after(trigger: bytes, start: str, *lead: Part, head: tuple[Part, ...], tail: bytes) -> Pattern:
    return Pattern(trigger, lead=(*_text(start), *lead), head=head, tail=tail, before=b"")


def _either_case(text: str) -> tuple[Part, ...]:
    return tuple(
        Part(f"[{one.upper()}{one.lower()}]".encode() if one.isalpha() else re.escape(one.encode())) for one in text
    )


_ASSIGNED = Part(rb"[\"'\\:= \t]", 1, 20)
_KEY_BODY = rb"(?:[A-Za-z0-9+/=\s]|\\[nr\\])"

PATTERNS: tuple[Pattern, ...] = (
    # GitHub
    Pattern(rb"_(?<=gh[pousr]_)", head=(*_text("gh"), Part(b"[pousr]"), Part(b"_"), Part(_ALNUM, 30, 30)), tail=_ALNUM),
    _token(rb"_(?<=github_pat_)", "github_pat_", Part(rb"\w", 22, 22), tail=rb"\w"),
    # GitLab: personal, deploy and runner, job and trigger
    _token(rb"-(?<=glpat-)", "glpat-", Part(_WORD, 20, 20)),
    Pattern(rb"-(?<=gl[dr]t-)", head=(*_text("gl"), Part(b"[dr]"), *_text("t-"), Part(_WORD, 20, 20)), tail=_WORD),
    Pattern(
        rb"-(?<=gl[cp][bt]t-)",
        head=(*_text("gl"), Part(b"[cp]"), Part(b"[bt]"), *_text("t-"), Part(_WORD, 20, 20)), tail=_WORD,
    ),
    # AWS
    Pattern(
        rb"I(?<=A[KS]I)A", head=(Part(b"A"), Part(b"[KS]"), Part(b"I"), Part(b"A"), Part(b"[A-Z2-7]", 16, 16)),
        tail=b"[A-Z0-9]",
    ),
    Pattern(
        (rb"_(?<=[Tt]_)[Aa][Cc][Cc]", rb"K(?<=ecretAccessK)e"),
        lead=(*_either_case("secret"), Part(b"[_-]", 0, 1), *_either_case("access"), Part(b"[_-]", 0, 1),
              *_either_case("key"), _ASSIGNED),
        head=(Part(rb"[A-Za-z0-9/+]", 40, 40),), tail=_BASE64, before=b"",
    ),
    # Google
    _token(rb"z(?<=AIz)a", "AIza", Part(_WORD, 35, 35)),
    _token(rb"\.(?<=ya29\.)", "ya29.", Part(_WORD, 20, 20)),
    _token(rb"-(?<=GOCSPX-)", "GOCSPX-", Part(_WORD, 20, 20)),
    # Slack
    Pattern(
        rb"-(?<=xox[a-z]-)",
        head=(*_text("xox"), Part(b"[abeoprs]"), Part(b"-"), Part(rb"[0-9A-Za-z-]", 20, 20)), tail=rb"[0-9A-Za-z-]",
    ),
    _token(rb"-(?<=xapp-)", "xapp-", Part(b"[0-9]"), Part(b"-"), Part(_WORD, 20, 20)),
    _after(rb"/(?<=hooks\.slack\.com/)", "hooks.slack.com/", Part(b"[a-z]", 8, 9), Part(b"/"),
           head=(Part(rb"[A-Za-z0-9_/-]", 20, 20),), tail=rb"[A-Za-z0-9_/-]"),
    # Stripe
    Pattern(
        rb"_(?<=[sr]k_)(?:live|test)_",
        head=(Part(b"[sr]"), *_text("k_"), Part(b"[a-z]", 4, 4), Part(b"_"), Part(_ALNUM, 16, 16)), tail=_ALNUM,
    ),
    _token(rb"_(?<=whsec_)", "whsec_", Part(_ALNUM, 24, 24), tail=_BASE64),
    # OpenAI, Anthropic
    _token(rb"-(?<=sk-)ant-", "sk-ant-", Part(_WORD, 24, 24), before=_APART_FROM_WORDS),
    _token(rb"-(?<=sk-)proj-", "sk-proj-", Part(_WORD, 24, 24), before=_APART_FROM_WORDS),
    _token(rb"-(?<=sk-)(?:svcacct|admin|None)-", "sk-", Part(b"[A-Za-z]", 4, 7), Part(b"-"), Part(_WORD, 40, 40),
           before=_APART_FROM_WORDS),
    _token(rb"-(?<=sk-)(?=[A-Za-z0-9])", "sk-", Part(_ALNUM, 32, 32), tail=_ALNUM, before=_APART_FROM_WORDS),
    # npm, PyPI, SendGrid, Twilio, Hugging Face
    _token(rb"_(?<=npm_)", "npm_", Part(_ALNUM, 36, 36), tail=_ALNUM),
    _token(rb"-(?<=pypi-)Ag", "pypi-Ag", Part(_WORD, 50, 50)),
    Pattern(rb"\.(?<=SG\.)", head=(*_text("SG."), Part(_WORD, 16, 32), Part(rb"\."), Part(_WORD, 32, 32)), tail=_WORD),
    _token(rb"K(?<=SK)(?=[0-9a-f])", "SK", Part(b"[0-9a-f]", 32, 32), tail=b"[0-9a-f]"),
    _token(rb"_(?<=hf_)", "hf_", Part(_ALNUM, 30, 30), tail=_ALNUM),
    # JSON Web Tokens
    Pattern(
        rb"J(?<=eyJ)",
        head=(*_text("eyJ"), Part(_WORD, 8, 600), Part(rb"\."), *_text("eyJ"), Part(_WORD, 4, 4)), tail=rb"[\w.-]",
    ),
    # Private keys; of those with headers, from the last header on
    Pattern(
        rb"K(?<=PRIVATE K)EY",
        lead=(*_text("PRIVATE KEY"), Part(rb"[ BLOCK]", 0, 6), Part(b"-", 5, 5), Part(rb"[\\nr\r\n \t]", 1, 40)),
        head=(Part(_BASE64, 24, 24),), tail=_KEY_BODY, before=b"", in_lines=False,
    ),
    Pattern(
        rb"K(?<=DEK)-Info",
        lead=(*_text("DEK-Info:"), Part(_BLANK, 0, 2), Part(b"[A-Z0-9-]", 3, 20), Part(b",")),
        head=(Part(b"[0-9A-Fa-f]", 16, 16),), tail=_KEY_BODY, before=b"",
    ),
    # Headers and URLs
    Pattern(
        (rb"z(?<=uthoriz)ation", rb"Z(?<=UTHORIZ)ATION"),
        lead=(*_either_case("authorization"), Part(_QUOTES, 0, 9), Part(_BLANK, 0, 4), Part(b"[:=]"),
              Part(_BLANK, 0, 4), Part(_QUOTES, 0, 9), Part(b"[BbTt]"), Part(b"[A-Za-z]", 4, 5), Part(_BLANK, 1, 4)),
        head=(Part(rb"[A-Za-z0-9._~+/=-]", 6, 6),), tail=rb"[A-Za-z0-9._~+/=-]", before=b"",
    ),
    Pattern(
        rb"/(?<=:/)/",
        lead=(*_text("://"), Part(rb"[^\s/:@\"'\\<>`]", 0, 100), Part(b":")),
        head=(Part(rb"[^\s/@\"'\\<>`${*]"), Part(rb"[^\s/@\"'\\<>`]", 2, 200)), end=(Part(b"@"),),
        before=rb"(?<=[A-Za-z0-9]:)",
    ),
)  # fmt: skip

_TRIGGERS = [
    (trigger, pattern)
    for pattern in PATTERNS
    for trigger in (pattern.trigger if isinstance(pattern.trigger, tuple) else (pattern.trigger,))
]
LONGEST = max(pattern.longest for pattern in PATTERNS)
_TRIGGERED_WITHIN = 17
"""How many bytes of a match tell its trigger, at most."""


@cache
def _triggers() -> re.Pattern[bytes]:
    return re.compile(b"|".join(b"%s()" % trigger for trigger, _ in _TRIGGERS))


@cache
def full(pattern: Pattern) -> re.Pattern[bytes]:
    """Finds matches; group 1 is what is secret."""
    lead, head, end = ([part.full for part in parts] for parts in (pattern.lead, pattern.head, pattern.end))
    (lead or head).insert(1, pattern.before)
    tail = pattern.tail + b"*" if pattern.tail else b""
    return re.compile(b"".join([*lead, b"(", *head, tail, b")", *end]))


def present(data: bytes) -> set[Pattern]:
    """The patterns whose trigger is in a text."""
    if _triggers().search(data) is None:
        return set()
    return {_TRIGGERS[found.lastindex - 1][1] for found in _triggers().finditer(data) if found.lastindex}


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of everything in a whole text that looks like a secret."""
    for pattern in present(data):
        yield from (found.span(1) for found in full(pattern).finditer(data))


def undecided_from(pattern: Pattern, data: bytes, at: int) -> int:
    """Where an end of `data` begins, not before `at`, that may become a match; its length where there is none."""
    start = max(at, len(data) - pattern.longest, data.rfind(b"\n") + 1 if pattern.in_lines else 0)
    found = _undecided(pattern).search(data, start)
    return found.start() if found else len(data)


def beginning(data: bytes) -> int:
    """Where an end of `data` begins that may become the trigger of a match; its length where there is none."""
    if data.endswith(b"\n"):
        return len(data)
    found = _beginnings().search(data, max(len(data) - _TRIGGERED_WITHIN, data.rfind(b"\n") + 1))
    return found.start() if found else len(data)


def tail_end(pattern: Pattern, data: bytes, at: int) -> int:
    """Where what still belongs to a match that came to `at` ends."""
    found = _tail(pattern).match(data, at)
    return found.end() if found else at


def goes_on(pattern: Pattern, data: bytes, end: int) -> bool:
    """Whether a match that ends at `end` may go on with what comes after `data`."""
    if not pattern.tail:
        return False
    return end == len(data) or (pattern.tail is _KEY_BODY and data[end:] == b"\\")


@cache
def _tail(pattern: Pattern) -> re.Pattern[bytes]:
    return re.compile(pattern.tail + b"*")


@cache
def _undecided(pattern: Pattern) -> re.Pattern[bytes]:
    return re.compile(_unfinished(pattern))


@cache
def _beginnings() -> re.Pattern[bytes]:
    """The first characters of every pattern; those that have a wide class there have their trigger before it."""
    return re.compile(b"|".join(_unfinished(pattern, _TRIGGERED_WITHIN) for pattern in PATTERNS))


def _unfinished(pattern: Pattern, fewer: int | None = None) -> bytes:
    first, *parts, last = (*pattern.lead, *pattern.head, *pattern.end)[:fewer]
    rest = last.characters + rb"{0,%d}\Z" % (last.most - 1)
    for part in reversed(parts):
        rest = rb"(?:%s{0,%d}\Z|%s%s)" % (part.characters, part.most, part.full, rest)
    return first.characters + pattern.before + rest
