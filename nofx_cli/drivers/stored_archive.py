"""An archive over whatever keeps the bytes of its entries; drivers say how one is read and how one is replaced."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from nofx_cli import errors
from nofx_cli.domain.exchanges import DamagedEntry, Entry, Exchange, OtherFormat, answer_digest, decode_entry
from nofx_cli.domain.ids import JsonObject, canonical_json
from nofx_cli.domain.models import ModelReply, request_digest
from nofx_cli.ports.archive import ArchiveEntry
from nofx_cli.safety.masking import Masker

Decide: TypeAlias = Callable[[Entry | None], Entry | None]
"""What becomes of an entry (None: there is none that can be read); None leaves everything as it is."""


class StoredArchive:
    """Implements `ports.archive.Archive`, but for what lies where."""

    def __init__(self, masker: Masker | None = None) -> None:
        self._masker = masker or Masker()

    def put(self, canonical: JsonObject, reply: ModelReply, *, run: str, step: str, at: str, shared: bool) -> Exchange:
        # Kept in its canonical form, and given back so at once: later nobody could tell its order of keys.
        data: Any = json.loads(canonical_json(self._masker.data(reply.data)))
        text = self._masker.text(reply.text)
        masked = text != reply.text or canonical_json(data) != canonical_json(reply.data)
        reply = replace(reply, text=text, data=data, masked=masked)
        request = request_digest(canonical)
        exchange = Exchange(request, answer_digest(request, reply), reply, run, step, at, shared)
        self._change(request, lambda entry: (entry or Entry(canonical)).appending(exchange))
        return exchange

    def newest(self, request: str) -> Exchange | None:
        return self._last(request, lambda exchange: exchange.shared)

    def answer_to(self, request: str, *, run: str, step: str) -> Exchange | None:
        return self._last(request, lambda exchange: (exchange.run, exchange.step) == (run, step))

    def exact(self, request: str, answer: str) -> Exchange | None:
        return self._last(request, lambda exchange: exchange.answer == answer)

    def requests(self, prefix: str = "") -> Iterator[str]:
        raise NotImplementedError

    def entries(self) -> Iterator[ArchiveEntry]:
        raise NotImplementedError

    def entry(self, request: str) -> Entry:
        data = self._read(request)
        if data is None:
            raise errors.NotFound(
                f"there is no request {request} in the archive",
                code="not-in-archive",
                hint="nofx archive ls",
                context={"request": request},
            )
        try:
            return decode_entry(data, request=request)
        except DamagedEntry as exc:
            raise errors.Conflict(
                f"entry {request} of the archive is damaged: {exc}",
                code="archive-damaged",
                hint="take the file from a backup, or remove what is damaged: nofx archive prune --damaged",
                context={"request": request},
            ) from exc

    def show(self, request: str) -> tuple[JsonObject, list[Exchange]]:
        entry = self.entry(request)
        return entry.canonical, list(entry.exchanges)

    def merge(self, entry: Entry) -> int:
        new = 0

        def take_in(there: Entry | None) -> Entry | None:
            nonlocal new
            merged = (there or Entry(entry.canonical)).adding(entry.exchanges)
            new = len(merged.exchanges) - (len(there.exchanges) if there else 0)
            return merged if new else None

        self._change(entry.request, take_in)
        return new

    def remove(self, request: str, gone: Sequence[Exchange]) -> int:
        return self._change(request, lambda entry: entry.without(gone) if entry else None)

    def remove_damaged(self) -> int:
        raise NotImplementedError

    def _last(self, request: str, wanted: Callable[[Exchange], bool]) -> Exchange | None:
        entry = readable(self._read(request), request)
        return next((one for one in reversed(entry.exchanges) if wanted(one)), None) if entry else None

    def _read(self, request: str) -> bytes | None:
        """The bytes of an entry; None where there is none, and for what cannot be the digest of one."""
        raise NotImplementedError

    def _change(self, request: str, decide: Decide) -> int:
        """Replace an entry by what becomes of it, while nobody else changes it; how many bytes that freed.

        One without answers is taken away. One that is damaged is put aside when another takes its place.
        """
        raise NotImplementedError


def readable(data: bytes | None, request: str) -> Entry | None:
    """The entry of these bytes; None where there are none, or they are damaged."""
    try:
        return decode_entry(data, request=request) if data is not None else None
    except DamagedEntry:
        return None


def is_damaged(data: bytes, request: str) -> bool:
    """Whether nobody can read it: not an entry of another version of nofx, which that can."""
    try:
        decode_entry(data, request=request)
    except OtherFormat:
        return False
    except DamagedEntry:
        return True
    return False


def listed(data: bytes, request: str) -> ArchiveEntry:
    """The line of an entry; with a fault where it is damaged."""
    try:
        entry = decode_entry(data, request=request)
    except DamagedEntry as exc:
        return faulty(request, len(data), str(exc))
    replies = [exchange.reply for exchange in entry.exchanges]
    costs = [reply.cost_usd for reply in replies if reply.cost_usd is not None]
    return ArchiveEntry(
        request=request,
        answers=len(replies),
        models=tuple(dict.fromkeys(reply.model for reply in replies)),
        at=entry.exchanges[-1].at if replies else "",
        bytes=len(data),
        cost_usd=sum(costs, type(costs[0])(0)) if costs and len(costs) == len(replies) else None,
    )


def faulty(request: str, size: int, fault: str) -> ArchiveEntry:
    """The line of what cannot be read."""
    return ArchiveEntry(request, 0, (), "", size, None, fault)
