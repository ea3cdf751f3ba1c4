"""Why a call failed, and what follows: the same model once more, the next one, or the same request in other words."""

from collections.abc import Mapping
from enum import StrEnum

from nofx_cli.domain.record import record
from nofx_cli.models.gathered import ErrorInside, words_of

_MAY_PASS = frozenset({408, 409, 425, 429})
_NEVER_PASSES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Codes of OpenAI that come with status 429 and mean: there is no money left."""
_MAY_HAVE_RUN = frozenset({408, 502, 504})
"""Whoever stands before a provider gave up waiting for it: what it does meanwhile, and bills, is not known."""
_REFUSED_AS_IT_IS = frozenset({400, 422})


class Next(StrEnum):
    """What a failure leads to."""

    AGAIN = "again"
    """The same model is asked again, after a pause."""
    OTHER = "other"
    """The next model is asked: this one would say the same."""


@record
class Failure:
    """How a call failed.

    Attributes:
        words: what to tell of it, the provider's own where it said any.
        status: of HTTP; 0 where there was none.
        unused: nothing was used: the request was refused, or never left this machine.
        is_timeout: a time limit ended it.
        param: which part of the request the provider refuses, where it says so.
        retry_after: of the response, and the one in milliseconds.
    """

    words: str
    next: Next
    status: int = 0
    unused: bool = False
    is_timeout: bool = False
    param: str = ""
    retry_after: str = ""
    retry_after_ms: str = ""

    @property
    def as_it_is(self) -> bool:
        """Whether the request was refused for what it says, so that it may be asked in other words."""
        return self.status in _REFUSED_AS_IT_IS and self.unused

    @property
    def told(self) -> str:
        return f"{self.status}: {self.words}" if self.status >= 300 else self.words


def refused(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """A status that is not 200."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    fields = error if isinstance(error, Mapping) else {}
    words = words_of(body) if body else "without a word"
    if 300 <= status < 400:
        words = f"it points to {headers.get('location', 'somewhere else')}; base_url must name where it is"
    return Failure(
        words,
        _leads_to(status, str(fields.get("code") or "")),
        status,
        unused=status not in _MAY_HAVE_RUN,
        param=str(fields.get("param") or ""),
        retry_after=headers.get("retry-after", ""),
        retry_after_ms=headers.get("retry-after-ms", ""),
    )


def broken(why: str, *, status: int = 0, is_timeout: bool = False, unused: bool = False) -> Failure:
    """A connection or an answer that broke off, or came to no end in its time."""
    return Failure(why, Next.AGAIN, status, unused=unused, is_timeout=is_timeout)


def inside(error: ErrorInside) -> Failure:
    """An error in a response with status 200: what it used is not known."""
    leads_to = _leads_to(error.code, "") if 400 <= error.code < 600 else Next.AGAIN
    return Failure(error.words, leads_to, 200)


def _leads_to(status: int, code: str) -> Next:
    may_pass = status in _MAY_PASS or status >= 500
    return Next.AGAIN if may_pass and code not in _NEVER_PASSES else Next.OTHER
