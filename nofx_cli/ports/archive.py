"""The archive: every request to a model with its answers, by the digest of the canonical request."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from nofx_cli.domain.exchanges import Entry, Exchange
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.models import ModelReply
from nofx_cli.domain.record import record

__all__ = ["Archive", "ArchiveEntry", "Entry", "Exchange"]


@record
class ArchiveEntry:
    """One line of the archive, for lists.

    `fault` is why it cannot be read; then only `request` (as far as its name tells it) and `bytes` are known.
    """

    request: str
    answers: int
    models: tuple[str, ...]
    at: str
    """Of the newest answer."""
    bytes: int
    cost_usd: Decimal | None
    """Of all answers; None where one of them is not known."""
    fault: str = ""


class Archive(Protocol):
    """Requests and answers, shared by all runs of a store. Secrets are masked before anything is kept.

    An entry whose content is not what its digests say is damaged: it is never given as an answer. Where an answer comes
    to such an entry, what is damaged is put aside, and told by `entries` until `remove_damaged`.

    Every method raises `errors.StoreFailure` where the store cannot be read or written, but for `entries`.
    """

    def put(self, canonical: JsonObject, reply: ModelReply, *, run: str, step: str, at: str, shared: bool) -> Exchange:
        """Keep an answer, durably: it appears whole or not at all, and before this returns.

        `canonical` was masked by who gives it; the reply's texts are masked here.

        Raises:
            errors.StoreFailure: it could not be written; what was there before is.
        """
        ...

    def newest(self, request: str) -> Exchange | None:
        """The newest shared answer to a request."""
        ...

    def answer_to(self, request: str, *, run: str, step: str) -> Exchange | None:
        """The newest answer that this step of this run got, shared or not."""
        ...

    def exact(self, request: str, answer: str) -> Exchange | None:
        """One answer by its digest: what a replay takes."""
        ...

    def requests(self, prefix: str = "") -> Iterator[str]:
        """The digests that begin so, in order, by the names alone: one of them may be damaged."""
        ...

    def entries(self) -> Iterator[ArchiveEntry]:
        """All of it, by digest. What cannot be read is told, and stops nothing."""
        ...

    def entry(self, request: str) -> Entry:
        """A request with its answers.

        Raises:
            errors.NotFound: there is none (code `not-in-archive`).
            errors.Conflict: the entry is damaged (code `archive-damaged`).
        """
        ...

    def show(self, request: str) -> tuple[JsonObject, list[Exchange]]:
        """The canonical request and its answers, oldest first. Raises as `entry`."""
        ...

    def merge(self, entry: Entry) -> int:
        """Take in the answers of another archive's entry, as durably as `put`; how many were new.

        They stand in the order of their times; what was there already is not taken twice.
        """
        ...

    def remove(self, request: str, gone: Sequence[Exchange]) -> int:
        """Take these answers away, and with the last one the request; how many bytes that freed.

        An answer that comes meanwhile stays. Nothing happens to an entry that is damaged or not there.
        """
        ...

    def remove_damaged(self) -> int:
        """Take away what cannot be read; how many bytes that freed."""
        ...
